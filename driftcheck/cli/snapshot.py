"""`driftcheck snapshot`: save the live listing to a file."""

from __future__ import annotations

import os
from collections.abc import Sequence

import click

from driftcheck.cli import console, options, run
from driftcheck.cli.outputs import named_inputs, refuse_inputs, write_into_folders, write_texts
from driftcheck.errors import DriftcheckError, UsageError
from driftcheck.formats.escaping import inert_json, visible
from driftcheck.formats.wording import counted
from driftcheck.live.snapshot import write
from driftcheck.settings import Flags, Settings


@click.command("snapshot")
@click.option("-o", "--output", "file", metavar="FILE", help="File to write. Default, and -: standard output.")
@options.listing
@options.scope
@options.as_flags
def command(flags: Flags, file: str | None) -> int:
    """Save the complete live listing, redacted, as a file that --live and compare read.

    With --allow-partial an incomplete listing is saved too; checks of that file are incomplete as well.
    """
    file = None if file == "-" else file
    refuse_inputs([file], named_inputs(flags))
    runs = run.resolve_targets("snapshot", flags)
    if len(runs) > 1:
        return _save_each(runs, file)
    snapshot = run.read_whole_live(runs[0])
    write_texts([(file, inert_json(write(snapshot)))])
    if file is not None and not flags.quiet:
        console.say(f"{counted(len(snapshot.deployments), 'deployment')} saved.")
    return 0


def _save_each(runs: Sequence[Settings], folder: str | None) -> int:
    """Save the listing of each target to its own file; those that can be read, even if others can't."""
    if folder is None:
        raise UsageError(
            "several targets are selected, and standard output takes one snapshot.",
            hint="Name a folder with -o, or select one target with --target.",
        )
    files, status = [], 0
    for each, live in zip(runs, run.read_each_live(runs), strict=True):
        try:
            snapshot = run.accepted(each, live)
        except DriftcheckError as error:
            console.say_error(type(error)(f"{each.target}: {error.message}", hint=error.hint))
            status = max(status, error.status)
        else:
            files.append((os.path.join(folder, f"{each.target}.json"), inert_json(write(snapshot))))
    write_into_folders(files)
    if not runs[0].quiet:
        console.say(f"{counted(len(files), 'snapshot')} saved in {visible(folder)}.")
    return status
