"""Markdown for a pull-request comment and a job's summary: verdict first, worst first, within a byte budget.

All data is written as code, where GitHub makes no link, image, mention or HTML of it: in code spans where Markdown is
read, in `<code>` in the HTML of a summary, where only what HTML itself reads is escaped.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from html import escape
from itertools import groupby
from typing import Final
from urllib.parse import quote

from driftcheck.formats import Asked, RenderOptions, overall, view, wording
from driftcheck.formats.escaping import unbroken, visible
from driftcheck.model import Change, Finding, Location, Report, Severity
from driftcheck.rules import UNMANAGED_RULES

_VALUE: Final = 120
_OPEN: Final = 10
_WORDS: Final = 12
_FILES: Final = 5
_DETAILS: Final = 10
_TABLE: Final = "| Field | Declared | Live |\n|---|---|---|\n"
_BACKTICKS: Final = re.compile("`+")
_BAR: Final = re.compile(r"(\\?)\|")
_PLAIN: Final = re.compile(
    r"(?:[A-Za-z]|(?<![A-Za-z0-9-])[0-9]{4}-[0-9]{2}-[0-9]{2}(?![A-Za-z0-9-])|"
    r"(?<![A-Za-z0-9-])[0-9]{1,6}(?![A-Za-z0-9])|[ ,;'()]|[.:?!](?= |\Z)|-(?=[A-Za-z]))*\Z"
)
"""Text that neither Markdown nor GitHub (links, mentions, references, emoji) interprets."""


_AROUND: Final = "(),.;?"
"""Punctuation around a word that Markdown and GitHub do not interpret."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """A part that is shown whole or not at all, and the noun for counting it if it is not."""

    text: str
    noun: str


@dataclass(frozen=True, slots=True)
class _Group:
    """Pieces between an opening and a closing text; at least one piece is shown with them, or nothing."""

    opening: str
    pieces: tuple[_Piece, ...]
    closing: str = "\n"


def marker(report: Report) -> str:
    """Return the first line, which identifies the comment or issue to update."""
    identity = quote(visible(view.identity(report)), safe="/").replace("--", "-%2D")
    return f"<!-- driftcheck-report {identity} -->"


def render(report: Report, options: RenderOptions) -> str:
    """Render a report as Markdown of at most `options.max_bytes` bytes of UTF-8."""
    groups = [group for group in _groups(report, options) if group.pieces]
    verdict = overall.verdict(report)
    short = f"{marker(report)}\n**{verdict}**\n"
    word = f"**{verdict.word}**\n"
    for head in (_head(report, options.asked), short, word):
        if len(head.encode()) <= options.max_bytes:
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
    """Return the text that says how much is not shown; it is longest if it counts everything."""
    if not left.total():
        return ""
    counts = ", ".join(wording.counted(number, noun) for noun, number in sorted(left.items()) if number)
    return f"\nNot shown, to keep within the size limit: {counts}.\n"


def _head(report: Report, asked: Asked) -> str:
    verdict, numbers = overall.verdict(report), ", ".join(overall.numbers(report))
    lines = [marker(report), f"### driftcheck: {verdict.word.lower()}", ""]
    lines += [f"**{wording.capitalized(verdict.sentence)}**", ""] if verdict.sentence else []
    lines += [f"{wording.capitalized(numbers)}.", ""] if numbers else []
    lines += [_origin(report), ""] if report.live else []
    if ways := wording.remedies(report, asked):
        lines += [" ".join(ways), ""]
    return "\n".join(lines)


def _origin(report: Report) -> str:
    origin = overall.origin(report, _code)
    return f"{origin}." if origin else ""


def _groups(report: Report, options: RenderOptions) -> Iterator[_Group]:
    """Yield what needs attention, target by target, then what is folded: the order is the same with and without."""
    if report.targets:
        yield from _part(view.common(report), options)
        for part in view.parts(report):
            verdict, origin = overall.verdict(part), _origin(part)
            text = f"**{verdict.word}**: {wording.capitalized(verdict.sentence)} {origin}\n"
            yield _Group(f"\n#### {_code(visible(part.report_id or ''))}\n\n", (_Piece(text, "target"),))
            yield from _part(part, options)
    else:
        yield from _part(report, options)
    yield from _folded(report, options)


def _view(report: Report) -> view.View:
    return view.view(report, folds_notes=report.command != "validate")


def _part(report: Report, options: RenderOptions) -> Iterator[_Group]:
    shown = _view(report)
    gaps = tuple(_Piece(f"- {_prose(gap)}\n", "gap") for gap in overall.gaps(report))
    yield _Group("\n**Incomplete results:**\n\n", gaps)
    if report.command == "audit":
        yield _Group("\n**Inventory**\n\n", tuple(_inventory(report)))
    if report.command == "compare":
        yield _Group("\n", tuple(_sides(report)))
    yield _Group("\n**Findings**\n\n", tuple(_finding(finding, report, options) for finding in shown.general))
    for position, block in enumerate(shown.shown):
        is_open = position < _OPEN and (block.worst is Severity.ERROR or block.is_own)
        yield _of_block(block, report, options, is_open=is_open)
    unknown = [_Piece(f"- {_code(visible(block.comparison.name))}\n", "deployment") for block in shown.unknown]
    yield _details(f"<b>unknown</b> ({len(unknown):,})", unknown)
    yield from _sums(shown, report, options, Severity.ERROR)
    yield _Group("\n**Warnings**\n\n", tuple(_finding(finding, report, options) for finding in shown.warnings))
    yield from _sums(shown, report, options, Severity.WARNING)


def _folded(report: Report, options: RenderOptions) -> Iterator[_Group]:
    """Yield what was resolved or suppressed, then notes, then what the change under review does not touch."""
    shown = _view(report)
    resolved = [
        _Piece(f"- {_code(wording.resolved_text(each, report))}\n", "resolved item") for each in report.resolved
    ]
    yield _details(f"<b>resolved</b> since the last conclusive run ({len(resolved):,})", resolved)
    yield _suppressed(shown, report, options)
    yield from _sums(shown, report, options, Severity.NOTE)
    notes = [_finding(each, report, options) for each in shown.notes_elsewhere]
    yield _details(f"<b>notes</b> on deployments that this change does not touch ({len(notes):,})", notes)
    elsewhere = [piece for block in shown.elsewhere for piece in _elsewhere(block, report, options)]
    yield _details(f"<b>not touched by this change</b>: {overall.elsewhere_text(shown.elsewhere)}", elsewhere)


def _of_block(block: view.Block, report: Report, options: RenderOptions, *, is_open: bool) -> _Group:
    comparison = block.comparison
    status = f"<b>{wording.status_text(block)}</b>"
    changes = wording.counted(len(block.active), "change") if block.active else ""
    location = wording.location_text(comparison.location)
    about = ", ".join(filter(None, [changes, location and _html_code(location)]))
    summary = f"{status} {_html_code(visible(comparison.name))}{f' ({about})' if about else ''}"
    pieces = [_row(change, report, options) for change in block.changes]
    if pieces:
        pieces[0] = _Piece(_TABLE + pieces[0].text, pieces[0].noun)
    findings = [_finding(finding, report, options) for finding in block.findings]
    if findings and pieces:
        findings[0] = _Piece("\n" + findings[0].text, findings[0].noun)
    return _details(summary, pieces + findings or [_Piece("Nothing is known of it.\n", "deployment")], is_open=is_open)


def _elsewhere(block: view.Block, report: Report, options: RenderOptions) -> Iterator[_Piece]:
    comparison = block.comparison
    name = _code(wording.name_in(report, *comparison.key))
    if not comparison.changes:
        location = f" {_linked(comparison.location, options)}" if comparison.location else ""
        yield _Piece(f"- {name}: {wording.status_text(block)}{location}\n", "deployment")
    for change in comparison.changes:
        text = _code(wording.change_text(change, _VALUE))
        if change.suppressed is not None:
            text += f", suppressed: {_code(wording.reason_text(change.suppressed))},"
        location = _linked(change.location, options)
        yield _Piece(f"- {name}: {_code(wording.path_text(change.path))}: {text} {location}\n", "change")


def _details(summary: str, pieces: Iterable[_Piece], *, is_open: bool = False) -> _Group:
    tag = "<details open>" if is_open else "<details>"
    return _Group(f"\n{tag}<summary>{summary}</summary>\n\n", tuple(pieces), "\n</details>\n")


def _row(change: Change, report: Report, options: RenderOptions) -> _Piece:
    """Return a change as a row of a table, and its details as rows below."""
    base = wording.base_text(change, _VALUE)
    notes = list(map(_note, wording.severity_note(change) + wording.change_notes(change, report)))
    notes += [] if base is None else [f"base {_cell(base)}"]
    notes += [] if change.suppressed is None else [f"suppressed: {_cell(wording.reason_text(change.suppressed))}"]
    about = "<br>".join(filter(None, [_linked(change.location, options, _cell), ", ".join(notes)]))
    field = _cell(wording.path_text(change.path)) + (f"<br>{about}" if about else "")
    details = wording.details(change, _VALUE)
    if not details:
        sides = [_cell(wording.side_text(change, side, _VALUE)) for side in ("declared", "live")]
        return _Piece(f"| {' | '.join([field, *sides])} |\n", "change")
    rows = [f"| {field} |  |  |\n"]
    rows += [f"| {' | '.join(map(_cell, row))} |\n" for row in details[:_DETAILS]]
    if len(details) > _DETAILS:
        rows.append(f"| and {len(details) - _DETAILS:,} more |  |  |\n")
    return _Piece("".join(rows), "change")


def _finding(finding: Finding, report: Report, options: RenderOptions) -> _Piece:
    name = wording.name_in(report, *finding.key)
    about = [_code(name)] if name else []
    about += [_code(wording.path_text(finding.path))] if finding.path else []
    locations = [_linked(finding.location, options)] if finding.location else []
    related = [f"see {_linked(location, options)}" for location in finding.related]
    ages = [_prose(note) for note in wording.age_notes(finding, report)]
    sources = ", ".join([_code(visible(finding.rule)), *locations, *related, *ages])
    severity = "suppressed" if finding.suppressed else finding.severity.value
    text = (
        f"- **{severity}** {''.join(f'{part}: ' for part in about)}{_prose(wording.finding_text(finding))} ({sources})"
    )
    if finding.hint and finding.suppressed is None:
        text += f"<br>{_prose(finding.hint)}"
    if finding.suppressed is not None:
        text += f"<br>suppressed: {_code(wording.reason_text(finding.suppressed))}"
    return _Piece(f"{text}\n", "finding")


def _suppressed(shown: view.View, report: Report, options: RenderOptions) -> _Group:
    pieces = []
    for key, item, suppression in shown.suppressed:
        if isinstance(item, Finding):
            pieces.append(_finding(item, report, options))
        else:
            parts = [wording.name_in(report, *key), wording.path_text(item.path), wording.change_text(item, _VALUE)]
            text = f"{': '.join(map(_code, parts))}; {_code(wording.reason_text(suppression))}"
            pieces.append(_Piece(f"- {text}\n", "suppressed change"))
    return _details(f"<b>suppressed</b> ({len(pieces):,})", pieces)


def _sums(shown: view.View, report: Report, options: RenderOptions, severity: Severity) -> Iterator[_Group]:
    return (_sum(group, report, options) for group in shown.sums if group.severity is severity)


def _sum(group: view.Sum, report: Report, options: RenderOptions) -> _Group:
    title = _prose(wording.rule_title(group.rule, group.findings), _html_code)
    summary = f"<b>{group.severity.value}</b> {title} ({len(group.findings):,})"
    if group.rule in UNMANAGED_RULES:
        pieces = [_Piece(f"- {_code(wording.name_in(report, *each.key))}\n", "finding") for each in group.findings]
    else:
        pieces = [_finding(each, report, options) for each in group.findings]
    return _details(summary, pieces)


def _inventory(report: Report) -> Iterator[_Piece]:
    live = report.live
    if live is None:
        return
    number = wording.counted(live.deployments, "live deployment") if live.is_read else "live deployments: unknown"
    yield _Piece(f"- {number}\n", "fact")
    for key, value in sorted(live.scope.items()):
        yield _Piece(f"- only where {_code(visible(key))} is {_code(visible(value))}\n", "fact")
    for fact, tally in overall.tallies(report):
        words = wording.listed((f"{_code(word)} {number:,}" for word, number in tally), _WORDS)
        yield _Piece(f"- by {fact}: {words}\n", "fact")
    yield _Piece(f"- coverage: {overall.coverage(report)}\n", "fact")
    if fields := overall.field_coverage(report):
        yield _Piece(f"- {fields}\n", "fact")
    if pending := overall.pending(report):
        yield _Piece(f"- rollouts: {_prose(pending)}\n", "fact")


def _sides(report: Report) -> Iterator[_Piece]:
    files = wording.listed((_code(visible(file)) for file in report.declared.files), _FILES)
    yield _Piece(f"- declared: {files or 'nothing'}\n", "side")
    if report.live is not None:
        yield _Piece(f"- live: {_code(visible(report.live.source))}\n", "side")


def _code(text: str) -> str:
    """Write a visible text as a code span, its fence longer than any run of backticks in it (CommonMark 6.1)."""
    if not text:
        return "(empty)"
    fence = "`" * (max(map(len, _BACKTICKS.findall(text)), default=0) + 1)
    pad = " " if text[0] in "` " or text[-1] in "` " else ""
    return f"{fence}{pad}{unbroken(text)}{pad}{fence}"


def _cell(text: str) -> str:
    """Write a visible text as a code span in a table's cell, whose end no `|` of it may be (GFM 4.10)."""
    if not text:
        return ""
    return _BAR.sub(lambda bar: rf"\{bar[1]}u007c" if bar[1] else r"\|", _code(text))


def _note(text: str) -> str:
    """Write a note in a table's cell."""
    return text if _PLAIN.match(text) else _cell(text)


def _html_code(text: str) -> str:
    """Write a visible text as code in an HTML block: neither Markdown nor GitHub's links and mentions reach into it."""
    return f"<code>{escape(unbroken(text))}</code>"


def _linked(location: Location | None, options: RenderOptions, code: Callable[[str], str] = _code) -> str:
    """Write a location as code, linked to its line where the platform shows the repository."""
    if location is None:
        return ""
    text = code(wording.location_text(location))
    url = view.source_link(location, options)
    return text if url is None else f"[{text}]({url})"


def _prose(text: str, code: Callable[[str], str] = _code) -> str:
    """Write a sentence, with everything in backticks and every word that could be markup as code."""
    parts = re.split("`([^`]*)`", visible(text))
    return "".join(code(part) if index % 2 else _words(part, code) for index, part in enumerate(parts))


def _words(text: str, code: Callable[[str], str]) -> str:
    """Write words plainly if none is markup, otherwise as code; `code` writes several in a row as one."""
    written = []
    for is_plain, run in groupby(text.split(" "), key=lambda word: bool(_PLAIN.match(word.strip(_AROUND)))):
        words = " ".join(run)
        if not is_plain:
            core = words.strip(_AROUND).removesuffix(":")
            before, _, behind = words.partition(core)
            words = f"{before}{code(core)}{behind}"
        written.append(words)
    return " ".join(written)
