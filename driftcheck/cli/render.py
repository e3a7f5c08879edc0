"""`driftcheck render`: print declarations merged with their defaults and overlays."""

from __future__ import annotations

from dataclasses import replace
from difflib import unified_diff

import click

from driftcheck import sides
from driftcheck.cli import console, options, run
from driftcheck.declarations.rendering import render
from driftcheck.errors import ExitStatus
from driftcheck.formats.escaping import visible
from driftcheck.model import Declarations, Severity
from driftcheck.settings import Flags, Settings


@click.command("render")
@options.paths
@options.targets
@click.option("--config", metavar="FILE", help="Configuration to use instead of the nearest driftcheck.yaml.")
@click.option("--base", metavar="REF", help="Print what the change since this git revision changes in the result.")
@options.as_flags
def command(flags: Flags) -> int:
    """Print the declarations in PATHS as they are compared: defaults and overlays merged, each value with its origin.

    Values that may be secret are masked. No network, no key.
    """
    status = ExitStatus.IN_SYNC
    for chosen in run.resolve_targets("validate", replace(flags, base=None)):
        text, declarations = _rendered(chosen, flags)
        heading = f"# target: {chosen.target}\n" if chosen.target else ""
        console.write(f"{heading}{text}")
        for found in declarations.findings:
            if found.severity is Severity.ERROR:
                console.say(visible(f"{found.location}: error: {found.message} [{found.rule}]"))
        if not declarations.complete:
            status = ExitStatus.INVALID
    return status


def _rendered(chosen: Settings, flags: Flags) -> tuple[str, Declarations]:
    """Return what is printed for one target, and its declarations."""
    declarations = sides.read_declarations(chosen)
    if flags.base is None:
        return render(declarations.deployments), declarations
    base = {in_force.target: base for in_force, base in run.with_bases([chosen], flags)}.get(chosen.target)
    if base is None:  # the change adds the target
        return "".join(unified_diff([], _lines(declarations), "nothing", "declarations")), declarations
    baseline = base.read(declarations)
    before = _lines(baseline.declarations.merge_bases[0])
    others = baseline.declarations.merge_bases[1:]
    if others:
        console.say(
            f"note: HEAD and {visible(flags.base)} have {len(others) + 1} merge bases; "
            f"this is the difference from {baseline.commit}."
        )
    name = f"declarations at {baseline.commit}"
    return "".join(unified_diff(before, _lines(declarations), name, "declarations")), declarations


def _lines(declarations: Declarations) -> list[str]:
    return render(declarations.deployments, origins=False).splitlines(keepends=True)
