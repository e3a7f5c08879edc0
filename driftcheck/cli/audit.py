"""`driftcheck audit`: the whole workspace."""

from __future__ import annotations

from typing import Any

import click

from driftcheck.cli import console, options, run
from driftcheck.settings import Flags


@click.command("audit")
@options.paths
@options.live
@options.scope
@options.comparison
@options.three_way
@options.rendering
def command(**given: Any) -> int:
    """Check a whole workspace: what is live and not declared, what differs, what is stuck.

    Without any declaration it is an inventory. The filters narrow what is asked for; what lies outside them is
    called neither missing nor unmanaged.
    """
    outputs, rendering = options.take_rendering(given, console.wants_color(given["color"]))
    flags = Flags(scope=options.take_scope(given), **given)
    return run.report(
        "audit",
        outputs,
        rendering,
        lambda: run.compare_sides(run.resolve("audit", flags), outputs, progress=not rendering.quiet),
    )
