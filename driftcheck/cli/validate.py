"""`driftcheck validate`: the declarations alone."""

from __future__ import annotations

from typing import Any

import click

from driftcheck import pipeline
from driftcheck.cli import options, run
from driftcheck.cli.outputs import write_report
from driftcheck.settings import Flags


@click.command("validate")
@options.paths
@options.policy
@options.rendering
def command(**given: Any) -> int:
    """Check the declarations in PATHS: YAML, schema and rules across fields. No network, no key."""
    outputs, rendering = options.take_rendering(given)
    with run.failures_reported("validate", outputs, rendering):
        chosen = run.resolve("validate", Flags(**given))
        report = pipeline.validate(pipeline.read_declarations(chosen), run.request(chosen))
        write_report(report, outputs, rendering)
    return report.outcome.status
