"""`driftcheck validate`: check the declarations without live."""

from __future__ import annotations

from typing import Any

import click

from driftcheck import targets
from driftcheck.cli import options, run
from driftcheck.cli.outputs import write_report
from driftcheck.settings import Flags


@click.command("validate")
@options.paths
@options.targets
@options.policy
@options.report_id
@options.rendering
def command(**given: Any) -> int:
    """Check the declarations in PATHS: YAML, schema and rules across fields. No network, no key."""
    outputs, rendering = options.take_rendering(given)
    flags = Flags(**given)
    with run.failures_reported("validate", outputs, rendering, flags):
        report = targets.validate(run.resolve_targets("validate", flags))
        write_report(report, outputs, rendering)
    return report.outcome.status
