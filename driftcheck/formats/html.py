"""The report as one HTML file: it sends no requests, and runs no script but its own.

The page works without JavaScript, which only adds filters. Every text of the data goes through
`visible` and Jinja's escaping; style and script are this package's own files, admitted by their
hashes, and nothing else is (Content-Security-Policy).
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from importlib import resources
from itertools import count, pairwise
from typing import TYPE_CHECKING, Any, Final

from driftcheck.formats import RenderOptions, overall, view, wording
from driftcheck.formats.escaping import inert_markup, visible
from driftcheck.model import (
    ABSENT,
    JSON,
    Change,
    ExitStatus,
    Finding,
    Outcome,
    Report,
    Severity,
    Status,
    Suppression,
)
from driftcheck.paths import Path, format_path
from driftcheck.rules import RULES

if TYPE_CHECKING:
    from jinja2 import Template

_OPEN: Final = 25
"""The most deployments whose details are open at first."""
_SHORT: Final = 60
"""The number of characters up to which a list or an object is shown on one line."""
_LONG: Final = 600
"""The number of characters above which a value is folded."""
_TALL: Final = 12
"""The number of lines above which a value is folded."""
_GLIMPSE: Final = 96
_BAR: Final = 1000
_LEAST: Final = 15
"""Width of the bar, and of its narrowest part, so that 1 of 10,000 can be seen."""

_FACTS: Final = {
    "source": "Source",
    "type": "Type",
    "status": "Service status",
    "pending_since": "Rollout pending since",
}
_COUNTED_FACTS: Final = ("source", "type", "status")
_SEVERITIES: Final = {
    "error": "Error",
    "warning": "Warning",
    "note": "Note",
    "none": "Nothing to report",
}
_BAR_ORDER: Final = (
    Status.DRIFTED,
    Status.MISSING,
    Status.UNKNOWN,
    Status.PROPOSED,
    Status.UNMANAGED,
    Status.IN_SYNC,
)
_STATUSES: Final = {status: text.capitalize() for status, text in wording.STATUSES.items()}


def render(report: Report, options: RenderOptions) -> str:
    """Render a report as one self-contained HTML page."""
    from markupsafe import Markup

    style, script = _own_text("report.css"), _own_text("report.js")
    text = _template().render(
        **_content(report),
        asked=options.asked,
        policy=_policy(style, script),
        style=Markup(style),  # noqa: S704
        script=Markup(script),  # noqa: S704
        link=partial(view.source_link, options=options),
    )
    return inert_markup(text)


@cache
def _template() -> Template:
    """Return the page's template; compiling it takes longer than rendering an ordinary report."""
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    def shown(value: Any) -> Any:
        return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, finalize=shown, trim_blocks=True, lstrip_blocks=True
    )
    environment.globals = {
        "ABSENT": ABSENT,
        "statuses": _STATUSES,
        "severities": _SEVERITIES,
        "fact_words": _FACTS,
        "rules": RULES,
        "overall": overall,
        "view": view,
        "wording": wording,
        "counted": wording.counted,
        "location_text": partial(wording.location_text, column=True),
        "path_parts": _path_parts,
        "prose": _prose,
        "sides": _sides,
        "tally": _tally_text,
    }
    return environment.from_string(_own_text("report.html.jinja"))


def _own_text(name: str) -> str:
    return resources.files(__package__).joinpath("templates", name).read_text("utf-8")


def _policy(style: str, script: str) -> str:
    return (
        f"default-src 'none'; style-src 'sha256-{_digest(style)}'; script-src 'sha256-{_digest(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@dataclass(frozen=True, slots=True)
class _Row:
    """A deployment on the page."""

    block: view.Block
    anchor: str
    is_open: bool = False

    @property
    def severity(self) -> str:
        """The worst of what is active, or `none`."""
        return self.block.worst.value if self.block.worst else "none"


@dataclass(frozen=True, slots=True)
class _Part:
    """The part of the page about one target, about all targets in common, or about a report without targets."""

    report: Report
    is_target: bool
    shown: view.View
    rows: Sequence[_Row]
    """The deployments that need attention."""
    elsewhere: Sequence[_Row]
    unmanaged: Sequence[_Row]
    """Unmanaged deployments, if they fail the run."""
    notes: Sequence[Finding]
    """Notes about no deployment of it."""


@dataclass(frozen=True, slots=True)
class _Segment:
    """A segment of the bar of statuses."""

    status: Status
    count: int
    start: int
    width: int


def _content(report: Report) -> dict[str, Any]:
    """Return what the template shows, by the names that it has there."""
    numbers = count(1)
    parts = list(_parts(report, numbers))
    others = _rows((each for part in parts for each in part.shown.others if not _is_counted_unmanaged(each)), numbers)
    rows = [*(row for part in parts for row in (*part.rows, *part.unmanaged, *part.elsewhere)), *others]
    anchors: dict[tuple[str | None, str | None], str] = {row.block.comparison.key: row.anchor for row in rows}
    general = [each for part in parts for each in (*part.shown.general, *part.shown.warnings, *part.notes)]
    severities = Counter(row.severity for row in rows) + Counter(each.severity.value for each in general)
    by_rule = Counter((each.severity, each.rule) for each in report.findings if each.suppressed is None)
    summary = report.summary
    return {
        "report": report,
        "summary": summary,
        "verdict": overall.verdict(report),
        "identity": _identity(report),
        "tone": _tone(report),
        "parts": parts,
        "others": others,
        "count": len(rows),
        "matrix": _matrix(report, anchors),
        "bar": _bar(summary.statuses),
        "is_compared": any(part.live is not None for part in view.parts(report)),
        "coverage": None if summary.coverage is None else math.floor(summary.coverage * 1000 + 1e-6) / 10,
        "severity_counts": [(name, severities[name]) for name in (*Severity, "none") if severities[name]],
        "by_rule": sorted(by_rule.items(), key=lambda item: (item[0][0].rank, item[0][1])),
        "suppressions": _suppressions(report, anchors),
        "inventory": list(_inventory(report)),
        "pending": sorted(
            (comparison.facts["pending_since"], comparison.name, anchors[comparison.key])
            for comparison in report.deployments
            if "pending_since" in comparison.facts
        ),
        "has_base": any(change.base is not ABSENT for each in report.deployments for change in each.changes),
    }


def _inventory(report: Report) -> Iterator[tuple[str, list[tuple[str, int]]]]:
    """Yield the counts of live deployments by each fact, of each target."""
    for part in view.parts(report):
        target = f", {visible(part.report_id or '')}" if report.targets else ""
        for fact, counts in overall.tallies(part):
            if counts:
                yield _FACTS.get(fact, fact) + target, counts


def _identity(report: Report) -> str:
    if report.targets and report.report_id in (None, "targets"):
        return ", ".join(target.name for target in report.targets)
    workspace = report.live.workspace if report.live else None
    return "" if view.report_id(report) == workspace else view.report_id(report)


def _parts(report: Report, numbers: Iterator[int]) -> Iterator[_Part]:
    """Yield the parts of the page; the numbers are for the anchors of its deployments."""
    for position, part in enumerate([view.common(report), *view.parts(report)] if report.targets else [report]):
        shown = view.view(part)
        yield _Part(
            report=part,
            is_target=position > 0,
            shown=shown,
            rows=_rows((*shown.shown, *shown.unknown), numbers, most_open=_OPEN),
            elsewhere=_rows(shown.elsewhere, numbers),
            unmanaged=_rows(filter(_is_counted_unmanaged, shown.others), numbers),
            notes=_general_notes(part),
        )


def _rows(blocks: Iterable[view.Block], numbers: Iterator[int], *, most_open: int = 0) -> list[_Row]:
    """Return blocks as rows; those up to a number are open at first."""
    return [
        _Row(block, f"d{n}", n <= most_open and not block.is_merely_unknown)
        for block, n in zip(blocks, numbers, strict=False)
    ]


def _is_counted_unmanaged(block: view.Block) -> bool:
    return block.is_merely_unmanaged and block.worst in (Severity.ERROR, Severity.WARNING)


def _general_notes(report: Report) -> list[Finding]:
    """Return the notes that are about no deployment of the report."""
    loose = view.loose_findings(report)
    notes = [each for each in loose if each.severity is Severity.NOTE and each.suppressed is None]
    return sorted(notes, key=lambda each: (str(each.location or ""), each.rule))


def _matrix(report: Report, anchors: Mapping[tuple[str | None, str | None], str]) -> list[_Cells]:
    """Return deployments by target, paired without what each target appends to their names; those that differ first."""
    cells: dict[str, dict[str, tuple[Status, str, str]]] = {}
    for target in report.targets:
        for each in report.deployments:
            if each.target == target.name:
                name = each.name.removesuffix(target.name_suffix) or each.name
                cells.setdefault(name, {})[target.name] = (each.status, anchors[each.key], each.name)
    rows = [(name, [row.get(target.name) for target in report.targets]) for name, row in sorted(cells.items())]
    return sorted(rows, key=_matches)


_Cells = tuple[str, Sequence[tuple[Status, str, str] | None]]
"""A deployment in each target: status, anchor and name; None if the target has no such deployment."""


def _matches(cells: _Cells) -> bool:
    return all(cell is None or cell[0] in (Status.IN_SYNC, Status.UNMANAGED) for cell in cells[1])


def _tone(report: Report) -> str:
    """Return the verdict's colour: green only if everything was read and nothing differs."""
    if report.outcome.status is not ExitStatus.IN_SYNC:
        return report.outcome.value
    if not report.complete:
        return "incomplete"
    settled = all(each.status in (Status.IN_SYNC, Status.UNMANAGED) for each in report.deployments)
    quiet = all(each.suppressed or each.severity is Severity.NOTE for each in report.findings)
    parts = view.parts(report)
    checked = all(part.live is None for part in parts) or view.compared(report) > 0
    declared = sum(part.declared.deployments for part in parts)
    sound = settled and quiet and checked and declared > 0 and report.summary.changes == 0
    return "in_sync" if sound and report.outcome is not Outcome.PASSED else "neutral"


def _tally_text(block: view.Block) -> str:
    comparison, changes = block.comparison, block.comparison.changes
    if block.is_merely_unmanaged:
        return " · ".join(comparison.facts[fact] for fact in _COUNTED_FACTS if fact in comparison.facts)
    found = sum(each.suppressed is None for each in block.findings)
    suppressed = len(changes) - len(block.active) + len(block.findings) - found
    counts = [
        wording.counted(len(block.active), "change") if block.active else "",
        wording.counted(found, "finding") if found else "",
        f"{suppressed:,} suppressed" if suppressed else "",
    ]
    return ", ".join(filter(None, counts)) or f"{wording.counted(comparison.compared, 'field')} compared"


def _bar(statuses: Mapping[Status, int]) -> list[_Segment]:
    """Place the statuses side by side, each as wide as its share, but wide enough to be seen."""
    present = [(status, statuses[status]) for status in _BAR_ORDER if statuses[status]]
    total = sum(count for _, count in present)
    widths = [max(_LEAST, _BAR * count // total) for _, count in present]
    if widths:
        widths[widths.index(max(widths))] += _BAR - sum(widths)
    starts = [sum(widths[:index]) for index in range(len(widths))]
    return [_Segment(status, count, *span) for (status, count), *span in zip(present, starts, widths, strict=True)]


def _suppressions(
    report: Report, anchors: Mapping[tuple[str | None, str | None], str]
) -> list[tuple[Suppression, list[tuple[str | None, str | None, str]]]]:
    """Return each rule with what it suppresses: deployment, its anchor, and the field or rule."""
    gathered: dict[Suppression, list[tuple[str | None, str | None, str]]] = {}
    for comparison in report.deployments:
        for change in comparison.changes:
            if change.suppressed is not None:
                entry = (comparison.name, anchors[comparison.key], wording.path_text(change.path))
                gathered.setdefault(change.suppressed, []).append(entry)
    for finding in report.findings:
        if finding.suppressed is not None:
            anchor = anchors.get(finding.key)
            gathered.setdefault(finding.suppressed, []).append((finding.deployment, anchor, finding.rule))
    return sorted(gathered.items(), key=lambda item: (str(item[0].location or ""), item[0].reason))


def _prose(text: str) -> list[tuple[bool, str]]:
    """Split a sentence into its parts, each with whether backticks mark it as code."""
    return [(index % 2 == 1, part) for index, part in enumerate(re.split("`([^`]*)`", text)) if part]


@dataclass(frozen=True, slots=True)
class _Side:
    """One side of a change."""

    text: str
    is_value: bool = True
    note: str = ""

    @property
    def is_long(self) -> bool:
        """Whether it is folded."""
        return len(self.text) > _LONG or self.text.count("\n") >= _TALL

    @property
    def glimpse(self) -> str:
        """What is seen of a folded one."""
        return f"{' '.join(self.text[:_GLIMPSE].split())} …"


_WORDS: Final = {wording.HIDDEN: "secret value, never shown", wording.UNSET: "unset", wording.SET: "set"}


def _sides(change: Change) -> dict[str, _Side | None]:
    """Return both sides of a change, and the base's where it is known."""
    base = None
    if change.base is not ABSENT:
        base = _Side(_WORDS[wording.HIDDEN], is_value=False) if change.redacted else _Side(_value_text(change.base))
    return {"base": base, "declared": _side(change, "declared"), "live": _side(change, "live")}


def _side(change: Change, side: str) -> _Side:
    words, value, effective = wording.side_of(change, side)
    if words:
        return _Side(_WORDS[words], is_value=False)
    note = "" if effective is None else f"effectively {wording.value_text(effective)}"
    return _Side(_value_text(value), note=note)


def _value_text(value: JSON) -> str:
    """Write a value as JSON: on one line if it is short, and escaped."""
    line = wording.value_text(value)
    if not isinstance(value, (dict, list)) or len(line) <= _SHORT:
        return line
    return "\n".join(map(visible, json.dumps(value, ensure_ascii=False, indent=2).split("\n")))


def _path_parts(path: Path) -> list[str]:
    """Write a path in the parts between which a line may break."""
    ends = [len(format_path(path[:end])) for end in range(len(path) + 1)]
    text = format_path(path)
    return [visible(text[start:end]) for start, end in pairwise(ends)]
