"""The report as text for terminals and CI logs: worst first, the verdict last.

Lines are the same with and without colour.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Final

from driftcheck.formats import RenderOptions, overall, view, wording
from driftcheck.formats.escaping import inert, visible
from driftcheck.formats.view import Block, Sum, Suppressed
from driftcheck.model import Change, ExitStatus, Finding, Report, Severity, Status
from driftcheck.rules import LINT_RULES

_PATH_WIDTH: Final = 56
_SIDE_WIDTH: Final = 32
_LEAST_VALUE: Final = 40
_VALUES: Final = {1: 4_000}
"""The most characters of a value when verbose; with -vv values are shown whole."""
_NAMES: Final = 5
_WORDS: Final = 12
_MOST: Final = 10
"""The number of lines of a list that is shortened without -v."""

_RED, _YELLOW, _CYAN, _GREEN, _BOLD, _DIM = "31", "33", "36", "32", "1", "2"
_SEVERITIES: Final = {Severity.ERROR: _RED, Severity.WARNING: _YELLOW, Severity.NOTE: _CYAN}
_STATUSES: Final = {
    Status.UNKNOWN: _RED,
    Status.DRIFTED: _RED,
    Status.MISSING: _RED,
    Status.PROPOSED: _CYAN,
    Status.UNMANAGED: _YELLOW,
    Status.IN_SYNC: _GREEN,
}

_GLUE: Final = "\N{NO-BREAK SPACE}"
"""Written as a space at which no line breaks; `visible` leaves none in a text of unknown origin."""
_MORE: Final = f"-v{_GLUE}lists{_GLUE}all"

_Piece = str | tuple[str, ...]
"""A text, or a text and its colours."""


def render(report: Report, options: RenderOptions) -> str:
    """Render a report as text for a person."""
    page = _Page(report, options)
    sections: list[Iterable[str]] = (
        [page.gaps(), *page.defects(), page.verdict()]
        if options.quiet
        else [*_parts(page, report, options), *page.end()]
    )
    return inert("\n\n".join("\n".join(lines) for section in sections if (lines := list(section)))) + "\n"


def _parts(whole: _Page, report: Report, options: RenderOptions) -> Iterator[Iterable[str]]:
    if not report.targets:
        yield from whole.sections()
        yield from whole.counts()
        return
    common = [lines for section in _Page(view.common(report), options).sections() if (lines := list(section))]
    if common:
        yield ["In every target:"]
        yield from common
    for part in view.parts(report):
        page = _Page(part, options)
        yield page.heading()
        yield from page.sections()
    yield from whole.counts()


class _Page:
    """The sections of a text, each an iterator of lines; an empty one is left out."""

    def __init__(self, report: Report, options: RenderOptions) -> None:
        self._report = report
        self._color = options.color
        self._asked = options.asked
        self._verbose = options.verbose > 0
        self._width = options.width
        self._limit = _VALUES.get(options.verbose) if self._verbose else max(options.width - 15, _LEAST_VALUE)
        folds_notes = not self._verbose and report.command != "validate"
        self._view = view.view(
            report, with_unmanaged=self._verbose, folds_notes=folds_notes, sums_equal=not self._verbose
        )

    def sections(self) -> Iterator[Iterable[str]]:
        """Write the sections of one target, or of a report without targets."""
        if self._report.command == "audit":
            yield self._inventory()
        if self._report.command == "compare":
            yield self._sides()
        yield self.gaps()
        for finding in self._view.general:
            yield self._finding(finding, "")
        for block in self._view.shown:
            yield self._block(block)
        yield self._unknown()
        yield self._sums_of(Severity.ERROR)
        for finding in self._view.warnings:
            yield self._finding(finding, "")
        yield self._sums_of(Severity.WARNING)

    def counts(self) -> Iterator[Iterable[str]]:
        """Write the counts of items that are not shown, over all targets, after the differences."""
        yield self._suppressed()
        yield self._resolved()
        yield self._matching()
        yield self._sums_of(Severity.NOTE)
        yield self._notes_elsewhere()
        yield self._elsewhere()

    def end(self) -> Iterator[Iterable[str]]:
        """Write suggestions, the verdict, and the source of live."""
        ways = wording.remedies(self._report, self._asked)
        line = " ".join(ways)
        fits = len(line) <= self._width
        yield ways and [line] if fits else [part for way in ways for part in self._command_lines(way)]
        yield self.verdict()

    def _command_lines(self, way: str) -> Iterator[str]:
        """Write a sentence that ends in a command; one that is too long continues as a shell reads it."""
        about, _, command = way.rstrip(".`").partition("`")
        if len(way) <= self._width:
            yield way
            return
        yield about.rstrip()
        line = "  "
        for number, option in enumerate(command.split(" --")):
            written = f" --{option}" if number else option
            if number and len(line) + len(written) + 2 > self._width:
                yield f"{line} \\"
                line, written = "     ", f"--{option}"
            line += written
        yield line

    def _paint(self, text: str, *codes: str) -> str:
        return f"\x1b[{';'.join(codes)}m{text}\x1b[0m" if self._color and text and codes else text

    def _fill(self, pieces: Iterable[_Piece], indent: str = "", hanging: str | None = None) -> Iterator[str]:
        """Wrap pieces into lines of at most the width; a longer word gets its own line."""
        margin, words = indent, list[tuple[str, tuple[str, ...]]]()
        used = len(margin)
        for piece in pieces:
            text, *codes = (piece,) if isinstance(piece, str) else piece
            for word in text.split(" ") if text else ():
                if words and used + 1 + len(word) > self._width:
                    yield margin + self._painted(words)
                    margin, words = f"{indent}    " if hanging is None else hanging, []
                    used = len(margin)
                used += len(word) + bool(words)
                words.append((word.replace(_GLUE, " "), tuple(codes)))
        if words:
            yield margin + self._painted(words)

    def _painted(self, words: Iterable[tuple[str, tuple[str, ...]]]) -> str:
        alike = groupby(words, key=lambda word: word[1])
        return " ".join(self._paint(" ".join(word for word, _ in group), *codes) for codes, group in alike)

    def heading(self) -> Iterator[str]:
        """Write the name of a target, its verdict, and the source of live."""
        name, color = visible(self._report.report_id or ""), self._color_of_verdict()
        yield from self._fill([(f"{name}:", _BOLD), (str(overall.verdict(self._report)), color)])
        if origin := overall.origin(self._report):
            yield from self._fill([(origin, _DIM)], "    ")

    def _color_of_verdict(self) -> str:
        return _GREEN if self._report.outcome.status == 0 else _RED

    # What was not read, and the sides

    def gaps(self) -> Iterator[str]:
        """List what was not read; the errors of a validation say so themselves."""
        gaps = [] if self._report.command == "validate" else overall.gaps(self._report)
        if gaps:
            yield self._paint("Incomplete results:", _BOLD, _RED)
            for gap in gaps:
                yield from self._fill([gap], "  ")

    def defects(self) -> Iterator[Iterable[str]]:
        """List the errors that make a run invalid."""
        if self._report.outcome.status is ExitStatus.INVALID:
            for finding in self._report.findings:
                if finding.severity is Severity.ERROR and finding.suppressed is None:
                    yield self._finding(finding, "")

    def _sides(self) -> Iterator[str]:
        yield from self._fill([f"declared  {wording.listed(map(visible, self._report.declared.files), _NAMES)}"])
        if self._report.live is not None:
            yield from self._fill([f"live      {visible(self._report.live.source)}"])

    # One deployment

    def _head(self, block: Block, *about: str) -> str:
        comparison = block.comparison
        color = _YELLOW if block.is_outdated else _STATUSES[comparison.status]
        status = (wording.status_text(block), _BOLD, color)
        pieces = [status, (f" {visible(comparison.name)}", _BOLD), *((f" {text}", _DIM) for text in about if text)]
        return "\n".join(self._fill(pieces))

    def _block(self, block: Block) -> Iterator[str]:
        comparison = block.comparison
        impacts = {wording.impact(change) for change in block.active}
        shared = impacts.pop() if len(impacts) == 1 else ""
        yield self._head(block, wording.location_text(comparison.location), shared)
        widths = (len(wording.path_text(each.path)) for each in comparison.changes)
        width = max((width for width in widths if width <= _PATH_WIDTH), default=0)
        sides = (len(wording.side_text(each, "declared", self._limit)) for each in comparison.changes)
        side = max((width for width in sides if width <= _SIDE_WIDTH), default=0)
        for change in block.changes:
            yield from self._change(change, width, side, with_impact=not shared)
        for finding in block.findings:
            yield from self._finding(finding, "  ")
        if self._verbose and comparison.live_since and comparison.live_since.updated_at:
            yield from self._fill([f"live was last updated at {visible(comparison.live_since.updated_at)}"], "  ")
        if self._verbose and comparison.unverifiable:
            yield from self._fill([f"unverifiable: {', '.join(map(wording.path_text, comparison.unverifiable))}"], "  ")

    def _change(self, change: Change, width: int, side: int, *, with_impact: bool) -> Iterator[str]:
        path = wording.path_text(change.path)
        location = wording.location_text(change.location)
        notes = wording.severity_note(change)
        notes += wording.change_notes(change, self._report, with_impact=with_impact)
        if change.suppressed is not None:
            notes.append(wording.suppression_text(change.suppressed))
        color = _DIM if change.suppressed is not None else _SEVERITIES[change.severity]
        rest = "  ".join(filter(None, [location, ", ".join(notes)]))
        first = f"  {self._paint(path, color)}"
        if len(path) + len(rest) + 4 <= self._width or not rest:
            padding = " " * (width - len(path)) if width + len(rest) + 4 <= self._width else ""
            parts = [first + padding, self._paint(location, _DIM), ", ".join(notes)]
            yield "  ".join(filter(None, parts)).rstrip()
        else:
            yield first
            about = ", ".join(notes)
            yield from self._fill([(location, _DIM), f" {about}" if location else about], "      ", "      ")
        yield from self._change_sides(change, side)

    def _change_sides(self, change: Change, side: int) -> Iterator[str]:
        if inside := wording.detail_texts(change, self._limit, len(change.details) if self._verbose else _MOST):
            yield from (f"      {text}" for text in inside)
            return
        base = wording.base_text(change, self._limit)
        declared, live = (wording.side_text(change, each, self._limit) for each in ("declared", "live"))
        before = "" if base is None else f"base {base}   "
        line = f"      {before}declared {declared:<{side}}   live {live}"
        if len(line) <= self._width:
            yield line
            return
        if base is not None:
            yield f"      base     {base}"
        yield f"      declared {declared}"
        yield f"      live     {live}"

    def _finding(self, finding: Finding, indent: str) -> Iterator[str]:
        location = wording.location_text(finding.location, column=True)
        about = [] if indent else [wording.name_in(self._report, *finding.key)]
        about += [wording.path_text(finding.path)] if finding.path else []
        ages = wording.age_notes(finding, self._report)
        severity = "suppressed" if finding.suppressed else finding.severity.value
        pieces: list[_Piece] = [
            f"{location}:" if location else "",
            (f"{severity}:", _DIM if finding.suppressed else _SEVERITIES[finding.severity]),
            *(f"{part}:" for part in about if part),
            wording.finding_text(finding),
            f"({', '.join(ages)})" if ages else "",
            (f"[{visible(finding.rule)}]", _DIM),
        ]
        yield from self._fill(pieces, indent)
        yield from self._excerpt(finding, indent)
        for related in finding.related:
            yield f"{indent}    see {wording.location_text(related, column=True)}"
        below = wording.reason_text(finding.suppressed) if finding.suppressed else visible(finding.hint or "")
        yield from self._fill([below], f"{indent}    ", f"{indent}    ")

    def _excerpt(self, finding: Finding, indent: str) -> Iterator[str]:
        """Yield the line of the file with a caret below, with -v and on a terminal."""
        if finding.excerpt is None or finding.location is None or not (self._verbose or self._color):
            return
        number = f"{indent}    {finding.location.line} | "
        room = max(self._width - len(number), _LEAST_VALUE)
        before, behind = finding.excerpt[: finding.location.column - 1], finding.excerpt[finding.location.column - 1 :]
        start = max(len(before) - room // 2, 0)
        shown = visible(before[start:])
        yield f"{number}{(shown + visible(behind))[:room]}"
        yield f"{' ' * (len(number) - 2)}| {' ' * len(shown)}{self._paint('^', _RED)}"

    def _cut(self, lines: list[str], noun: str) -> Iterator[str]:
        """Return the lines, cut unless verbose."""
        most = len(lines) if self._verbose else _MOST
        yield from lines[:most]
        if len(lines) > most:
            yield f"and {wording.counted(len(lines) - most, f'more {noun}')} ({_MORE})"

    def _unknown(self) -> Iterator[str]:
        """List the deployments of which nothing is known but that they are declared or live, on one line."""
        blocks = self._view.unknown
        if len(blocks) > 1 and not self._verbose:
            names = [visible(block.comparison.name) for block in blocks]
            number = f"{len(blocks):,} unknown"
            lines: list[str] = []
            for most in range(_NAMES, -1, -1):
                which = f": {wording.listed(names, most)}" if most else ""
                more = f"({_MORE})" if most < len(names) else ""
                lines = list(self._fill([(f"{number}{which}", _BOLD, _RED), more]))
                if len(lines) == 1:
                    break
            yield from lines
            return
        for block in blocks:
            location = wording.location_text(block.comparison.location)
            yield self._head(block, location or "live, not declared in what could be read")

    def _elsewhere(self) -> Iterator[str]:
        """Summarize the differences of deployments that the change under review does not touch."""
        blocks = self._view.elsewhere
        if not blocks:
            return
        if self._verbose:
            yield self._paint("Not touched by this change:", _BOLD)
            for block in blocks:
                yield from self._block(block)
            return
        names = wording.listed((wording.name_in(self._report, *block.comparison.key) for block in blocks), _NAMES)
        counts = overall.elsewhere_text(blocks)
        yield from self._fill([("Not touched by this change:", _BOLD), f"{counts}: {names} ({_MORE})"])

    # What is counted

    def _suppressed(self) -> Iterator[str]:
        """List suppressed items that no deployment above shows; many with one reason are counted."""
        by_reason: dict[str, list[Suppressed]] = {}
        for each in self._view.suppressed:
            by_reason.setdefault(wording.reason_text(each[2]), []).append(each)
        summed = {} if self._verbose else {why: items for why, items in by_reason.items() if len(items) > _NAMES}
        sums = [f"{wording.suppressed_text(items, self._report)}; {why} ({_MORE})" for why, items in summed.items()]
        lines: list[str] = []
        for key, item, suppression in self._view.suppressed:
            reason = wording.reason_text(suppression)
            if reason in summed:
                continue
            if isinstance(item, Finding):
                what = visible(item.rule)
            else:
                what = f"{wording.path_text(item.path)}: {wording.change_text(item, self._limit)}"
            name = wording.name_in(self._report, *key)
            lines.append("\n".join(self._fill([f"{name}: {what}; {reason}" if name else f"{what}; {reason}"], "  ")))
        if sums or lines:
            yield "Suppressed:"
            for text in sums:
                yield from self._fill([text], "  ")
            yield from self._cut(lines, "suppressed item")

    def _resolved(self) -> Iterator[str]:
        """List items that the last conclusive run had and this run no longer has."""
        lines = [
            "\n".join(self._fill([wording.resolved_text(item, self._report)], "  ")) for item in self._report.resolved
        ]
        if lines:
            yield "Resolved since the last conclusive run:"
            yield from self._cut(lines, "resolved item")

    def _sums_of(self, severity: Severity) -> Iterator[str]:
        """Sum findings by rule; notes on declared values have one line."""
        groups = [group for group in self._view.sums if group.severity is severity]
        notes = [each for each in groups if each.severity is Severity.NOTE and each.rule in LINT_RULES]
        sums_all = not self._verbose and self._report.command != "validate"
        folded = notes if not self._verbose and len(notes) > 1 else []
        for group in groups:
            if group in folded:
                continue
            if self._verbose or (len(group.findings) == 1 and not (sums_all and group in notes)):
                for finding in group.findings:
                    yield from self._finding(finding, "")
            else:
                yield from self._sum(group)
        if folded:
            yield from self._folded("on declared values", [finding for each in folded for finding in each.findings])

    def _notes_elsewhere(self) -> Iterator[str]:
        """Count the notes on deployments that the change under review does not touch."""
        if self._view.notes_elsewhere:
            yield from self._folded("on deployments that this change does not touch", self._view.notes_elsewhere)

    def _folded(self, about: str, notes: Sequence[Finding]) -> Iterator[str]:
        number = wording.counted(len(notes), "note")
        yield from self._fill([(number, _CYAN), f"{about}: {wording.by_rule(notes)} ({_MORE})"])

    def _sum(self, group: Sum) -> Iterator[str]:
        """Summarize the findings of a rule, with the names of some deployments."""
        found = {each.key for each in group.findings if each.deployment is not None}
        names = [wording.name_in(self._report, *each) for each in sorted(found, key=str)]
        number = wording.counted(len(names) or len(group.findings), "deployment" if names else "time")
        about = names[0] if len(names) == 1 else number + (f": {wording.listed(names, _NAMES)}" if names else "")
        more = "" if 0 < len(names) <= _NAMES else f"; {_MORE}"
        pieces: list[_Piece] = [
            (f"{group.severity.value}:", _SEVERITIES[group.severity]),
            wording.rule_title(group.rule, group.findings),
            f"({about}{more})",
            (f"[{visible(group.rule)}]", _DIM),
        ]
        yield from self._fill(pieces)

    def _matching(self) -> Iterator[str]:
        """List the deployments that match, with -v."""
        if not self._verbose:
            return
        for block in self._view.others:
            comparison = block.comparison
            if comparison.status is Status.IN_SYNC:
                name = wording.name_in(self._report, *comparison.key)
                facts = f"{name}, {wording.counted(comparison.compared, 'field')} compared"
                if comparison.unverifiable:
                    facts += f", unverifiable: {', '.join(map(wording.path_text, comparison.unverifiable))}"
                yield from self._fill([(wording.STATUSES[comparison.status], _GREEN), f" {facts}"])

    # Inventory and verdict

    def _inventory(self) -> Iterator[str]:
        live = self._report.live
        if live is None:
            return
        yield from self._fill([("Inventory:", _BOLD), overall.origin(self._report)])
        for key, value in sorted(live.scope.items()):
            yield from self._fill([f"only where {visible(key)} = {visible(value)}"], "  ")
        rows = [("live", wording.counted(live.deployments, "deployment") if live.is_read else "unknown")]
        for fact, tally in overall.tallies(self._report):
            rows.append((f"by {fact}", wording.listed((f"{word} {number:,}" for word, number in tally), _WORDS)))
        rows.append(("coverage", overall.coverage(self._report)))
        rows.append(("fields", overall.field_coverage(self._report)))
        rows.append(("rollouts", overall.pending(self._report)))
        for name, text in rows:
            if text:
                yield from self._fill([text], f"  {name:<12}  ", " " * 16)

    def verdict(self) -> Iterator[str]:
        """Write the verdict with its numbers, and where live was read."""
        numbers = ", ".join(overall.numbers(self._report))
        verdict = (str(overall.verdict(self._report)), _BOLD, self._color_of_verdict())
        if self._report.outcome.status == 0:
            yield from self._fill([verdict, f"({numbers})" if numbers else ""], "", "")
        else:
            yield from self._fill([verdict], "", "")
            yield from self._fill([f"({numbers})" if numbers else ""], "", "")
        if self._report.command == "check" and (origin := overall.origin(self._report)):
            yield from self._fill([(origin, _DIM)])
