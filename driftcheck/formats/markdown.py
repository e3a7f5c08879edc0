"""Markdown for a pull-request comment and a job's summary: verdict first, worst first, within a byte budget.

Everything of the data stands in code, where GitHub makes no link, image, mention or HTML of it: in
code spans where Markdown is read, in `<code>` with character references in the HTML of a summary.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from driftcheck.formats import RenderOptions, wording
from driftcheck.formats.escaping import visible
from driftcheck.model import Change, Finding, Location, Report, Severity, Status
from driftcheck.rules import RULES

MARKER: Final = "<!-- driftcheck-report -->"
"""The first line: by it a comment is found again, to be updated in place."""

_VALUE: Final = 200
_OPEN: Final = 10
_WORDS: Final = 12
_TABLE: Final = "| Field | Declared | Live | Place | |\n|---|---|---|---|---|\n"
_BACKTICKS: Final = re.compile("`+")
_BAR: Final = re.compile(r"(\\?)\|")
_PLAIN: Final = re.compile(
    r"(?:[A-Za-z]|(?<![A-Za-z0-9-])[0-9]{1,6}(?![A-Za-z0-9])|[ ,;'()]|[.:?!](?= |\Z)|-(?=[A-Za-z]))*\Z"
)
"""Text in which neither Markdown nor GitHub (links, mentions, references, emoji) sees anything."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """A part that is shown whole or not at all, and the noun it is counted by when it is not."""

    text: str
    noun: str


@dataclass(frozen=True, slots=True)
class _Group:
    """Pieces between an opening and a closing text; at least one piece is shown with them, or nothing."""

    opening: str
    pieces: tuple[_Piece, ...]
    closing: str = "\n"


def render(report: Report, options: RenderOptions) -> str:
    """Render a report as Markdown of at most `options.max_bytes` bytes of UTF-8."""
    groups = [group for group in _groups(report) if group.pieces]
    full = _head(report)
    short = f"{MARKER}\n**{wording.verdict(report)}**\n"
    word = f"**{wording.verdict(report).split(':')[0].rstrip('.')}**\n"
    for head in (full, short, word):
        if len(head) <= options.max_bytes:
            return _fitted(head, groups, options.max_bytes)
    return word[: options.max_bytes]


def _fitted(head: str, groups: list[_Group], budget: int) -> str:
    """Put as many pieces after the head as fit, in order, every group closed, and count the rest."""
    left = Counter(piece.noun for group in groups for piece in group.pieces)
    room = budget - len(head.encode()) - len(_rest(left))
    parts = [head]
    for group in groups:
        frame = len((group.opening + group.closing).encode())
        taken = _that_fit(group.pieces, room - frame)
        if taken:
            text = "".join(piece.text for piece in taken)
            parts += [group.opening, text, group.closing]
            room -= frame + len(text.encode())
            left -= Counter(piece.noun for piece in taken)
        if len(taken) < len(group.pieces):
            break
    rest = _rest(left)
    used = sum(len(part.encode()) for part in parts)
    return "".join([*parts, rest] if used + len(rest) <= budget else parts)


def _that_fit(pieces: tuple[_Piece, ...], room: int) -> list[_Piece]:
    taken = []
    for piece in pieces:
        room -= len(piece.text.encode())
        if room < 0:
            break
        taken.append(piece)
    return taken


def _rest(left: Counter[str]) -> str:
    """Say how much is not shown; the longest such text is the one that counts everything."""
    if not left.total():
        return ""
    told = ", ".join(wording.counted(number, noun) for noun, number in sorted(left.items()) if number)
    return f"\nNot shown here for want of room: {told}.\n"


def _head(report: Report) -> str:
    verdict = wording.verdict(report)
    word, _, rest = verdict.partition(": ")
    numbers = ", ".join(wording.numbers(report))
    lines = [MARKER, f"### driftcheck: {word.rstrip('.').lower()}", ""]
    lines += [f"**{rest[0].upper()}{rest[1:]}**", ""] if rest else []
    lines += [f"{numbers[0].upper()}{numbers[1:]}.", ""] if numbers else []
    return "\n".join(lines)


def _groups(report: Report) -> Iterator[_Group]:
    gaps = tuple(_Piece(f"- {_prose(gap)}\n", "gap") for gap in wording.gaps(report))
    yield _Group("\n**Not everything could be read:**\n\n", gaps)
    if report.command == "audit":
        yield _Group("\n**Inventory**\n\n", tuple(_inventory(report)))
    if report.command == "compare":
        yield _Group("\n", tuple(_sides(report)))
    general = wording.general_findings(report)
    loud = [finding for finding in general if finding.severity is not Severity.NOTE]
    yield _Group("\n**Findings**\n\n", tuple(_finding(finding) for finding in loud))
    blocks = wording.blocks(report)
    shown = [block for block in blocks if block.matters and not _merely_undeclared(block)]
    for position, block in enumerate(shown):
        yield _of_block(block, is_open=position < _OPEN and block.worst is Severity.ERROR)
    names = {block.comparison.name for block in shown}
    yield _ignored(report, names)
    quiet = [finding for finding in general if finding.severity is Severity.NOTE]
    beside = [each for block in blocks if block.comparison.name not in names for each in block.findings]
    yield from _summed_up(quiet + [finding for finding in beside if finding.suppressed is None])


def _merely_undeclared(block: wording.Block) -> bool:
    return block.comparison.status is Status.UNMANAGED and not block.active


def _of_block(block: wording.Block, *, is_open: bool) -> _Group:
    comparison = block.comparison
    status = f"<b>{wording.STATUSES[comparison.status]}</b>"
    changes = wording.counted(len(block.active), "change") if block.active else ""
    about = ", ".join(filter(None, [changes, _html_place(comparison.location)]))
    summary = f"{status} {_html_code(visible(comparison.name))}{f' ({about})' if about else ''}"
    pieces = [_row(change) for change in comparison.changes]
    if pieces:
        pieces[0] = _Piece(_TABLE + pieces[0].text, pieces[0].noun)
    listed = [_finding(finding) for finding in sorted(block.findings, key=lambda each: (each.severity.rank, each.rule))]
    if listed and pieces:
        listed[0] = _Piece("\n" + listed[0].text, listed[0].noun)
    told = pieces + listed or [_Piece("Nothing can be said of it.\n", "deployment")]
    return _details(summary, told, is_open=is_open)


def _details(summary: str, pieces: Iterable[_Piece], *, is_open: bool = False) -> _Group:
    tag = "<details open>" if is_open else "<details>"
    return _Group(f"\n{tag}<summary>{summary}</summary>\n\n", tuple(pieces), "\n</details>\n")


def _row(change: Change) -> _Piece:
    base = wording.base_text(change, _VALUE)
    notes = wording.change_notes(replace(change, suppressed=None))
    notes += [] if base is None else [f"base {_cell(base)}"]
    notes += [] if change.suppressed is None else [f"ignored: {_cell(wording.reason_text(change.suppressed))}"]
    cells = [
        _cell(wording.path_text(change.path)),
        _cell(wording.declared_text(change, _VALUE)),
        _cell(wording.live_text(change, _VALUE)),
        _cell(wording.place_text(change.location)),
        ", ".join(notes),
    ]
    return _Piece(f"| {' | '.join(cells)} |\n", "change")


def _finding(finding: Finding) -> _Piece:
    about = [] if finding.deployment is None else [_code(visible(finding.deployment))]
    about += [_code(wording.path_text(finding.path))] if finding.path else []
    place = [_code(wording.place_text(finding.location))] if finding.location else []
    related = [f"see {_code(wording.place_text(location))}" for location in finding.related]
    sources = ", ".join([_code(visible(finding.rule)), *place, *related])
    text = (
        f"- **{finding.severity.value}** {''.join(f'{part}: ' for part in about)}{_prose(finding.message)} ({sources})"
    )
    if finding.hint:
        text += f"<br>{_prose(finding.hint)}"
    if finding.suppressed is not None:
        text += f"<br>ignored: {_code(wording.reason_text(finding.suppressed))}"
    return _Piece(f"{text}\n", "finding")


def _ignored(report: Report, shown: set[str]) -> _Group:
    pieces = [
        _Piece(
            f"- {_code(visible(comparison.name))}: {_code(wording.path_text(change.path))}: "
            f"{_code(wording.change_text(change, _VALUE))}; {_code(wording.reason_text(change.suppressed))}\n",
            "ignored change",
        )
        for comparison in report.deployments
        if comparison.name not in shown
        for change in comparison.changes
        if change.suppressed is not None
    ]
    pieces += [
        _finding(finding)
        for finding in report.findings
        if finding.suppressed is not None and finding.deployment not in shown
    ]
    return _details(f"<b>ignored</b> by rules ({len(pieces):,})", pieces)


def _summed_up(findings: list[Finding]) -> Iterator[_Group]:
    by_rule: dict[tuple[int, str], list[Finding]] = defaultdict(list)
    for finding in findings:
        by_rule[finding.severity.rank, finding.rule].append(finding)
    for (_, rule), alike in sorted(by_rule.items()):
        title = _html_text(RULES[rule].title) if rule in RULES else _html_code(visible(rule))
        summary = f"<b>{alike[0].severity.value}</b> {title} ({len(alike):,})"
        if rule in wording.UNMANAGED_RULES:
            pieces = [_Piece(f"- {_code(visible(each.deployment or ''))}\n", "finding") for each in alike]
        else:
            pieces = [_finding(each) for each in alike]
        yield _details(summary, pieces)


def _inventory(report: Report) -> Iterator[_Piece]:
    live, summary = report.live, report.summary
    if live is None:
        return
    workspace = f", workspace {_code(visible(live.workspace))}" if live.workspace else ""
    yield _Piece(
        f"- {wording.counted(live.deployments, 'deployment')} at {_code(visible(live.source))}{workspace}\n", "fact"
    )
    for key, value in sorted(live.scope.items()):
        yield _Piece(f"- only where {_code(visible(key))} is {_code(visible(value))}\n", "fact")
    for fact, tally in wording.tallies(report):
        told = wording.listed((f"{_code(word)} {number:,}" for word, number in tally), _WORDS)
        yield _Piece(f"- by {fact}: {told}\n", "fact")
    if summary.coverage is not None:
        yield _Piece(f"- {summary.coverage:.1%} of the live deployments are declared\n", "fact")
    if fields := wording.field_coverage(report):
        yield _Piece(f"- {fields}\n", "fact")
    if pending := wording.pending(report):
        yield _Piece(f"- {pending}\n", "fact")


def _sides(report: Report) -> Iterator[_Piece]:
    files = wording.listed((_code(visible(file)) for file in report.declared.files), 5)
    yield _Piece(f"- declared: {files or 'nothing'}\n", "side")
    if report.live is not None:
        yield _Piece(f"- live: {_code(visible(report.live.source))}\n", "side")


def _prose(text: str) -> str:
    """Write a sentence of ours: what it marks as code in code, and whatever else could be read as markup too."""
    parts = re.split("`([^`]*)`", visible(text))
    written = [_code(part) if index % 2 or not _PLAIN.match(part) else part for index, part in enumerate(parts)]
    return "".join(written)


def _code(text: str) -> str:
    """Write a visible text as a code span, its fence longer than any run of backticks in it (CommonMark 6.1)."""
    if not text:
        return "(empty)"
    fence = "`" * (max(map(len, _BACKTICKS.findall(text)), default=0) + 1)
    pad = " " if text[0] in "` " or text[-1] in "` " else ""
    return f"{fence}{pad}{_unbroken(text)}{pad}{fence}"


def _cell(text: str) -> str:
    """Write a visible text as a code span in a table's cell, whose end no `|` of it may be (GFM 4.10)."""
    if not text:
        return ""
    return _BAR.sub(lambda bar: rf"\{bar[1]}u007c" if bar[1] else r"\|", _code(text))


def _unbroken(text: str) -> str:
    return text.replace("##[", r"##\x5b")


def _html_place(location: Location | None) -> str:
    return "" if location is None else _html_code(wording.place_text(location))


def _html_code(text: str) -> str:
    return f"<code>{_html_text(text)}</code>"


def _html_text(text: str) -> str:
    """Write every character but letters, digits and spaces as a reference."""
    return "".join(c if c.isalnum() or c == " " else f"&#{ord(c)};" for c in text)
