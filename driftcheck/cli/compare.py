"""`driftcheck compare`: live against live."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from driftcheck import pipeline
from driftcheck.cli import console, options, run
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
        raise click.BadParameter("write NAME=NAME, with one * on each side or none: 'staging-*=prod-*'.")
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
    help="Pair names of A with names of B; one * on each side stands for the same text. Repeatable.",
)
@options.connection
@options.comparison
@options.rendering
def command(first: str, second: str | None, maps: tuple[NameMap, ...], **given: Any) -> int:
    """Compare two snapshots, or a snapshot with what is live now: what changed, or whether A equals B.

    A takes the place of the declarations: what only A holds is missing, what only B holds is unmanaged, and both
    are errors. Ignore rules of the configuration say which differences are expected; they see B's names.
    """
    outputs, rendering = options.take_rendering(given, console.wants_color(given["color"]), reads=[first, second])
    flags = Flags(**given)

    def produce() -> Report:
        from driftcheck.comparison.listings import pair
        from driftcheck.live import snapshot

        chosen = run.resolve("compare", flags)
        there = snapshot.read(first)
        _refuse_idle(maps, there, first)
        if second is None:
            here = _now(chosen, there, maps, quiet=rendering.quiet)
        else:
            here = replace(snapshot.read(second), source=second)
        pairing = pair(there, here, maps, first)
        if pairing.apart:
            console.say(f"note: {len(pairing.apart):,} deployments take no part, since --map pairs their names anew.")
        return pipeline.compare(pairing, run.request(chosen))

    return run.report("compare", outputs, rendering, produce)


def _refuse_idle(maps: Sequence[NameMap], there: Snapshot, origin: str) -> None:
    """Raise UsageError for a map that pairs nothing: what it was to compare would go uncompared, and unnoticed.

    Of a listing that is empty or incomplete that can't be said.
    """
    if there.gaps or not there.deployments:
        return
    used = {next((each for each in maps if each.counterpart(d.name) is not None), None) for d in there.deployments}
    for each in maps:
        if each not in used:
            raise UsageError(
                f"--map {visible(f'{each.first}={each.second}')} pairs nothing: no deployment of {visible(origin)} "
                "has a name that fits it, and no other --map before it.",
                hint="The first name of a --map is one of A's, the second one of B's.",
            )


def _now(chosen: Settings, there: Snapshot, maps: Sequence[NameMap], *, quiet: bool) -> Snapshot:
    """Read what is live now, narrowed as the snapshot was."""
    chosen = replace(chosen, flags=replace(chosen.flags, scope=dict(there.scope)))
    targets = [
        next((name for each in maps if (name := each.counterpart(d.name)) is not None), d.name)
        for d in there.deployments
    ]
    return run.read_live(chosen, lambda: targets, progress=not quiet)
