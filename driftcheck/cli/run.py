"""From settings to a report: reads both sides, hands them to the pipeline, writes what came of it."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path as FilePath
from typing import Any

from driftcheck import __version__, pipeline, settings
from driftcheck.cli import console
from driftcheck.cli.outputs import Output, write_report
from driftcheck.declarations import loading
from driftcheck.declarations.configuration import Config, find_config, load_config
from driftcheck.errors import DriftcheckError, LiveError, UsageError
from driftcheck.formats import RenderOptions
from driftcheck.model import (
    Declarations,
    DeclaredSummary,
    ExitStatus,
    Finding,
    Outcome,
    Report,
    Severity,
    Snapshot,
)
from driftcheck.settings import Flags, Settings


def now() -> datetime:
    """Give the time of the run; SOURCE_DATE_EPOCH stands in for the clock where it is set."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    return datetime.fromtimestamp(int(epoch), UTC) if epoch.isdecimal() else datetime.now(UTC)


def resolve(command: str, flags: Flags) -> Settings:
    """Bring flags, environment and configuration together; raises UsageError or ConfigurationError."""
    here = FilePath.cwd()
    file = FilePath(flags.config) if flags.config else find_config(here)
    config = load_config(file) if file else Config()
    if not flags.paths and config.paths and file is not None:
        config = replace(config, paths=tuple(os.path.relpath(file.parent / path, here) for path in config.paths))
    return settings.resolve(command, flags, config, file, here)


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
    finding = Finding(rule="run-failed", severity=Severity.ERROR, message=error.message, hint=error.hint)
    return Report(
        driftcheck_version=__version__,
        command=command,
        generated_at=now().strftime("%Y-%m-%dT%H:%M:%SZ"),
        outcome=Outcome(error.status),
        live=None,
        declared=DeclaredSummary(complete=False),
        findings=(finding,),
    )


def load(chosen: Settings) -> Declarations:
    """Read the declarations that the settings name."""
    if not chosen.paths:
        return Declarations()
    return loading.load(chosen.paths, stdin=_read_stdin)


def _read_stdin() -> bytes:
    if sys.stdin is None:
        raise UsageError("Standard input is closed.", hint="Name a file in place of -.")
    return sys.stdin.buffer.read(loading.MAX_BYTES + 1)


def compare_sides(chosen: Settings, *, progress: bool) -> Report:
    """Read both sides, the listing on its way while the files are parsed, and compare them."""
    baseline, chosen = read_baseline(chosen)
    listing = _Listing(chosen, progress=progress)
    declarations = load(chosen)
    listing.names = [declaration.name for declaration in declarations.deployments]
    listing.named.set()
    return pipeline.check(declarations, listing.result(), request(chosen, baseline))


def request(chosen: Settings, baseline: pipeline.Baseline | None = None) -> pipeline.Request:
    """Give what the pipeline is asked, beside the two sides."""
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


class _Listing:
    """The live side, read in the background."""

    def __init__(self, chosen: Settings, *, progress: bool) -> None:
        self.names: Collection[str] = ()
        self.named = threading.Event()
        self._read = lambda: read_live(chosen, self._names, progress=progress)
        self._snapshot: Snapshot | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="listing", daemon=True)
        self._is_file = chosen.flags.live is not None
        if not self._is_file:
            self._thread.start()

    def _names(self) -> Collection[str]:
        self.named.wait()
        return self.names

    def _run(self) -> None:
        try:
            self._snapshot = self._read()
        except BaseException as error:
            self._error = error

    def result(self) -> Snapshot:
        """Give the snapshot; raises what reading it raised."""
        if self._is_file:
            return self._read()
        self._thread.join()
        if self._error is not None:
            raise self._error
        if self._snapshot is None:
            raise LiveError("The listing ended without a result.")
        return self._snapshot


def read_live(chosen: Settings, names: Callable[[], Collection[str]], *, progress: bool) -> Snapshot:
    """Read the live side: from a file, or the network.

    That the network gave nothing is a gap of the snapshot, so that what the declarations show is still reported.
    """
    if chosen.flags.live is not None:
        from driftcheck.live import snapshots

        return snapshots.read(chosen.flags.live)
    try:
        connection = settings.connection(chosen, os.environ)
        from driftcheck.live.control_plane import fetch

        return fetch(connection, names=names, scope=chosen.flags.scope, progress=_progress(progress))
    except LiveError as error:
        console.say_error(error)
        return Snapshot(
            source=settings.endpoint(chosen, os.environ),
            deployments=(),
            workspace=settings.workspace(chosen, os.environ),
            gaps=(error.message,),
            scope=chosen.flags.scope,
        )


def _progress(wanted: bool) -> Callable[[int], None]:
    if not wanted or not console.is_watched():
        return lambda _seen: None
    return lambda seen: console.say_progress(f"listing: {seen} deployments")


def read_baseline(chosen: Settings) -> tuple[pipeline.Baseline | None, Settings]:
    """Read the base revision, if one was named; its policy takes the place of the one under review."""
    if chosen.flags.base is None:
        return None, chosen
    from driftcheck.declarations import revisions

    revision = revisions.load_at(chosen.paths, chosen.flags.base, cwd=FilePath.cwd(), config=chosen.config_file)
    return None, chosen


def flags(given: Mapping[str, Any]) -> Flags:
    """Give the flags as click gave them."""
    return Flags(**given)
