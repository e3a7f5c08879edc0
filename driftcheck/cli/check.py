"""`driftcheck check`: declared against live."""

from __future__ import annotations

from typing import Any

import click

from driftcheck.cli import console, options, run
from driftcheck.settings import Flags


@click.command("check")
@options.paths
@options.live
@options.comparison
@options.three_way
@options.rendering
def command(**given: Any) -> int:
    """Compare what is declared in PATHS with what is live, field by field.

    PATHS are files, folders or globs; - is standard input. Without any: the paths of driftcheck.yaml, else
    deployments.yaml or deployments/ here.
    """
    outputs, rendering = options.take_rendering(given, console.wants_color(given["color"]))
    flags = Flags(**given)
    return run.report(
        "check",
        outputs,
        rendering,
        lambda: run.compare_sides(run.resolve("check", flags), outputs, progress=not rendering.quiet),
    )
