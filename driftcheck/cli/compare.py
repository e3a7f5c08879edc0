"""`driftcheck compare`: compare two listings."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import replace

import click

from driftcheck import pipeline, settings, sides
from driftcheck.cli import console, options, run
from driftcheck.cli.outputs import Reporting, write_report
from driftcheck.comparison.listings import NameMap, counterpart, pair
from driftcheck.declarations.config import Config, Target
from driftcheck.errors import UsageError
from driftcheck.formats.escaping import visible
from driftcheck.live import snapshot
from driftcheck.model import Report, Snapshot
from driftcheck.settings import Flags, Settings


def _map(value: str) -> NameMap:
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
    callback=lambda _context, _parameter, values: tuple(map(_map, values)),
    help="Pair names of A with names of B; * matches the same text on both sides. Repeatable.",
)
@options.connection
@options.targets
@options.comparison
@options.report_id
@options.rendering
def command(flags: Flags, reporting: Reporting, first: str, second: str | None, maps: tuple[NameMap, ...]) -> int:
    """Compare two snapshots or targets, or a snapshot with what is live now.

    A and B are files, or targets of the configuration, whose names are paired without their suffixes. What only A
    holds is reported as missing, what only B holds as unmanaged; both are errors. Ignore rules of the configuration
    apply, with B's names.
    """
    with run.failures_reported("compare", reporting, flags, reads=[first, second]):
        report = _compare(first, second, maps, flags)
        write_report(report, reporting)
    return report.outcome.status


def _compare(first: str, second: str | None, maps: tuple[NameMap, ...], flags: Flags) -> Report:
    configuration = run.configuration(flags)
    one, other = _target(first, configuration), _target(second, configuration)
    if second is None:
        chosen = run.resolve("compare", flags)
    else:
        reads = replace(flags, live=() if other else (second,))
        chosen = settings.resolve("compare", reads, configuration, other)
    there = _read(settings.resolve("compare", flags, configuration, one), ()) if one else snapshot.read(first)
    _refuse_idle(maps, there, first)
    if one and other and not maps and (one.name_suffix or other.name_suffix):
        maps = (NameMap(f"*{one.name_suffix}", f"*{other.name_suffix}"),)
    here = _now(chosen, there, maps)
    other_side = here if second is None else replace(here, source=second)
    pairing = pair(there, other_side, maps, first, may_be_empty=chosen.allow_empty_live)
    if pairing.apart:
        console.say(f"note: {len(pairing.apart):,} deployments are not compared, because --map pairs others.")
    return pipeline.check(pairing.declarations, pairing.snapshot, pipeline.Run(chosen))


def _target(name: str | None, config: Config) -> Target | None:
    """Return the target that a side names; an existing file takes precedence over a target of the same name."""
    if name is None or name == "-" or (os.path.lexists(name) and not os.path.isdir(name)):
        return None
    found = next((target for target in config.targets if target.name == name), None)
    if found is None and config.targets:
        raise UsageError(
            f"{visible(name)} is neither a file nor a target.",
            hint=f"The targets of driftcheck.yaml are {', '.join(target.name for target in config.targets)}.",
        )
    return found


def _read(chosen: Settings, names: Collection[str]) -> Snapshot:
    with run.progress(chosen.quiet) as seen:
        return sides.read_live(chosen, lambda: names, seen)


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


def _now(chosen: Settings, there: Snapshot, maps: Sequence[NameMap]) -> Snapshot:
    """Read the second side, narrowed as the first was."""
    if chosen.live is not None:
        return snapshot.read(chosen.live)
    names = [counterpart(deployment.name, maps) or deployment.name for deployment in there.deployments]
    return _read(replace(chosen, scope=dict(there.scope)), names)
