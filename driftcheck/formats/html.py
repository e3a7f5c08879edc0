"""The report as one HTML file for a person: it asks for nothing, and runs no script but its own.

The page works without JavaScript, which only adds filters. Every text of the data goes through
`visible` and Jinja's escaping; style and script are this package's own files, admitted by their
hashes, and nothing else is (Content-Security-Policy).
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from itertools import pairwise, takewhile
from typing import TYPE_CHECKING, Any, Final

from driftcheck.formats import RenderOptions, wording
from driftcheck.formats.escaping import inert_markup, visible
from driftcheck.model import (
    ABSENT,
    JSON,
    Change,
    ChangeClass,
    ChangeKind,
    ExitStatus,
    Finding,
    Impact,
    Report,
    Severity,
    Status,
    Suppression,
)
from driftcheck.paths import Path, format_path
from driftcheck.rules import RULES

if TYPE_CHECKING:
    from jinja2 import Environment

_OPEN: Final = 25
"""The most deployments that stand open from the start."""
_SHORT: Final = 60
"""Characters up to which a list or an object stays on one line."""
_LONG: Final = 600
"""Characters from which on a value is folded."""
_TALL: Final = 12
"""Lines from which on it is."""
_CONTEXT: Final = 24
_BAR: Final = 1000
_LEAST: Final = 15
"""Width of the bar, and of its narrowest part, so that 1 of 10,000 can be seen."""

_TONES: Final = {
    ExitStatus.DEFECT: "defect",
    ExitStatus.INVALID: "invalid",
    ExitStatus.INCOMPLETE: "incomplete",
    ExitStatus.DRIFT: "drift",
}
_FACTS: Final = {
    "source": "Source",
    "type": "Type",
    "status": "Service status",
    "pending_since": "Rollout pending since",
}
_COUNTED_FACTS: Final = ("source", "type", "status")
_IMPACTS: Final = {
    Impact.IN_PLACE: "In place",
    Impact.NEW_REVISION: "New revision",
    Impact.RECREATE: "New deployment",
}
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

    del options
    style, script = _own_text("report.css"), _own_text("report.js")
    template = _environment().from_string(_own_text("report.html.jinja"))
    page, policy = _page(report), _policy(style, script)
    text = template.render(page=page, policy=policy, style=Markup(style), script=Markup(script))  # noqa: S704
    return inert_markup(text)


def _environment() -> Environment:
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
        "impacts": _IMPACTS,
        "fact_words": _FACTS,
        "rules": RULES,
        "counted": wording.counted,
        "place": wording.place_text,
        "path_parts": _path_parts,
        "notes": _notes,
        "sides": _sides,
    }
    return environment


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

    block: wording.Block
    anchor: str
    severity: str
    """The worst of what is active, or `none`."""
    is_open: bool
    tally: str


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of the bar of statuses."""

    status: Status
    count: int
    start: int
    width: int


@dataclass(frozen=True, slots=True)
class _Hidden:
    """What one ignore rule hides: deployment, its anchor, and the field or rule."""

    rule: Suppression
    entries: tuple[tuple[str | None, str | None, str], ...]


@dataclass(frozen=True, slots=True)
class _Tally:
    """The live deployments counted by one fact."""

    title: str
    counts: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class _Page:
    """What the template shows; everything is in the order of the page."""

    report: Report
    tone: str
    title: str
    sentence: str
    numbers: Sequence[str]
    gaps: Sequence[str]
    bar: Sequence[_Part]
    coverage: float | None
    """In per cent, never rounded up to 100."""
    compared: int
    rows: Sequence[_Row]
    severities: Sequence[tuple[str, int]]
    general: Sequence[Finding]
    general_first: bool
    by_rule: Sequence[tuple[Severity, str, int]]
    hidden: Sequence[_Hidden]
    inventory: Sequence[_Tally]
    fields: str
    """What part of the fields was compared."""
    pending: Sequence[tuple[str, str, str]]
    """Since when, deployment, anchor; the oldest first."""
    has_base: bool


def _page(report: Report) -> _Page:
    rows = _rows(report)
    title, _, sentence = wording.verdict(report).rstrip(".").partition(": ")
    general = wording.general_findings(report)
    coverage = report.summary.coverage
    anchors = {row.block.comparison.name: row.anchor for row in rows}
    return _Page(
        report=report,
        tone=_tone(report),
        title=title,
        sentence=f"{sentence[:1].upper()}{sentence[1:]}." if sentence else "",
        numbers=wording.numbers(report),
        gaps=wording.gaps(report),
        bar=_bar(report.summary.statuses),
        coverage=None if coverage is None else math.floor(coverage * 1000 + 1e-6) / 10,
        compared=sum(comparison.compared for comparison in report.deployments),
        rows=rows,
        severities=_severities(rows, general),
        general=general,
        general_first=bool(general) and general[0].severity is Severity.ERROR,
        by_rule=_by_rule(report.findings),
        hidden=_hidden(report, anchors),
        inventory=[_Tally(_FACTS.get(fact, fact), tuple(counts)) for fact, counts in wording.tallies(report) if counts],
        fields=wording.field_coverage(report),
        pending=sorted(
            (comparison.facts["pending_since"], comparison.name, anchors[comparison.name])
            for comparison in report.deployments
            if "pending_since" in comparison.facts
        ),
        has_base=any(change.base is not ABSENT for each in report.deployments for change in each.changes),
    )


def _tone(report: Report) -> str:
    """Give the verdict's colour: green only where everything was read, and nothing at all differs."""
    if report.outcome.status in _TONES:
        return _TONES[report.outcome.status]
    if not report.complete:
        return "incomplete"
    settled = all(each.status in (Status.IN_SYNC, Status.UNMANAGED) for each in report.deployments)
    quiet = all(each.suppressed or each.severity is Severity.NOTE for each in report.findings)
    checked = report.live is None or any(each.compared for each in report.deployments)
    sound = settled and quiet and checked and report.declared.deployments > 0 and report.summary.changes == 0
    return "in_sync" if sound else "neutral"


def _rows(report: Report) -> list[_Row]:
    blocks = wording.blocks(report)
    opened = [number for number, block in enumerate(blocks, 1) if block.matters and not _is_merely_undeclared(block)]
    return [
        _Row(
            block,
            anchor=f"d{number}",
            severity=block.worst.value if block.worst else "none",
            is_open=number in opened[:_OPEN],
            tally=_tally_text(block),
        )
        for number, block in enumerate(blocks, 1)
    ]


def _is_merely_undeclared(block: wording.Block) -> bool:
    return block.comparison.status is Status.UNMANAGED and not block.active


def _tally_text(block: wording.Block) -> str:
    comparison, changes = block.comparison, block.comparison.changes
    if _is_merely_undeclared(block):
        return " · ".join(comparison.facts[fact] for fact in _COUNTED_FACTS if fact in comparison.facts)
    ignored = len(changes) - len(block.active) + sum(each.suppressed is not None for each in block.findings)
    found = sum(each.suppressed is None for each in block.findings)
    told = [
        wording.counted(len(block.active), "change") if block.active else "",
        wording.counted(found, "finding") if found else "",
        f"{ignored:,} ignored" if ignored else "",
    ]
    return ", ".join(filter(None, told)) or f"{wording.counted(comparison.compared, 'field')} compared"


def _bar(statuses: Mapping[Status, int]) -> list[_Part]:
    """Lay the statuses side by side, each as wide as its share, but wide enough to be seen."""
    present = [(status, statuses[status]) for status in _BAR_ORDER if statuses[status]]
    total = sum(count for _, count in present)
    widths = [max(_LEAST, _BAR * count // total) for _, count in present]
    if widths:
        widths[widths.index(max(widths))] += _BAR - sum(widths)
    starts = [sum(widths[:index]) for index in range(len(widths))]
    return [_Part(status, count, *place) for (status, count), *place in zip(present, starts, widths, strict=True)]


def _severities(rows: Iterable[_Row], general: Iterable[Finding]) -> list[tuple[str, int]]:
    counts = Counter(row.severity for row in rows) + Counter(each.severity.value for each in general)
    return [(name, counts[name]) for name in (*Severity, "none") if counts[name]]


def _by_rule(findings: Iterable[Finding]) -> list[tuple[Severity, str, int]]:
    counts = Counter((each.severity, each.rule) for each in findings if each.suppressed is None)
    ordered = sorted(counts.items(), key=lambda item: (item[0][0].rank, item[0][1]))
    return [(severity, rule, count) for (severity, rule), count in ordered]


def _hidden(report: Report, anchors: dict[str, str]) -> list[_Hidden]:
    """Gather what is ignored by the rule that ignores it."""
    gathered: dict[Suppression, list[tuple[str | None, str | None, str]]] = {}
    for comparison in report.deployments:
        for change in comparison.changes:
            if change.suppressed is not None:
                entry = (comparison.name, anchors[comparison.name], wording.path_text(change.path))
                gathered.setdefault(change.suppressed, []).append(entry)
    for finding in report.findings:
        if finding.suppressed is not None:
            name = finding.deployment
            gathered.setdefault(finding.suppressed, []).append((name, anchors.get(name or ""), finding.rule))
    ordered = sorted(gathered.items(), key=lambda item: (str(item[0].location or ""), item[0].reason))
    return [_Hidden(rule, tuple(entries)) for rule, entries in ordered]


def _notes(change: Change) -> list[str]:
    """Give what else is to know of a change; its severity and suppression are shown apart."""
    notes = [change.kind.value]
    if change.base is not ABSENT or change.change_class is not ChangeClass.DRIFT:
        notes.append(wording.CLASSES[change.change_class])
    return notes


@dataclass(frozen=True, slots=True)
class _Side:
    """One side of a change: its text in parts, each with whether the other side lacks it."""

    parts: tuple[tuple[str, bool], ...]
    is_value: bool = True
    note: str = ""

    @property
    def is_long(self) -> bool:
        """Whether it is folded."""
        text = "".join(part for part, _ in self.parts)
        return len(text) > _LONG or text.count("\n") >= _TALL

    @property
    def glimpse(self) -> str:
        """What is seen of a folded one: the place of the difference."""
        before = "".join(part for part, _ in takewhile(lambda part: not part[1], self.parts))
        text = "".join(part for part, _ in self.parts)
        start = len(before) - _CONTEXT if _CONTEXT < len(before) < len(text) else 0
        return f"{'… ' if start else ''}{' '.join(text[start : start + 4 * _CONTEXT].split())} …"


_SECRET: Final = _Side((("secret value, never shown", False),), is_value=False)
_UNSET: Final = _Side((("not set", False),), is_value=False)


def _sides(change: Change) -> dict[str, _Side | None]:
    """Give both sides of a change for the eye, and the base's where one is known."""
    base = None if change.base is ABSENT else _Side(((_value_text(change.base), False),))
    declared, live = _value_text(change.declared), _value_text(change.live)
    return {
        "base": _SECRET if base and change.redacted else base,
        "declared": _side(change, declared, live, change.declared_effective, ChangeKind.ADDED),
        "live": _side(change, live, declared, change.live_effective, ChangeKind.REMOVED),
    }


def _side(change: Change, text: str, other: str, effective: JSON, unset: ChangeKind) -> _Side:
    if change.kind is unset and (change.redacted or (text == "null" and effective is None)):
        return _UNSET
    if change.redacted:
        return _SECRET
    note = "" if effective is None else f"effectively {wording.value_text(effective)}"
    return _Side(tuple(_parts(change, text, other)), note=note)


def _parts(change: Change, text: str, other: str) -> Iterator[tuple[str, bool]]:
    """Part a text where the other side's differs: a string by words, a structure by lines, all else not at all."""
    if isinstance(change.declared, str) and isinstance(change.live, str):
        start, end = _shared(text, other)
        parts = [(text[:start], False), (text[start:end], True), (text[end:], False)]
        yield from (part for part in parts if part[0])
    elif "\n" in text and "\n" in other:
        known = {line.rstrip(",") for line in other.split("\n")}
        for line in text.split("\n"):
            margin = line[: len(line) - len(line.lstrip(" "))]
            yield margin, False
            yield line.removeprefix(margin), line.rstrip(",") not in known
            yield "\n", False
    else:
        yield text, False


def _shared(text: str, other: str) -> tuple[int, int]:
    """Give where the words of a text begin and end to differ from those of another."""
    start, most = 0, min(len(text), len(other))
    while start < most and text[start] == other[start]:
        start += 1
    end = 0
    while end < most - start and text[-1 - end] == other[-1 - end]:
        end += 1
    while _in_word(text, start) or _in_word(other, start):
        start -= 1
    while _in_word(text, len(text) - end) or _in_word(other, len(other) - end):
        end -= 1
    return start, len(text) - end


def _in_word(text: str, position: int) -> bool:
    return 0 < position < len(text) and text[position - 1].isalnum() and text[position].isalnum()


def _value_text(value: JSON) -> str:
    """Write a value as JSON: on one line where it is short, and all of it visible."""
    line = wording.value_text(value)
    if not isinstance(value, (dict, list)) or len(line) <= _SHORT:
        return line
    return "\n".join(map(visible, json.dumps(value, ensure_ascii=False, indent=2).split("\n")))


def _path_parts(path: Path) -> list[str]:
    """Write a path in the parts between which a line may break."""
    ends = [len(format_path(path[:end])) for end in range(len(path) + 1)]
    text = format_path(path)
    return [visible(text[start:end]) for start, end in pairwise(ends)]
