"""`driftcheck report`: render a saved report in another format."""

from __future__ import annotations

from typing import Any

import click

from driftcheck.cli import options, run
from driftcheck.cli.outputs import write_report


@click.command("report")
@click.argument("saved", metavar="SAVED.json")
@options.rendering
def command(saved: str, **given: Any) -> int:
    """Render a saved JSON report in any format; - is standard input. Offline.

    The exit status is that of the run that made the report.
    """
    outputs, rendering = options.take_rendering(given, reads=[saved])
    with run.failures_reported("report", outputs, rendering):
        from driftcheck.formats.report_json import read
        from driftcheck.live.snapshot import read_text

        report = read(read_text(saved))
        write_report(report, outputs, rendering)
    return report.outcome.status
