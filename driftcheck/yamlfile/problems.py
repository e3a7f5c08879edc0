"""Defects of YAML text, with readable messages.

No message quotes the text, which may hold secrets. libyaml's own messages are never shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, TypeAlias

from yaml.error import MarkedYAMLError, YAMLError

from driftcheck.yamlfile.scalars import Misreading

MAX_BYTES: Final = 32 * 2**20
"""Size of a file; 10,000 deployments of 75 lines have 20 MiB."""
MAX_DIRECTIVES: Final = 16
MAX_INVISIBLE: Final = 100

Position: TypeAlias = tuple[int, int]
"""Line and column, counted from 1."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One defect of a text; `related` are other positions that belong to it."""

    rule: str
    message: str
    hint: str
    position: Position
    related: tuple[Position, ...] = ()


def position_of(mark: Any) -> Position:
    """Return the position of one of libyaml's marks."""
    return mark.line + 1, mark.column + 1


# --- the text as a whole ---

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_LONE_CARRIAGE_RETURN: Final = re.compile(rb"\r(?!\n)")
_LINE_SEPARATOR: Final = re.compile(rb"\xc2\x85|\xe2\x80[\xa8\xa9]")
_INVISIBLE: Final = re.compile(
    "[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufff9-\ufffb\U000e0000-\U000e007f]"
    "|(?<!\\A)\ufeff"
)


_LFS_POINTER: Final = b"version https://git-lfs.github.com/spec/"


def unreadable(data: bytes) -> Problem | None:
    """Return the defect that keeps a text from being parsed at all, if there is one."""
    if len(data) > MAX_BYTES:
        return Problem("yaml-limit", "the file is larger than 32 MiB", "Split it into several files.", (1, 1))
    if data.startswith(_LFS_POINTER):
        hint = "Fetch the file: `git lfs pull` (`lfs: true` of actions/checkout)."
        return Problem("unreadable-file", "this is a Git LFS pointer, not the file that it points to", hint, (1, 1))
    if data[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in data[:4]:
        return _wrong_encoding("the file is UTF-16 or UTF-32, not UTF-8", (1, 1))
    if not data.isascii():
        try:
            data.decode()
        except UnicodeDecodeError as error:
            return _wrong_encoding("the file is not UTF-8", _position_of_byte(data, error.start))
        if separator := _LINE_SEPARATOR.search(data):
            return _line_separator(data, separator.start())
    if b"\r" in data and (lone := _LONE_CARRIAGE_RETURN.search(data)):
        return _line_separator(data, lone.start())
    if data.startswith(b"%") + data.count(b"\n%") > MAX_DIRECTIVES:
        return directive((1, 1))
    return None


def _wrong_encoding(message: str, position: Position) -> Problem:
    return Problem("text-encoding", message, "Save it as UTF-8.", position)


def _line_separator(data: bytes, index: int) -> Problem:
    return Problem(
        "line-separator",
        "YAML ends the line at this character, which most editors and reviews do not show: "
        "a carriage return alone, U+0085, U+2028 or U+2029",
        'End lines with LF or CRLF; inside double quotes write the escape, such as "\\u2028".',
        _position_of_byte(data, index),
    )


def directive(position: Position) -> Problem:
    """Return the defect of a text that has a directive."""
    return Problem(
        "yaml-directive",
        "directives (lines that begin with `%`) are not supported",
        "Remove the directive; all files are read as YAML 1.2.",
        position,
    )


def _position_of_byte(data: bytes, index: int) -> Position:
    start = data.rfind(b"\n", 0, index) + 1
    prefix = data[start:index].removeprefix(_BYTE_ORDER_MARK)
    return data.count(b"\n", 0, index) + 1, len(prefix.decode(errors="replace")) + 1


def _position_of_character(text: str, index: int) -> Position:
    start = text.rfind("\n", 0, index) + 1
    return text.count("\n", 0, index) + 1, index - start + 1


def invisible_characters(data: bytes) -> Iterator[Problem]:
    """Return the characters of a text that hide something from its reader, up to a limit."""
    if data.isascii():
        return
    text = data.decode().removeprefix("\ufeff")
    for match in islice(_INVISIBLE.finditer(text), MAX_INVISIBLE):
        yield Problem(
            "invisible-character",
            "an invisible character, or one that changes the order in which text is shown",
            'Remove it, or write it as an escape in double quotes, such as "\\u200b".',
            _position_of_character(text, match.start()),
        )


# --- values and keys ---

TOO_DEEP: Final = "values are nested more than 64 levels deep"


def limit(message: str, position: Position) -> Problem:
    """Return the defect of a text that exceeds a bound."""
    return Problem("yaml-limit", message, "Use less nesting, or split the file.", position)


TAG: Final = (
    "yaml-tag",
    "tags (words that begin with `!`) are not supported",
    "Remove the tag; put the value in quotes if it is text.",
)
DUPLICATE_KEY: Final = (
    "duplicate-key",
    "the key occurs twice in one mapping, and programs differ in which one they use",
    "Remove one of them.",
)
NON_STRING_KEY: Final = ("non-string-key", "the key is not a string", "Put the key in quotes.")
SECOND_MERGE_KEY: Final = (
    "merge-key",
    "the mapping has two merge keys",
    "Write one with a list: `<<: [*first, *second]`.",
)
MERGE_KEY: Final = (
    "merge-key",
    "the merge key (`<<`) refers to something that is not a mapping",
    'Refer to a mapping or a list of mappings; for a key of that name write `"<<"`.',
)
UNKNOWN_ALIAS: Final = (
    "yaml-alias",
    "the alias refers to an anchor that is not defined before it in the document",
    "Define the anchor first (`&name`), or put the value in quotes if it is text.",
)
RECURSIVE_ALIAS: Final = (
    "yaml-alias",
    "the alias is inside the value that it refers to",
    "Remove it: a value cannot contain itself.",
)
NUMBER_RANGE: Final = (
    "number-range",
    "the number is out of range: integers are exact up to 2^53 only, and infinity and NaN are not supported",
    "Quote it if it is text.",
)
_BOOLEANS: Final = {"yes": "true", "on": "true", "no": "false", "off": "false"}


def misread(meaning: Misreading, text: str) -> tuple[str, str, str]:
    """Return rule, message and hint for an unquoted scalar that programs read differently.

    Of the text only the words for booleans are named: numbers may be secrets.
    """
    if meaning is Misreading.RANGE:
        return NUMBER_RANGE
    boolean = _BOOLEANS.get(text.lower())
    if boolean:
        message = f"`{text}` is a boolean in YAML 1.1 and a string in YAML 1.2; it is read as a string"
        return "ambiguous-scalar", message, f'Write `{boolean}` for the boolean, or `"{text}"` for the string.'
    message = "YAML 1.1 and YAML 1.2 read this value differently; it is read as a string"
    return "ambiguous-scalar", message, "Put it in quotes if it is text; write a number in plain decimal digits."


# --- syntax errors ---

_UNPRINTABLE: Final = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_UNEXPECTED: Final = "found character that cannot start any token"
_TAB: Final = "found a tab character that violates indentation"
_SYNTAX: Final = {
    "mapping values are not allowed in this context": (
        "unexpected colon",
        "Check the indentation, and put the value in quotes if the colon belongs to it.",
    ),
    "mapping keys are not allowed in this context": ("unexpected key", "Check the indentation."),
    "block sequence entries are not allowed in this context": (
        "unexpected list entry (`- `)",
        "Begin the list on its own line, and check the indentation.",
    ),
    "could not find expected ':'": (
        "expected a colon after the key",
        "Write `key: value`, and check the indentation and the quotes above.",
    ),
    "did not find expected key": ("expected a key", "Check the indentation, and the quotes and brackets above."),
    "did not find expected '-' indicator": ("expected a list entry (`- `)", "Indent all entries of the list alike."),
    "did not find expected ',' or ']'": (
        "unclosed list in brackets",
        "Put a comma between its entries, and `]` at its end.",
    ),
    "did not find expected ',' or '}'": (
        "unclosed mapping in braces",
        "Put a comma between its entries, and `}` at its end; put `{{ ... }}` in quotes.",
    ),
    "did not find expected node content": ("expected a value", "Check the commas and brackets."),
    "did not find expected <document start>": (
        "unexpected text after the end of the document",
        "Check the indentation and the brackets, or begin a document with `---`.",
    ),
    _UNEXPECTED: ("a value cannot begin with this character", "Put the value in quotes."),
    _TAB: ("tab in the indentation", "Indent with spaces."),
    "found a tab character where an indentation space is expected": ("tab in the indentation", "Indent with spaces."),
    "found unexpected end of stream": ("the file ends inside quotes", "Close the quotes."),
    "found unexpected document indicator": ("the document ends inside quotes", "Close the quotes."),
    "found unknown escape character": (
        "unknown escape in double quotes",
        "Write the backslash twice, or use single quotes.",
    ),
    "found invalid Unicode character escape code": (
        "the escape in double quotes is not a character",
        "Use the code of a character; half a surrogate pair is not one.",
    ),
    "found undefined tag handle": ("tags (words that begin with `!`) are not supported", "Put the value in quotes."),
    "did not find expected alphabetic or numeric character": (
        "the anchor (`&`) or alias (`*`) has no name",
        "Put the value in quotes if it is text.",
    ),
    "found unexpected ':'": ("unexpected colon inside a value in brackets or braces", "Put the value in quotes."),
}

_NESTED_TOO_DEEP: Final = "exceeded maximum nesting depth"
"""libyaml's message from 0.2.6 on, which looks ahead up to 1,000 open brackets before it returns the first."""


def syntax_problem(error: YAMLError, data: bytes) -> Problem:
    """Return the defect behind an error of libyaml."""
    if not isinstance(error, MarkedYAMLError):
        text = data.decode().removeprefix("\ufeff")
        control = _UNPRINTABLE.search(text)
        return Problem(
            "control-character",
            "control characters are not allowed in YAML",
            "Remove it, or write it as an escape in double quotes.",
            _position_of_character(text, control.start() if control else 0),
        )
    lines = max(len(data.splitlines()), 1)
    ended, began = _position_within(lines, error.problem_mark), _position_within(lines, error.context_mark)
    position = ended or began or (lines, 1)
    if error.problem == _NESTED_TOO_DEEP:
        return limit(TOO_DEEP, position)
    meant = error.problem or ""
    if meant == _UNEXPECTED and _line(data, position[0])[position[1] - 1 :].startswith("\t"):
        meant = _TAB
    message, hint = _SYNTAX.get(meant, ("invalid YAML", "Check the text from here upwards."))
    related = () if began is None or began == position else (began,)
    return Problem("yaml-syntax", message, hint, position, related)


def _line(data: bytes, number: int) -> str:
    lines = data.decode().splitlines()
    return lines[number - 1] if number <= len(lines) else ""


def _position_within(lines: int, mark: Any) -> Position | None:
    """Return the position of a mark; None without one, or past the last line, where something was left open."""
    return position_of(mark) if mark is not None and mark.line < lines else None
