"""`driftcheck compare`: live against live."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from driftcheck import pipeline
from driftcheck.cli import console, options, run
from driftcheck.cli.outputs import write_report
from driftcheck.errors import UsageError
from driftcheck.formats.escaping import visible
from driftcheck.model import Report, Snapshot
from driftcheck.settings import Flags, Settings

if TYPE_CHECKING:
    from driftcheck.comparison.listings import NameMap


def _maps(_context: click.Context, _parameter: click.Parameter, values: Sequence[str]) -> tuple[NameMap, ...]:
    return tuple(map(_map, values))


def _map(value: str) -> NameMap:
    from driftcheck.comparison.listings import NameMap

    first, equals, second = value.partition("=")
    stars = first.count("*"), second.count("*")
    if not (first and equals and second) or "=" in second or stars not in ((0, 0), (1, 1)):
        raise click.BadParameter("expected NAME=NAME, with one * on both sides or none: 'staging-*=prod-*'.")
    return NameMap(first, second)


@click.command("compare")
@click.argument("first", metavar="A")
@click.argument("second", metavar="[B]", required=False)
@click.option(
    "--map",
    "maps",
    multiple=True,
    metavar="NAME=NAME",
    callback=_maps,
    help="Pair names of A with names of B; * matches the same text on both sides. Repeatable.",
)
@options.connection
@options.comparison
@options.report_id
@options.rendering
def command(first: str, second: str | None, maps: tuple[NameMap, ...], **given: Any) -> int:
    """Compare two snapshots, or a snapshot with what is live now.

    What only A holds is reported as missing, what only B holds as unmanaged; both are errors. Ignore rules of the
    configuration apply, with B's names.
    """
    outputs, rendering = options.take_rendering(given, reads=[first, second])
    flags = Flags(live=(second,) if second else (), **given)
    with run.failures_reported("compare", outputs, rendering, flags):
        report = _compare(first, second, maps, flags, quiet=rendering.quiet)
        write_report(report, outputs, rendering)
    return report.outcome.status


def _compare(first: str, second: str | None, maps: tuple[NameMap, ...], flags: Flags, *, quiet: bool) -> Report:
    from driftcheck.comparison.listings import pair
    from driftcheck.live import snapshot

    chosen = run.resolve("compare", flags)
    there = snapshot.read(first)
    _refuse_idle(maps, there, first)
    here = _now(chosen, there, maps, quiet=quiet) if second is None else replace(snapshot.read(second), source=second)
    pairing = pair(there, here, maps, first)
    if pairing.apart:
        console.say(f"note: {len(pairing.apart):,} deployments are not compared, because --map pairs others.")
    return pipeline.compare(pairing, pipeline.request(chosen))


def _refuse_idle(maps: Sequence[NameMap], there: Snapshot, origin: str) -> None:
    """Raise UsageError for a map that pairs nothing, so that deployments would not be compared unnoticed.

    An empty or incomplete listing is accepted.
    """
    if there.gaps or not there.deployments:
        return
    used = {next((each for each in maps if each.counterpart(d.name) is not None), None) for d in there.deployments}
    for each in maps:
        if each not in used:
            raise UsageError(
                f"--map {visible(f'{each.first}={each.second}')} pairs nothing: it matches no deployment of "
                f"{visible(origin)} that an earlier --map does not match.",
                hint="The first name of a --map belongs to A, the second to B.",
            )


def _now(chosen: Settings, there: Snapshot, maps: Sequence[NameMap], *, quiet: bool) -> Snapshot:
    """Read what is live now, narrowed as the snapshot was."""
    chosen = replace(chosen, scope=dict(there.scope))
    targets = [
        next((name for each in maps if (name := each.counterpart(d.name)) is not None), d.name)
        for d in there.deployments
    ]
    with run.progress(quiet) as seen:
        return pipeline.read_live(chosen, lambda: targets, seen)
