"""`driftcheck snapshot`: the live listing as a file."""

from __future__ import annotations

from typing import Any

import click

from driftcheck.cli import console, options, run
from driftcheck.cli.outputs import refuse_inputs, write_files
from driftcheck.formats.wording import counted
from driftcheck.settings import Flags


@click.command("snapshot")
@click.option("-o", "--output", "file", metavar="FILE", help="File to write. Default, and -: standard output.")
@options.listing
@options.scope
def command(file: str | None, quiet: bool, **given: Any) -> int:
    """Save the complete live listing, redacted, as a file that --live and compare read.

    With --allow-partial an incomplete listing is saved too; checks of that file are incomplete as well.
    """
    from driftcheck.live.snapshot import write

    if file is not None:
        refuse_inputs([file], options.named_inputs(given))
    flags = Flags(scope=options.take_scope(given), **given)
    snapshot = run.read_whole_live(run.resolve("snapshot", flags), quiet=quiet)
    text = write(snapshot)
    if file in (None, "-"):
        console.write(text)
    elif file is not None:
        write_files([(file, text)])
        if not quiet:
            console.say(f"{counted(len(snapshot.deployments), 'deployment')} saved.")
    return 0
