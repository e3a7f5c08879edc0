"""`driftcheck report`: render a saved report in another format."""

from __future__ import annotations

import click

from driftcheck.cli import options, run
from driftcheck.cli.outputs import Reporting, write_report
from driftcheck.formats.report_json import read
from driftcheck.live.snapshot import read_text
from driftcheck.settings import Flags


@click.command("report")
@click.argument("saved", metavar="SAVED.json")
@options.rendering
def command(_flags: Flags, reporting: Reporting, saved: str) -> int:
    """Render a saved JSON report in any format; - is standard input. Offline.

    The exit status is that of the run that made the report.
    """
    with run.failures_reported("report", reporting, reads=[saved]):
        report = read(read_text(saved))
        write_report(report, reporting)
    return report.outcome.status
