"""`driftcheck audit`: check the whole workspace."""

from __future__ import annotations

from typing import Any

import click

from driftcheck.cli import options, run
from driftcheck.cli.outputs import write_report
from driftcheck.settings import Flags


@click.command("audit")
@options.paths
@options.targets
@options.names
@options.live
@options.scope
@options.comparison
@options.three_way
@options.recording
@options.report_id
@options.rendering
def command(**given: Any) -> int:
    """Check a whole workspace: unmanaged deployments, undeclared values, drift, rollouts and coverage.

    Without declarations it is an inventory. Filters narrow the listing; deployments outside of them are reported
    neither as missing nor as unmanaged.
    """
    outputs, rendering = options.take_rendering(given)
    flags = Flags(scope=options.take_scope(given), **given)
    with run.failures_reported("audit", outputs, rendering, flags):
        report = run.check("audit", flags, quiet=rendering.quiet)
        write_report(report, outputs, rendering)
    return report.outcome.status
