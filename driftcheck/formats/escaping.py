"""Escaping of text of unknown origin: control characters and runner commands are made visible instead of acting."""

from __future__ import annotations

import re
from typing import Final

_SHORT: Final = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}
_BLANK: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0") | frozenset(
    map(chr, range(0xE0100, 0xE01F0))
)
"""Characters that Python calls printable and that show nothing: fillers and variation selectors."""
_COMMAND: Final = re.compile(r"^((?:[ \t]|\x1b\[[0-9;]*m)*)::", re.MULTILINE)
"""At a line's begin, colours left out: what shows a log may remove them first."""


def visible(text: str) -> str:
    r"""Escape every character that can't be seen or that controls a terminal: ESC becomes `\x1b`.

    These are the controls (CR, LF and tab too), bidirectional and zero-width characters, line and
    paragraph separators, blanks other than the space, and lone surrogates.
    """
    if text.isprintable() and (text.isascii() or _BLANK.isdisjoint(text)):
        return text
    return "".join(map(_written_out, text))


def _written_out(character: str) -> str:
    if character.isprintable() and character not in _BLANK:
        return character
    if character in _SHORT:
        return _SHORT[character]
    code = ord(character)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def unbroken(text: str) -> str:
    r"""Break the command `##[` to a runner in a text of one line: it is shown as `##\x5b`."""
    return text.replace("##[", r"##\x5b")


def inert(text: str) -> str:
    r"""Break commands to a runner of GitHub Actions in a log: `##[` anywhere, `::` at the beginning of a line.

    Both are shown with one character escaped (`##\x5b`, `\x3a:`). Source: actions/runner 258d6c8.
    """
    return _COMMAND.sub(r"\1\\x3a:", unbroken(text))


def inert_markup(text: str) -> str:
    """Break the same in HTML or XML without changing the text; not for scripts, styles or CDATA."""
    return _COMMAND.sub(r"\1&#58;:", text.replace("##[", "##&#91;"))


def inert_json(text: str) -> str:
    r"""Break `##[` in a JSON text, where it can only be in a string, without changing its value."""
    return text.replace("##[", r"##\u005b")
