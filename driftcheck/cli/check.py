"""`driftcheck check`: compare declarations with live."""

from __future__ import annotations

import click

from driftcheck.cli import options, run
from driftcheck.cli.outputs import Reporting, write_report
from driftcheck.settings import Flags


@click.command("check")
@options.paths
@options.targets
@options.names
@options.live
@options.comparison
@options.three_way
@options.recording
@options.report_id
@options.rendering
def command(flags: Flags, reporting: Reporting) -> int:
    """Compare what is declared in PATHS with what is live, field by field.

    PATHS are files, folders or globs; - is standard input. Default: the paths of driftcheck.yaml, else
    deployments.yaml and deployments/ in the current folder.
    """
    with run.failures_reported("check", reporting, flags):
        report = run.check("check", flags)
        write_report(report, reporting)
    return report.outcome.status
