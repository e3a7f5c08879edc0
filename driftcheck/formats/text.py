"""The report for a person at a terminal or before a CI log: worst first, the verdict last.

Lines are the same with and without colour and wherever they are shown.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Final

from driftcheck.formats import RenderOptions, wording
from driftcheck.formats.escaping import inert, visible
from driftcheck.model import Change, Finding, Report, Severity, Status
from driftcheck.rules import RULES

_WIDTH: Final = 100
_PATH_WIDTH: Final = 56
_SIDE_WIDTH: Final = 32
_VALUES: Final = {0: 100, 1: 4_000}
"""The most characters of a value by verbosity; beyond, values are shown whole."""
_NAMES: Final = 5
_WORDS: Final = 12
_IGNORED: Final = 10
_BARE: Final = 10

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


def render(report: Report, options: RenderOptions) -> str:
    """Render a report as text for a person."""
    page = _Page(report, options)
    sections = page.brief() if options.quiet else page.full()
    return inert("\n\n".join("\n".join(lines) for section in sections if (lines := list(section)))) + "\n"


class _Page:
    """The sections of a text, each an iterator of lines; an empty one is left out."""

    def __init__(self, report: Report, options: RenderOptions) -> None:
        self._report = report
        self._color = options.color
        self._verbose = options.verbose > 0
        self._limit = _VALUES.get(options.verbose)
        self._blocks = wording.blocks(report)
        self._shown = {block.comparison.name for block in self._blocks if self._is_shown(block)}
        """The deployments that are shown by themselves, with all findings about them."""
        general = wording.general_findings(report)
        self._general = [each for each in general if each.severity is not Severity.NOTE]
        self._rest = [each for each in general if each.severity is Severity.NOTE] + [
            finding
            for block in self._blocks
            if block.comparison.name not in self._shown
            for finding in block.findings
            if finding.suppressed is None
        ]

    def brief(self) -> Iterator[Iterable[str]]:
        yield self._gaps()
        yield self._verdict()

    def full(self) -> Iterator[Iterable[str]]:
        if self._report.command == "audit":
            yield self._inventory()
        if self._report.command == "compare":
            yield self._sides()
        yield self._gaps()
        for finding in self._general:
            yield self._finding(finding, "")
        for block in self._blocks:
            if block.comparison.name in self._shown and not block.is_bare:
                yield self._block(block)
        yield self._bare()
        yield self._ignored()
        yield self._notes()
        yield self._matching()
        yield self._verdict()

    def _paint(self, text: str, *codes: str) -> str:
        return f"\x1b[{';'.join(codes)}m{text}\x1b[0m" if self._color and text else text

    # What was not read, and the sides

    def _gaps(self) -> Iterator[str]:
        gaps = wording.gaps(self._report)
        if gaps:
            yield self._paint("Not everything could be read, so what follows is not the whole picture:", _BOLD, _RED)
            yield from (f"  {gap}" for gap in gaps)

    def _sides(self) -> Iterator[str]:
        yield f"declared  {wording.listed(map(visible, self._report.declared.files), _NAMES)}"
        if self._report.live is not None:
            yield f"live      {visible(self._report.live.source)}"

    # One deployment

    def _is_shown(self, block: wording.Block) -> bool:
        """Tell whether a deployment is shown by itself; one that is merely not declared is not, unless asked for."""
        merely_undeclared = block.comparison.status is Status.UNMANAGED and not block.active
        return block.matters and (self._verbose or not merely_undeclared)

    def _block(self, block: wording.Block) -> Iterator[str]:
        comparison = block.comparison
        status = self._paint(wording.STATUSES[comparison.status], _BOLD, _STATUSES[comparison.status])
        place = wording.place_text(comparison.location)
        name = self._paint(visible(comparison.name), _BOLD)
        yield "  ".join(filter(None, [status, name, self._paint(place, _DIM)]))
        widths = (len(wording.path_text(each.path)) for each in comparison.changes)
        width = max((width for width in widths if width <= _PATH_WIDTH), default=0)
        side = self._side_width(comparison.changes)
        for change in comparison.changes:
            yield from self._change(change, width, side)
        for finding in sorted(block.findings, key=lambda each: (each.severity.rank, each.rule)):
            yield from self._finding(finding, "  ")
        if self._verbose and comparison.unverifiable:
            yield f"  not observable: {', '.join(map(wording.path_text, comparison.unverifiable))}"

    def _side_width(self, changes: Iterable[Change]) -> int:
        widths = (len(wording.declared_text(change, self._limit)) for change in changes)
        return max((width for width in widths if width <= _SIDE_WIDTH), default=0)

    def _change(self, change: Change, width: int, side: int) -> Iterator[str]:
        path = wording.path_text(change.path)
        notes = ", ".join(wording.change_notes(change))
        hidden = change.suppressed is not None
        color = _DIM if hidden else _SEVERITIES[change.severity]
        first = f"  {self._paint(path, color)}{' ' * (width - len(path))}"
        place = self._paint(wording.place_text(change.location), _DIM)
        yield "  ".join(filter(None, [first, place, notes])).rstrip()
        yield from self._change_sides(change, side)

    def _change_sides(self, change: Change, side: int) -> Iterator[str]:
        base = wording.base_text(change, self._limit)
        declared, live = wording.declared_text(change, self._limit), wording.live_text(change, self._limit)
        before = "" if base is None else f"base {base}   "
        line = f"      {before}declared {declared:<{side}}   live {live}"
        if len(line) <= _WIDTH:
            yield line
            return
        if base is not None:
            yield f"      base     {base}"
        yield f"      declared {declared}"
        yield f"      live     {live}"

    def _finding(self, finding: Finding, indent: str) -> Iterator[str]:
        severity = self._paint(finding.severity.value, _SEVERITIES[finding.severity])
        place = wording.place_text(finding.location, column=True)
        about = []
        if not indent and finding.deployment is not None:
            about.append(visible(finding.deployment))
        if finding.path:
            about.append(wording.path_text(finding.path))
        head = f"{place}: " if place else ""
        rule = self._paint(f"[{visible(finding.rule)}]", _DIM)
        yield f"{indent}{head}{severity}: {''.join(f'{part}: ' for part in about)}{visible(finding.message)} {rule}"
        for related in finding.related:
            yield f"{indent}    see {wording.place_text(related, column=True)}"
        if finding.hint and finding.suppressed is None:
            yield f"{indent}    {visible(finding.hint)}"
        if finding.suppressed is not None:
            yield f"{indent}    {wording.suppression_text(finding.suppressed)}"

    def _bare(self) -> Iterator[str]:
        """List the deployments of which nothing is known but that they are declared or live."""
        bare = sorted(
            (block.comparison for block in self._blocks if block.is_bare), key=lambda each: each.location is None
        )
        most = len(bare) if self._verbose else _BARE
        for comparison in bare[:most]:
            status = self._paint(wording.STATUSES[comparison.status], _BOLD, _STATUSES[comparison.status])
            where = wording.place_text(comparison.location) or "live, and not declared in what could be read"
            yield f"{status}  {self._paint(visible(comparison.name), _BOLD)}  {self._paint(where, _DIM)}"
        if len(bare) > most:
            yield f"and {len(bare) - most:,} more of which nothing could be told (each with -v)"

    # What is counted rather than shown

    def _ignored(self) -> Iterator[str]:
        """List what is ignored and stands in no block above."""
        lines = [
            f"  {visible(block.comparison.name)}: {wording.path_text(change.path)}: "
            f"{wording.change_text(change, self._limit)}; {wording.reason_text(change.suppressed)}"
            for block in self._blocks
            if block.comparison.name not in self._shown
            for change in block.comparison.changes
            if change.suppressed is not None
        ]
        lines += [
            f"  {f'{visible(finding.deployment)}: ' if finding.deployment is not None else ''}{visible(finding.rule)}; "
            f"{wording.reason_text(finding.suppressed)}"
            for finding in self._report.findings
            if finding.suppressed is not None and finding.deployment not in self._shown
        ]
        if lines:
            most = len(lines) if self._verbose else _IGNORED
            yield "Ignored by rules:"
            yield from lines[:most]
            if len(lines) > most:
                yield f"  and {len(lines) - most:,} more (each with -v)"

    def _notes(self) -> Iterator[str]:
        """Sum up by rule what no block and no line above shows: notes, and deployments merely not declared."""
        by_rule: dict[tuple[int, str], list[Finding]] = defaultdict(list)
        for finding in self._rest:
            by_rule[finding.severity.rank, finding.rule].append(finding)
        for _, findings in sorted(by_rule.items()):
            if self._verbose or len(findings) == 1:
                for finding in findings:
                    yield from self._finding(finding, "")
            else:
                yield self._note(findings)

    def _note(self, findings: list[Finding]) -> str:
        first = findings[0]
        names = [visible(finding.deployment) for finding in findings if finding.deployment is not None]
        severity = self._paint(first.severity.value, _SEVERITIES[first.severity])
        title = RULES[first.rule].title if first.rule in RULES else visible(first.rule)
        which = f": {wording.listed(names, _NAMES)}" if names else ""
        rule = self._paint(f"[{visible(first.rule)}]", _DIM)
        return f"{severity}: {title} ({len(findings):,} times{which}; each with -v) {rule}"

    def _matching(self) -> Iterator[str]:
        """List the deployments that match, if all is asked for."""
        if not self._verbose:
            return
        for block in self._blocks:
            comparison = block.comparison
            if comparison.status is Status.IN_SYNC and comparison.name not in self._shown:
                status = self._paint(wording.STATUSES[comparison.status], _GREEN)
                told = [
                    f"{status}  {visible(comparison.name)}",
                    f"{wording.counted(comparison.compared, 'field')} compared",
                ]
                if comparison.unverifiable:
                    told.append(f"not observable: {', '.join(map(wording.path_text, comparison.unverifiable))}")
                yield ", ".join(told)

    # Inventory and verdict

    def _inventory(self) -> Iterator[str]:
        live = self._report.live
        if live is None:
            return
        where = f", workspace {visible(live.workspace)}" if live.workspace else ""
        when = f", read {visible(live.fetched_at)}" if live.fetched_at else ""
        yield f"{self._paint('Inventory', _BOLD)} of {visible(live.source)}{where}{when}"
        for key, value in sorted(live.scope.items()):
            yield f"  only where {visible(key)} = {visible(value)}"
        known = live.complete or live.pages or live.deployments  # else nothing was read, which is not none
        yield f"  live          {wording.counted(live.deployments, 'deployment') if known else 'not known'}"
        for fact, tally in wording.tallies(self._report):
            yield f"  by {fact:<9}  {wording.listed((f'{word} {number:,}' for word, number in tally), _WORDS)}"
        coverage = self._report.summary.coverage
        share = "not known" if coverage is None else f"{coverage:.1%} of the live deployments are declared"
        yield f"  coverage      {share}"
        if fields := wording.field_coverage(self._report):
            yield f"  fields        {fields}"
        if pending := wording.pending(self._report):
            yield f"  rollouts      {pending}"

    def _verdict(self) -> Iterator[str]:
        sentence = wording.verdict(self._report)
        color = _GREEN if self._report.outcome.status == 0 else _RED
        numbers = ", ".join(wording.numbers(self._report))
        if self._report.outcome.status == 0:
            yield f"{self._paint(sentence, _BOLD, color)}{f' ({numbers})' if numbers else ''}"
        else:
            yield self._paint(sentence, _BOLD, color)
            yield from [f"({numbers})"] if numbers else []
