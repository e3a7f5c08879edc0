"""`driftcheck report`: a saved report in another format."""

from __future__ import annotations

from typing import Any

import click

from driftcheck.cli import console, options, run
from driftcheck.model import Report


@click.command("report")
@click.argument("saved", metavar="SAVED.json")
@options.rendering
def command(saved: str, **given: Any) -> int:
    """Render a saved JSON report as the run that made it would have, in any format. Offline."""
    outputs, rendering = options.take_rendering(given, console.wants_color(given["color"]), reads=[saved])

    def produce() -> Report:
        from driftcheck.formats.report_json import read
        from driftcheck.live.snapshot import read_text

        return read(read_text(saved))

    return run.report("report", outputs, rendering, produce)
