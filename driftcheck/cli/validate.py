"""`driftcheck validate`: check the declarations without live."""

from __future__ import annotations

import click

from driftcheck import targets
from driftcheck.cli import options, run
from driftcheck.cli.outputs import Reporting, write_report
from driftcheck.settings import Flags


@click.command("validate")
@options.paths
@options.targets
@options.policy
@options.report_id
@options.rendering
def command(flags: Flags, reporting: Reporting) -> int:
    """Check the declarations in PATHS: YAML, schema and rules across fields. No network, no key."""
    with run.failures_reported("validate", reporting, flags):
        report = targets.validate(run.resolve_targets("validate", flags))
        write_report(report, reporting)
    return report.outcome.status
