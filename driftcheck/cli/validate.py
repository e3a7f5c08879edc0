"""`driftcheck validate`: the declarations alone."""

from __future__ import annotations

from typing import Any

import click

from driftcheck.cli import console, options, run
from driftcheck.declarations import loader
from driftcheck.model import Report
from driftcheck.settings import Flags


@click.command("validate")
@options.paths
@options.policy
@options.rendering
def command(**given: Any) -> int:
    """Check the declarations in PATHS: YAML, schema and rules across fields. No network, no key."""
    outputs, rendering = options.take_rendering(given, console.wants_color(given["color"]))
    flags = Flags(**given)

    def produce() -> Report:
        from driftcheck import pipeline

        chosen = run.resolve("validate", flags)
        declarations = loader.declare_sources(run.read_files(chosen))
        return pipeline.validate(declarations, run.request(chosen))

    return run.report("validate", outputs, rendering, produce)
