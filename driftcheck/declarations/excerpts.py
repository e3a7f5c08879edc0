"""The lines of files that errors are about, for people to see with a caret below."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from driftcheck.declarations.discovery import SourceText
from driftcheck.model import Finding, Severity
from driftcheck.redaction.values import may_show_line

MOST: Final = 100
"""Errors that get an excerpt; a person fixes the first ones."""
LONGEST: Final = 400
"""Characters of a line that is shown."""


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
    """Return a line as text; None where it is empty, too long or not UTF-8."""
    try:
        line = lines[number - 1].decode().rstrip("\r").removeprefix("\ufeff")
    except (IndexError, UnicodeDecodeError):
        return None
    return line if line.strip() and len(line) <= LONGEST else None
