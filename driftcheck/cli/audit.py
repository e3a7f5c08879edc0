"""`driftcheck audit`: check the whole workspace."""

from __future__ import annotations

import click

from driftcheck.cli import options, run
from driftcheck.cli.outputs import Reporting, write_report
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
def command(flags: Flags, reporting: Reporting) -> int:
    """Check a whole workspace: unmanaged deployments, undeclared values, drift, rollouts and coverage.

    Without declarations it is an inventory. Filters narrow the listing; deployments outside of them are reported
    neither as missing nor as unmanaged.
    """
    with run.failures_reported("audit", reporting, flags):
        report = run.check("audit", flags)
        write_report(report, reporting)
    return report.outcome.status
