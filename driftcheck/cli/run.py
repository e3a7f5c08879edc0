"""What the commands share: settings, both sides, the pipeline, and the report of a run that failed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path as FilePath

import click

from driftcheck import __version__, pipeline, settings
from driftcheck.baseline import Baseline
from driftcheck.cli import console
from driftcheck.cli.outputs import Output, here, write_report
from driftcheck.declarations.config import (
    Config,
    ConfigurationError,
    find_config,
    from_folder,
    load_config,
    require_nearest,
)
from driftcheck.errors import DriftcheckError, LiveError, OutputError
from driftcheck.formats import RenderOptions
from driftcheck.formats.escaping import visible
from driftcheck.model import DeclaredSummary, Finding, Outcome, Report, Severity, Snapshot
from driftcheck.settings import Flags, Settings


def resolve(command: str, flags: Flags) -> Settings:
    """Combine flags, environment and configuration; raises UsageError or ConfigurationError."""
    folder = here()
    file = FilePath(flags.config) if flags.config else find_config(folder)
    if not flags.config:
        require_nearest(flags.paths, file, folder)
    config = load_config(file) if file else Config()
    return settings.resolve(command, flags, from_folder(config, file.parent, folder) if file else config, file, folder)


def check(command: str, flags: Flags, *, quiet: bool) -> Report:
    """Read both sides and compare them, for `check` and `audit`."""
    chosen = resolve(command, flags)
    base = None
    if chosen.base is not None:
        from driftcheck.baseline import find_base

        base, chosen = find_base(chosen, flags, chosen.base)
    with progress(quiet) as seen:
        declarations, snapshot = pipeline.read_sides(chosen, seen, base)
    baseline = base.read(declarations) if base else None
    report = pipeline.check(declarations, snapshot, request(chosen, baseline))
    if chosen.recording is None:
        return report
    from driftcheck.cli.recording import recorded
    from driftcheck.history.items import Scope

    narrowed = Scope(filters=chosen.scope, paths=flags.paths)
    return recorded(report, chosen.recording, narrowed, {None: chosen.policy})


def request(chosen: Settings, baseline: Baseline | None = None) -> pipeline.Request:
    """Return what the pipeline needs to know beside the two sides."""
    return pipeline.Request(
        command=chosen.command,
        policy=chosen.policy,
        now=datetime.now(UTC),
        generated_at=settings.report_time(),
        baseline=baseline,
        allow_partial=chosen.allow_partial,
        allow_empty=chosen.allow_empty,
        allow_empty_live=chosen.allow_empty_live,
    )


@contextmanager
def progress(quiet: bool) -> Iterator[Callable[[int], None]]:
    """Show how many deployments were listed, on a terminal, until the body ends."""
    watched = not quiet and console.is_watched()
    try:
        yield lambda seen: console.show_progress(f"listing: {seen:,} deployments") if watched else None
    finally:
        if watched:
            console.erase_progress()


def read_whole_live(chosen: Settings, *, quiet: bool) -> Snapshot:
    """Read the live side for a command that needs nothing else.

    Raises LiveError for an incomplete or empty listing that the flags do not accept.
    """
    with progress(quiet) as seen:
        snapshot = pipeline.read_live(chosen, lambda: (), seen)
    if snapshot.gaps and not chosen.allow_partial:
        raise LiveError(
            f"the listing is incomplete: {' '.join(snapshot.gaps)}",
            hint="Try again, or accept what was listed with --allow-partial.",
        )
    if snapshot.gaps and not quiet:
        console.say(f"warning: the listing is incomplete: {visible(' '.join(snapshot.gaps))}")
    if not snapshot.deployments and not chosen.allow_empty_live:
        raise LiveError(
            "the listing is empty. Is this the right endpoint and workspace?",
            hint="--allow-empty-live accepts an empty listing.",
        )
    return snapshot


@contextmanager
def failures_reported(command: str, outputs: Sequence[Output], options: RenderOptions) -> Iterator[None]:
    """Report an error of the body on standard error and in every output, so that no earlier report remains.

    Text on standard output is left out: the error is shown once. Ends the command with the error's status.
    """
    try:
        yield
    except OutputError:
        raise
    except DriftcheckError as error:
        console.say_error(error)
        failure = _failure(command, Outcome[error.status.name], _findings(error))
    except Exception as error:
        console.say_defect(error)
        failure = _failure(command, Outcome.DEFECT, (_run_failed(console.defect_message(error), None),))
    else:
        return
    elsewhere = [output for output in outputs if output.file is not None or output.format != "text"]
    write_report(failure, elsewhere, options)
    raise click.exceptions.Exit(failure.outcome.status)


def _findings(error: DriftcheckError) -> tuple[Finding, ...]:
    if isinstance(error, ConfigurationError):
        return error.findings
    return (_run_failed(error.message, error.hint),)


def _run_failed(message: str, hint: str | None) -> Finding:
    return Finding(rule="run-failed", severity=Severity.ERROR, message=message, hint=hint)


def _failure(command: str, outcome: Outcome, findings: tuple[Finding, ...]) -> Report:
    return Report(
        driftcheck_version=__version__,
        command=command,
        generated_at=settings.report_time().strftime("%Y-%m-%dT%H:%M:%SZ"),
        outcome=outcome,
        live=None,
        declared=DeclaredSummary(complete=False),
        findings=findings,
    )
