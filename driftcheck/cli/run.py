"""From settings to a report: reads both sides, hands them to the pipeline, writes what came of it."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from pathlib import Path as FilePath
from typing import TYPE_CHECKING

from driftcheck import __version__, formats, settings, signals
from driftcheck.cli import console
from driftcheck.cli.outputs import Output, here, write_report
from driftcheck.declarations import discovery, loader
from driftcheck.declarations.config import Config, find_config, from_folder, load_config
from driftcheck.declarations.discovery import Sources
from driftcheck.errors import ConfigurationError, DriftcheckError, LiveError, UsageError
from driftcheck.formats import RenderOptions
from driftcheck.formats.escaping import visible
from driftcheck.model import (
    DeclaredSummary,
    ExitStatus,
    Finding,
    Location,
    Outcome,
    Report,
    Severity,
    Snapshot,
)
from driftcheck.settings import Flags, Settings

if TYPE_CHECKING:
    from driftcheck import pipeline


def now() -> datetime:
    """Give the time of the run; SOURCE_DATE_EPOCH stands in for the clock where it is set."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    return datetime.fromtimestamp(int(epoch), UTC) if epoch.isdecimal() else datetime.now(UTC)


def resolve(command: str, flags: Flags) -> Settings:
    """Bring flags, environment and configuration together; raises UsageError or ConfigurationError."""
    folder = here()
    file = FilePath(flags.config) if flags.config else find_config(folder)
    config = load_config(file) if file else Config()
    return settings.resolve(command, flags, from_folder(config, file.parent, folder) if file else config, file, folder)


def report(
    command: str, outputs: Sequence[Output], options: RenderOptions, produce: Callable[[], Report]
) -> ExitStatus:
    """Produce a report and write it in every format; where there is none, write why, lest an old one be read."""
    try:
        made = produce()
    except DriftcheckError as error:
        console.say_error(error)
        elsewhere = [output for output in outputs if output.file is not None or output.format != "text"]
        write_report(_failure(command, error), elsewhere, options)
        return error.status
    write_report(made, outputs, options)
    return made.outcome.status


def _failure(command: str, error: DriftcheckError) -> Report:
    place = error.place if isinstance(error, ConfigurationError) else None
    location = Location(*place) if place else None
    finding = Finding(
        rule="run-failed",
        severity=Severity.ERROR,
        message=error.message.removeprefix(f"{location}: "),
        hint=error.hint,
        location=location,
    )
    return Report(
        driftcheck_version=__version__,
        command=command,
        generated_at=now().strftime("%Y-%m-%dT%H:%M:%SZ"),
        outcome=Outcome[error.status.name],
        live=None,
        declared=DeclaredSummary(complete=False),
        findings=(finding,),
    )


def read_files(chosen: Settings) -> Sources:
    """Read the files that the settings name; raises UsageError where a path names nothing."""
    return discovery.read(chosen.paths, stdin=_read_stdin) if chosen.paths else Sources()


def _read_stdin() -> bytes:
    if sys.stdin is None:
        raise UsageError("Standard input is closed.", hint="Name a file in place of -.")
    return sys.stdin.buffer.read(discovery.MAX_BYTES + 1)


def compare_sides(chosen: Settings, outputs: Sequence[Output], *, progress: bool) -> Report:
    """Read both sides, the listing on its way while the files are parsed, and compare them; `outputs` are to come."""
    baseline = None
    if chosen.flags.base is not None:
        from driftcheck.cli.baseline import read_baseline

        baseline, chosen = read_baseline(chosen, chosen.flags.base)
    sources = read_files(chosen)
    with signals.held():  # what they raise in the middle of loading modules may get lost
        listing = _Listing(chosen, progress=progress)
        _load_modules(outputs)  # while the service may be at work
    listing.read_file()
    declarations = loader.declare_sources(sources)
    listing.names = [declaration.name for declaration in declarations.deployments]
    listing.named.set()
    try:
        snapshot = listing.result()
    except LiveError as error:
        console.say_error(error)
        snapshot = _unread(chosen, error)
    from driftcheck import pipeline

    return pipeline.check(declarations, snapshot, request(chosen, baseline))


def request(chosen: Settings, baseline: pipeline.Baseline | None = None) -> pipeline.Request:
    """Give what the pipeline is asked, beside the two sides."""
    from driftcheck import pipeline

    flags = chosen.flags
    return pipeline.Request(
        command=chosen.command,
        policy=chosen.policy,
        now=now(),
        baseline=baseline,
        allow_partial=flags.allow_partial,
        allow_empty=flags.allow_empty,
        allow_empty_live=flags.allow_empty_live,
    )


def _load_modules(outputs: Sequence[Output]) -> None:
    """Load what it takes to judge, to compare and to render."""
    from driftcheck import pipeline
    from driftcheck.declarations import documents, schema

    del pipeline, documents
    schema.load()
    for output in outputs:
        formats.load(output.format)


class _Listing:
    """The live side: the network, read in the background, or a file."""

    def __init__(self, chosen: Settings, *, progress: bool) -> None:
        self.names: Collection[str] = ()
        self.named = threading.Event()
        self._chosen = chosen
        self._progress = progress
        self._snapshot: Snapshot | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="listing", daemon=True)
        if chosen.flags.live is None:
            from driftcheck.live import client, fetch

            del fetch
            client.load()
            self._thread.start()

    def read_file(self) -> None:
        """Read the live side now, where it is a file; an error is for `result` to raise."""
        if self._chosen.flags.live is not None:
            try:
                self._snapshot = self._read()
            except DriftcheckError as error:
                self._error = error

    def _names(self) -> Collection[str]:
        self.named.wait()
        return self.names

    def _read(self) -> Snapshot:
        return read_live(self._chosen, self._names, progress=self._progress)

    def _run(self) -> None:
        try:
            self._snapshot = self._read()
        except BaseException as error:
            self._error = error

    def result(self) -> Snapshot:
        """Give the snapshot; raises what reading it raised."""
        if self._thread.ident is not None:
            self._thread.join()
        if self._error is not None:
            raise self._error
        if self._snapshot is None:
            raise LiveError("The listing ended without a result.")
        return self._snapshot


def read_live(chosen: Settings, names: Callable[[], Collection[str]], *, progress: bool) -> Snapshot:
    """Read the live side: from a file, or the network; raises LiveError, InputError or UsageError."""
    if chosen.flags.live is not None:
        from driftcheck.live import listing, snapshot

        saved = snapshot.read(chosen.flags.live)
        listing.workspace_of(saved.deployments, chosen.flags.workspace)
        return listing.narrowed(saved, chosen.flags.scope)
    connection = settings.connection(chosen, os.environ)
    from driftcheck.live.fetch import fetch

    shown = console.say_progress if progress and console.is_watched() else None
    return fetch(
        connection,
        names=names,
        scope=chosen.flags.scope,
        progress=lambda seen: shown(f"listing: {seen} deployments") if shown else None,
    )


def read_whole_live(chosen: Settings, *, quiet: bool) -> Snapshot:
    """Read the live side for a command that is about nothing else.

    Raises LiveError for an incomplete or empty listing that the flags do not accept.
    """
    snapshot = read_live(chosen, lambda: (), progress=not quiet)
    if snapshot.gaps and not chosen.flags.allow_partial:
        raise LiveError(
            f"The listing is incomplete. {' '.join(snapshot.gaps)}",
            hint="Try again; --allow-partial takes what there is, and says that it is incomplete.",
        )
    if snapshot.gaps and not quiet:
        console.say(f"warning: the listing is incomplete. {visible(' '.join(snapshot.gaps))}")
    if not snapshot.deployments and not chosen.flags.allow_empty_live:
        raise LiveError(
            "The listing is empty. Is this the right endpoint and workspace?",
            hint="--allow-empty-live accepts that nothing is live.",
        )
    return snapshot


def _unread(chosen: Settings, error: LiveError) -> Snapshot:
    """Give the snapshot of a live side that gave nothing: one gap, so that the rest is still reported."""
    return Snapshot(
        source=chosen.flags.live or settings.endpoint(chosen, os.environ),
        deployments=(),
        workspace=settings.workspace(chosen, os.environ),
        requests=error.requests,
        gaps=(error.message,),
        scope=chosen.flags.scope,
    )
