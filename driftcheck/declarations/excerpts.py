"""Excerpts of files that are safe to show: lines that errors are about, and whole texts without possible secrets."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from driftcheck.declarations.discovery import SourceText
from driftcheck.fields import UNKNOWN, Field, deployment
from driftcheck.model import Finding, Severity
from driftcheck.redaction.patterns import MASK, is_secret
from driftcheck.redaction.values import may_show_line
from driftcheck.yamlfile.edit import scalars

MOST: Final = 100
"""The most errors that get an excerpt; people fix the first ones first."""
LONGEST: Final = 400
"""The number of characters of a line that are shown."""


def with_excerpts(findings: Iterable[Finding], texts: Iterable[SourceText]) -> tuple[Finding, ...]:
    """Return the findings, the first errors among them with the line of the file, unless it may hold a secret."""
    data = {text.name: text.data for text in texts}
    lines: dict[str, list[bytes]] = {}
    result = []
    left = MOST
    for found in findings:
        file = found.location.file if found.location else ""
        if left and found.severity is Severity.ERROR and found.location and file in data:
            if file not in lines:
                lines[file] = data[file].split(b"\n")
            line = _line(lines[file], found.location.line)
            if line is not None and may_show_line(line, found.path or (), found.rule):
                found = replace(found, excerpt=line)
                left -= 1
        result.append(found)
    return tuple(result)


def _line(lines: list[bytes], number: int) -> str | None:
    """Return a line as text; None if it is empty, too long or not UTF-8."""
    try:
        line = lines[number - 1].decode().rstrip("\r").removeprefix("\ufeff")
    except (IndexError, UnicodeDecodeError):
        return None
    return line if line.strip() and len(line) <= LONGEST else None


_DOCUMENT: Final = Field()
_ENTRIES: Final = Field(items=deployment())
"""The fields of a document and of its lists of deployments."""


def masked(data: bytes) -> str:
    """Return the text of a valid file with a marker instead of values that may be secret, line by line."""
    text = data.decode()
    if "value" not in text and "\\" not in text and not is_secret(text):
        return text  # no variable has a value; without escapes, a credential would show in the text
    begin = 1 if text.startswith("\ufeff") else 0
    parts, position = [text[:begin]], begin
    ranges = {
        (begin + start, begin + end)
        for field, value, start, end in scalars(text[begin:], _DOCUMENT, _below)
        if value and (field.sensitive or is_secret(value))
    }
    for start, end in sorted(ranges):
        if start >= position:
            parts += [text[position:start], _hidden(text[start:end])]
            position = end
    lines = "".join([*parts, text[position:]]).split("\n")
    return "\n".join(_hidden(line) if is_secret(line) else line for line in lines)


def _below(field: Field, segment: str | int) -> Field:
    if field is _DOCUMENT:
        return {"deployments": _ENTRIES, "overlay": _ENTRIES, "defaults": deployment()}.get(str(segment), UNKNOWN)
    return field.child(segment) or UNKNOWN


def _hidden(text: str) -> str:
    """Return a marker for each line of a text except the header of a block, with its indentation and line end."""
    first, *rest = text.split("\n")
    header = first if rest and first[:1] in ("|", ">") else _marked(first)
    return "\n".join([header, *map(_marked, rest)])


def _marked(line: str) -> str:
    body = line.strip()
    return line.replace(body, MASK, 1) if body else line
