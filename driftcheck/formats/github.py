"""Annotations of a GitHub workflow run: the worst changes and findings at their lines in the YAML.

The platform shows ten of each level a step, so the rest is summed up in the tenth. Sources:
actions/runner 258d6c8 (commands), actions/toolkit (escaping).
"""

from __future__ import annotations

from typing import Final

from driftcheck.formats import RenderOptions, wording
from driftcheck.formats.escaping import visible
from driftcheck.formats.wording import Entry
from driftcheck.model import Report, Severity

MOST: Final = 10
"""Annotations of one level that a step may have."""

_COMMANDS: Final = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}
_VALUE: Final = 400
_NAMES: Final = 5


def render(report: Report, options: RenderOptions) -> str:
    """Render a report as workflow commands, and the verdict as a line of its own."""
    del options
    active = [entry for entry in wording.entries(report, _VALUE) if entry.suppressed is None]
    entries = wording.run_entries(report) + _summed_up(active)
    lines = [line for severity in Severity for line in _level([e for e in entries if e.severity is severity])]
    numbers = ", ".join(wording.numbers(report))
    lines.append(f"driftcheck: {wording.verdict(report)}{f' ({numbers})' if numbers else ''}")
    return "".join(f"{line}\n" for line in lines)


def _summed_up(entries: list[Entry]) -> list[Entry]:
    """Make one entry of all notes about deployments that are merely not declared."""
    undeclared = [entry for entry in entries if _merely_undeclared(entry)]
    if len(undeclared) < 2:
        return entries
    names = wording.listed((visible(entry.deployment or "") for entry in undeclared), _NAMES)
    told = f"{len(undeclared):,} live deployments are not declared: {names}"
    others = [entry for entry in entries if not _merely_undeclared(entry)]
    return [*others, Entry(undeclared[0].rule, Severity.NOTE, told)]


def _merely_undeclared(entry: Entry) -> bool:
    return entry.rule in wording.UNMANAGED_RULES and entry.severity is Severity.NOTE


def _level(entries: list[Entry]) -> list[str]:
    if len(entries) <= MOST:
        return [_command(entry) for entry in entries]
    rest = entries[MOST - 1 :]
    titles = wording.listed((entry.title for entry in rest), _NAMES)
    more = Entry(f"{len(rest):,} more", rest[0].severity, f"not shown one by one: {titles}")
    return [_command(entry) for entry in [*entries[: MOST - 1], more]]


def _command(entry: Entry) -> str:
    properties = {}
    if entry.location is not None:
        properties["file"] = visible(entry.location.file)
        properties["line"] = str(entry.location.line)
        properties["col"] = str(entry.location.column)
    properties["title"] = entry.title
    message = entry.message if entry.hint is None else f"{entry.message}\n{entry.hint}"
    told = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    return f"::{_COMMANDS[entry.severity]} {told}::{_data(message)}"


def _data(text: str) -> str:
    unbroken = text.replace("##[", r"##\x5b")
    return unbroken.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
