"""Steps that commands share: settings, both sides, the pipeline, and the report of a failed run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path as FilePath

import click

from driftcheck import __version__, environment, settings, sides, targets
from driftcheck.cli import console
from driftcheck.cli.outputs import Reporting, here, named_inputs, refuse_inputs, write_report
from driftcheck.cli.recording import recorded
from driftcheck.declarations.config import (
    Config,
    ConfigurationError,
    find_config,
    folder_of,
    from_folder,
    load_config,
    require_nearest,
)
from driftcheck.errors import DriftcheckError, LiveError, OutputError, UsageError
from driftcheck.formats import wording
from driftcheck.formats.escaping import visible
from driftcheck.model import DeclaredSummary, ExitStatus, Finding, Outcome, Report, Severity, Snapshot
from driftcheck.rules import make_finding
from driftcheck.settings import Flags, Settings
from driftcheck.targets import CheckedTarget


def configuration(flags: Flags) -> Config:
    """Return the configuration in use; raises UsageError or ConfigurationError."""
    folder = here()
    file = FilePath(flags.config) if flags.config else find_config(folder)
    if not flags.config:
        require_nearest(flags.paths, file, folder)
    return replace(from_folder(load_config(file), folder_of(file), folder), file=file) if file else Config()


def resolve_targets(command: str, flags: Flags) -> tuple[Settings, ...]:
    """Combine flags, environment and configuration: a run for each selected target, or one without targets.

    Raises UsageError or ConfigurationError.
    """
    return settings.resolve_targets(command, flags, configuration(flags))


def resolve(command: str, flags: Flags) -> Settings:
    """Return the settings of a command that is about one workspace; raises UsageError if several are selected."""
    runs = resolve_targets(command, flags)
    if len(runs) > 1:
        raise UsageError(
            f"{command} is about one workspace, and driftcheck.yaml has several targets.",
            hint=f"Select one with --target: {', '.join(run.target or '' for run in runs)}.",
        )
    return runs[0]


def compared(command: str, flags: Flags) -> list[CheckedTarget]:
    """Read and compare both sides, for commands that continue from there; print what keeps a run from a verdict."""
    runs = with_bases(resolve_targets(command, flags), flags)
    with progress(flags.quiet) as seen:
        results = targets.check_each(runs, seen)
    for each in results:
        _say_causes(each)
    return results


def _say_causes(each: CheckedTarget) -> None:
    prefix = f"{each.target}: " if each.target else ""
    gaps = each.snapshot.gaps if each.snapshot else ()
    for gap in gaps:
        console.say(f"error: {visible(prefix)}{visible(gap)}")
    if each.report.outcome is not Outcome.INVALID:
        return
    for found in each.report.findings:
        stops = (found.severity is Severity.ERROR and found.location is not None) or found.rule == "nothing-declared"
        if stops and found.suppressed is None:
            where = f"{found.location}: " if found.location else prefix
            console.say(
                f"{visible(where)}error: {wording.about(found)}{wording.finding_text(found)} [{visible(found.rule)}]"
            )


def status_of(results: Sequence[CheckedTarget], done: ExitStatus) -> int:
    """Return the exit status of a command that continues after a comparison: `done`, unless an outcome is worse."""
    outcomes = [each.report.outcome for each in results]
    worst = next((each for each in (Outcome.INVALID, Outcome.INCOMPLETE) if each in outcomes), None)
    return done if worst is None else worst.status


def check(command: str, flags: Flags) -> Report:
    """Read both sides and compare them, of every target, for `check` and `audit`."""
    runs = with_bases(resolve_targets(command, flags), flags)
    with progress(flags.quiet) as seen:
        report = targets.check(runs, seen)
    policies = {run.target: run.policy for run, _ in runs}
    return recorded(report, runs[0][0].recording, flags, policies)


def with_bases(chosen: Sequence[Settings], flags: Flags) -> sides.Runs:
    """Return the runs, and with --base their settings and base revisions at its tip."""
    if flags.base is None:
        return [(run, None) for run in chosen]
    from driftcheck.baseline import find_base_revisions

    return find_base_revisions(chosen, flags, flags.base)


@contextmanager
def progress(quiet: bool) -> Iterator[Callable[[int], None]]:
    """Show how many deployments were listed, on a terminal, until the body ends."""
    watched = not quiet and console.is_watched()
    try:
        yield lambda seen: console.show_progress(f"listing: {seen:,} deployments") if watched else None
    finally:
        if watched:
            console.show_progress("")


def read_each_live(runs: Sequence[Settings]) -> list[Snapshot | DriftcheckError]:
    """Read the live side of every run at once, for a command that reads no declarations; what failed is an error."""
    with progress(runs[0].quiet) as seen:
        return [live for _, live in sides.read([(replace(each, paths=()), None) for each in runs], seen)]


def read_whole_live(chosen: Settings) -> Snapshot:
    """Read the live side of one run; raises LiveError for an incomplete or empty listing that it does not accept."""
    (live,) = read_each_live([chosen])
    return accepted(chosen, live)


def accepted(chosen: Settings, snapshot: Snapshot | DriftcheckError) -> Snapshot:
    """Return a snapshot; raises an error, and LiveError for an incomplete or empty one that the flags do not accept."""
    if isinstance(snapshot, DriftcheckError):
        raise snapshot
    if snapshot.gaps and not chosen.allow_partial:
        raise LiveError(
            f"the listing is incomplete: {' '.join(snapshot.gaps)}",
            hint="Try again, or accept what was listed with --allow-partial.",
        )
    if snapshot.gaps and not chosen.quiet:
        console.say(f"warning: the listing is incomplete: {visible(' '.join(snapshot.gaps))}")
    if not snapshot.deployments and not chosen.allow_empty_live:
        if snapshot.scope:
            from driftcheck.live.listing import why_empty

            raise LiveError(why_empty(snapshot.scope))
        raise LiveError(
            "the listing is empty. Is this the right endpoint and workspace?",
            hint="--allow-empty-live accepts an empty listing.",
        )
    return snapshot


@contextmanager
def failures_reported(
    command: str, reporting: Reporting, flags: Flags | None = None, *, reads: Sequence[str | None] = ()
) -> Iterator[None]:
    """Report an error of the body on standard error and in every output, so that no earlier report remains.

    Text on standard output is left out: the error is shown once. Ends the command with the error's status. The run is
    recorded if runs are, unless the command line was wrong, which says nothing about the deployments. Raises UsageError
    if a report would replace an input: what the flags name, or one of `reads`.
    """
    refuse_inputs([each.file for each in reporting.outputs], [*reads, *(named_inputs(flags) if flags else ())])
    try:
        yield
        return
    except OutputError:
        raise
    except Exception as error:
        console.say_failure(error)
        failure = _failure(command, error, flags)
    elsewhere = tuple(each for each in reporting.outputs if each.file is not None or each.format != "text")
    reporting = replace(reporting, outputs=elsewhere)
    try:
        write_report(failure, reporting, is_said=True)
    except OutputError:
        raise
    except Exception as error:
        console.say_failure(error)
        failure = replace(failure, outcome=Outcome.DEFECT)
        write_report(failure, reporting, is_said=True)
    raise click.exceptions.Exit(failure.outcome.status)


def _failure(command: str, error: Exception, flags: Flags | None) -> Report:
    """Return the report of a run that failed, which is recorded if runs are."""
    findings: tuple[Finding, ...]
    if isinstance(error, ConfigurationError):
        findings = error.findings
    elif isinstance(error, DriftcheckError):
        findings = (make_finding("run-failed", error.message, hint=error.hint),)
    else:
        findings = (make_finding("run-failed", console.defect_message(error)),)
    report = Report(
        driftcheck_version=__version__,
        command=command,
        generated_at=environment.report_time().strftime("%Y-%m-%dT%H:%M:%SZ"),
        outcome=Outcome[error.status.name] if isinstance(error, DriftcheckError) else Outcome.DEFECT,
        live=None,
        declared=DeclaredSummary(complete=False),
        findings=findings,
        report_id=_identity(command, flags) if flags else None,
    )
    if flags is None or isinstance(error, UsageError):
        return report
    try:
        return recorded(report, settings.recording(flags), flags, {})
    except UsageError:
        return report


def _identity(command: str, flags: Flags) -> str | None:
    """Return the identity of a failed run's report, as far as it can be known."""
    try:
        runs = resolve_targets(command, flags)
    except DriftcheckError:
        return flags.report_id
    if runs[0].report_id or runs[0].target is None:
        return runs[0].report_id or (runs[0].workspace.id if runs[0].workspace else runs[0].default_id)
    return runs[0].target if len(runs) == 1 else "targets"
