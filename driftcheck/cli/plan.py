"""`driftcheck plan`: print the requests that would bring live back to the declarations."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import click

from driftcheck.cli import console, options, run
from driftcheck.cli.outputs import Output, named_inputs, parse_output, refuse_inputs, write_texts
from driftcheck.formats import plan as formats
from driftcheck.model import ExitStatus, Status
from driftcheck.plan import Effect, NotPlanned, Plan, PlanTarget, Step, plan_deployment
from driftcheck.settings import Flags
from driftcheck.targets import CheckedTarget


@click.command("plan")
@options.paths
@options.targets
@options.names
@options.live
@options.strict
@options.config
@click.option("--base", metavar="REF", help="Plan what merging the change since this git revision would bring about.")
@click.option(
    "-o",
    "--output",
    "outputs",
    multiple=True,
    default=["text"],
    metavar="FORMAT[=FILE]",
    callback=lambda _context, _parameter, values: [parse_output(value, formats.FORMATS) for value in values],
    help=f"Format: {', '.join(formats.FORMATS)}. Repeatable. Default: text on standard output.",
)
@click.option("-q", "--quiet", is_flag=True, help="Print only the plan.")
@options.as_flags
def command(flags: Flags, outputs: Sequence[Output]) -> int:
    """Print the requests that would bring live back to what PATHS declare. Nothing is sent.

    Values that are not known, such as those of secrets, are placeholders; a request with placeholders is marked unsafe
    as it is. Exit status 0: nothing to do; 1: there is a plan.
    """
    refuse_inputs([each.file for each in outputs], named_inputs(flags))
    compared = run.compared("plan", flags)
    plan = plan_of(compared)
    is_empty = not (plan.steps or plan.not_planned)
    status = run.status_of(compared, ExitStatus.IN_SYNC if is_empty else ExitStatus.DRIFT)
    is_void = is_empty and status is ExitStatus.INVALID  # the error was reported, and "nothing to do" would be untrue
    written = [each for each in outputs if each.file is not None or not is_void]
    write_texts([(each.file, formats.render(each.format, plan)) for each in written])
    if is_void:
        return status
    if not flags.quiet and {each.format for each in outputs} & {"json", "sh"} and formats.may_hold_secrets(plan):
        console.say("note: the requests hold values that may be secret, as the files declare them.")
    if not flags.quiet and all(each.file is not None for each in outputs):
        console.say(formats.summary(plan))
    return status


def plan_of(compared: Iterable[CheckedTarget]) -> Plan:
    """Return the plan of one or several targets."""
    steps: list[Step] = []
    not_planned: list[NotPlanned] = []
    targets = []
    complete = True
    for each in compared:
        target = each.settings.target
        access = None if each.settings.live is not None else each.settings.access
        workspace = each.snapshot.workspace if each.snapshot else None
        targets.append(PlanTarget(target, access.endpoint if access else None, workspace))
        complete = complete and each.report.complete
        for item in _items(each):
            if isinstance(item, Step):
                steps.append(item)
            else:
                not_planned.append(item)
    unsafe = {(step.target, step.deployment) for step in steps if step.unsafe}
    steps.sort(key=lambda step: (step.target, step.deployment) in unsafe)
    return Plan(tuple(steps), tuple(not_planned), complete, tuple(targets))


def _items(each: CheckedTarget) -> Iterable[Step | NotPlanned]:
    live = {deployment.id: deployment for deployment in (each.snapshot.deployments if each.snapshot else ())}
    declared = {declaration.name: declaration.value for declaration in each.declarations.deployments}
    accepted = {
        finding.deployment
        for finding in each.report.findings
        if finding.rule == "missing-deployment" and finding.suppressed is not None
    }
    renamed = {
        finding.deployment: finding.message for finding in each.report.findings if finding.rule == "probable-rename"
    }
    for comparison in each.report.deployments:
        if comparison.name not in declared or comparison.status is Status.UNMANAGED or comparison.name in accepted:
            continue
        for item in plan_deployment(
            comparison,
            declared[comparison.name],
            live.get(comparison.id) if comparison.id is not None else None,
            target=each.settings.target,
        ):
            if isinstance(item, Step) and item.effect is Effect.CREATE and comparison.name in renamed:
                decision = f"your decision whether both deployments should exist. {renamed[comparison.name]}"
                yield replace(item, needs=(*item.needs, decision))
            else:
                yield item
