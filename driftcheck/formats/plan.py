"""A plan as text, Markdown, JSON or a shell script.

Text and Markdown leave out values that may be secret; JSON and the script hold the exact bodies.
"""

from __future__ import annotations

import json
import shlex
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from importlib import resources
from typing import Final

from driftcheck import fields
from driftcheck.formats.escaping import inert, inert_json, visible
from driftcheck.formats.wording import counted, listed
from driftcheck.model import JSON, ChangeClass
from driftcheck.paths import Path, format_path
from driftcheck.plan import Effect, NotPlanned, Plan, PlanTarget, Step
from driftcheck.redaction.patterns import shown
from driftcheck.redaction.values import without_secrets

FORMAT_VERSION: Final = "1.0"

_EFFECTS: Final = {
    Effect.IN_PLACE: "in place, no revision",
    Effect.NEW_REVISION: "creates a new revision",
    Effect.RECREATE: "requires recreating the deployment",
    Effect.CREATE: "creates the deployment",
}
_DOES: Final = {
    Effect.IN_PLACE: ("in place", "in place"),
    Effect.NEW_REVISION: ("starts a revision", "start a revision"),
    Effect.RECREATE: ("requires recreating", "require recreating"),
    Effect.CREATE: ("creates", "create"),
}
"""What one request does, and several do."""
_VERBS: Final = {
    ChangeClass.CONFLICT: "sets, in conflict with live",
    ChangeClass.PROPOSED: "sets",
    ChangeClass.DRIFT: "reverts, not caused by this change",
    None: "reverts",
}
_WIDTH: Final = 100
_NAMED: Final = 5
"""How many names are shown of those that share a reason."""


def render(name: str, plan: Plan) -> str:
    """Return the plan in a format, a key of `FORMATS`."""
    return inert_json(FORMATS[name](plan)) if name in ("json", "sh") else inert(FORMATS[name](plan))


def summary(plan: Plan) -> str:
    """Return the plan in one sentence."""
    if not plan.steps and not plan.not_planned:
        return "Nothing to do." if plan.complete else "Nothing to do in what could be read; the run is incomplete."
    deployments = {(step.target, step.deployment) for step in plan.steps}
    effects = Counter(step.effect for step in plan.steps)
    kinds = ", ".join(f"{effects[each]} {_DOES[each][effects[each] != 1]}" for each in Effect if effects[each])
    parts = [f"{counted(len(plan.steps), 'request')} for {counted(len(deployments), 'deployment')} ({kinds})"]
    if not plan.steps:
        parts = ["no request"]
    unsafe = sum(step.unsafe for step in plan.steps)
    if unsafe:
        parts.append(f"{unsafe} unsafe until filled in")
    if plan.not_planned:
        parts.append(f"{len(plan.not_planned)} not planned")
    rest = "" if plan.complete else " The run is incomplete: there may be more."
    return f"Plan: {', '.join(parts)}. Nothing was sent.{rest}"


def _label(item: Step | NotPlanned) -> str:
    return _plain(item.deployment if item.target is None else f"{item.target}: {item.deployment}")


def _not_planned(plan: Plan) -> Iterator[tuple[str, str]]:
    """Yield each reason why something is not planned once, after the names that it is for."""
    labels: dict[str, dict[str, None]] = {}
    for item in plan.not_planned:
        labels.setdefault(item.reason, {})[_label(item)] = None
    for reason, names in labels.items():
        yield listed(names, _NAMED), reason


def _plain(text: str) -> str:
    """Return text as a person may see it: visible, and the marker where it holds a credential."""
    return visible(shown(text))


def _shown(step: Step) -> str:
    """Return a body as people may see it: without secrets, but with the placeholders of those to fill in."""
    safe = without_secrets(step.body, fields.deployment())
    placeholders = {f"<fill in {need}>" for need in step.needs}
    return json.dumps(_with_placeholders(safe, step.body, placeholders), indent=2, ensure_ascii=False)


def _with_placeholders(safe: JSON, exact: JSON, placeholders: set[str]) -> JSON:
    """Return a value without secrets, with the placeholders that it lacks."""
    if isinstance(safe, dict) and isinstance(exact, dict):
        kept = {name: _with_placeholders(value, exact.get(name), placeholders) for name, value in safe.items()}
        lost = (name for name, value in exact.items() if name not in safe and isinstance(value, str))
        return kept | {name: shown(exact[name]) for name in lost if exact[name] in placeholders}
    if isinstance(safe, list) and isinstance(exact, list):
        return [_with_placeholders(*pair, placeholders) for pair in zip(safe, exact, strict=True)]
    return safe


def _verbs(step: Step) -> Iterator[tuple[str, list[Path]]]:
    """Yield what a request does to which fields: with a base, by their class; otherwise all are reverted."""
    for change_class, verb in _VERBS.items():
        paths = [path for path in step.fields if step.classes.get(path) is change_class]
        if paths:
            yield verb, paths


def _text(plan: Plan) -> str:
    lines: list[str] = []
    for step in plan.steps:
        lines += [f"{_label(step)}: {_EFFECTS[step.effect]}", f"  {step.method} {visible(step.path)}"]
        lines += [f"    {visible(line)}" for line in _shown(step).split("\n")]
        for verb, paths in _verbs(step):
            lines += _fitting(f"  {verb}:", [_plain(format_path(path)) for path in paths])
        if step.precondition is not None:
            at = step.precondition
            revision, time = visible(at.latest_revision_id or "unset"), visible(at.updated_at or "unknown")
            lines += _fitting("  only while:", [f"latest revision {revision}", f"updated at {time}"])
        lines += [f"  warning: {_plain(warning)}" for warning in step.warnings]
        if step.unsafe:
            lines.append("  unsafe until filled in:")
            lines += [f"    {_plain(need)}" for need in step.needs]
        lines.append("")
    lines += [f"{label}: not planned: {_plain(reason)}" for label, reason in _not_planned(plan)]
    if plan.not_planned:
        lines.append("")
    return "\n".join([*lines, summary(plan), ""])


def _fitting(head: str, items: Sequence[str]) -> list[str]:
    """Return a head and its items on one line if that is short enough, otherwise on a line each."""
    line = f"{head} {', '.join(items)}"
    return [line] if len(line) <= _WIDTH else [head, *(f"    {item}" for item in items)]


def _code(text: str) -> str:
    """Return text as inline code that nothing in it can end; a table cell can hold it."""
    return "<code>" + "".join(c if c.isalnum() else f"&#{ord(c)};" for c in _plain(text)) + "</code>"


def _markdown(plan: Plan) -> str:
    lines = ["### Plan", "", summary(plan), ""]
    for step in plan.steps:
        lines += [
            f"<details><summary>{_code(_label(step))}: {_EFFECTS[step.effect]}</summary>",
            "",
            f"{step.method} {_code(step.path)}",
            "",
            *(f"    {visible(line)}" for line in _shown(step).split("\n")),
            "",
        ]
        lines += [f"- {verb} {_code(format_path(path))}" for verb, paths in _verbs(step) for path in paths]
        lines += [f"- warning: {_code(warning)}" for warning in step.warnings]
        lines += [f"- fill in first: {_code(need)}" for need in step.needs]
        lines += ["", "</details>", ""]
    lines += [f"- {_code(label)} not planned: {_code(reason)}" for label, reason in _not_planned(plan)]
    return "\n".join(lines).rstrip("\n") + "\n"


def _json(plan: Plan) -> str:
    record = {
        "format_version": FORMAT_VERSION,
        "complete": plan.complete,
        "steps": [_step_record(step) for step in plan.steps],
        "not_planned": [
            {"deployment": item.deployment, "target": item.target, "reason": item.reason} for item in plan.not_planned
        ],
    }
    return json.dumps(record, indent=2) + "\n"


def _step_record(step: Step) -> JSON:
    return {
        "deployment": step.deployment,
        "target": step.target,
        "request": {"method": step.method, "path": step.path, "body": step.body},
        "effect": step.effect.value,
        "fields": [format_path(path) for path in step.fields],
        "classes": {format_path(path): step.classes[path].value for path in step.fields if path in step.classes},
        "precondition": step.precondition and asdict(step.precondition),
        "warnings": list(step.warnings),
        "unsafe": step.unsafe,
        "needs": list(step.needs),
    }


_SENSITIVE: Final = """\
# It holds values that may be secret, as the files declare them (variables of containers): keep it as safe as those.
"""


def may_hold_secrets(plan: Plan) -> bool:
    """Return whether a request holds a value that reports hide, other than one that is still to be filled in."""
    schema = fields.deployment()
    return any(
        not text.startswith("<fill in ")
        for step in plan.steps
        for text in Counter(_texts(step.body)) - Counter(_texts(without_secrets(step.body, schema)))
    )


def _texts(value: JSON) -> Iterator[str]:
    if isinstance(value, dict | list):
        for entry in value.values() if isinstance(value, dict) else value:
            yield from _texts(entry)
    else:
        yield str(value)


def _script(plan: Plan) -> str:
    functions = resources.files(__package__).joinpath("templates", "plan.sh").read_text("utf-8")
    about, _, functions = functions.partition("set -eu\n")
    lines = [f"{about}{_SENSITIVE if may_hold_secrets(plan) else ''}set -eu\n{functions}"]
    found = [(target, [step for step in plan.steps if step.target == target.name]) for target in plan.targets]
    used = [(f"use_target_{number}", target, steps) for number, (target, steps) in enumerate(found, 1) if steps]
    for name, target, _ in used:
        lines += [f"{name}() {{", *(f"  {line}" for line in _script_target(target)), "}"]
    lines += ["", *_script_obstacles(plan)]
    lines += [
        "# Stops here, before the first request, if a base URL or a key is missing.",
        *(n for n, _, _ in used),
        "",
    ]
    for name, _, steps in used:
        lines.append(name)
        for number, step in enumerate(steps):
            is_first = all(earlier.deployment != step.deployment for earlier in steps[:number])
            lines += _script_step(step, is_first=is_first)
    lines += [f"# not planned: {label}: {visible(reason)}" for label, reason in _not_planned(plan)]
    return "\n".join(lines).rstrip("\n") + "\n"


def _script_obstacles(plan: Plan) -> Iterator[str]:
    """Yield the lines that stop the script before its first request, while values have to be filled in."""
    unsafe = [step for step in plan.steps if step.unsafe]
    if not unsafe:
        return
    yield "# Remove each of the next lines once everything that it names is filled in below."
    yield "unsafe="
    for step in unsafe:
        needs = "; ".join(visible(need) for need in step.needs)
        text = f"error: nothing was sent: {visible(step.deployment)} is unsafe until you fill in: {needs}"
        yield f"say {shlex.quote(text)} >&2; unsafe=1"
    yield '[ -z "$unsafe" ] || exit 1'


def _script_target(target: PlanTarget) -> Iterator[str]:
    """Yield the lines that set base URL, workspace and key."""
    if target.name is None:
        workspace = shlex.quote(visible(target.workspace or ""))
        yield f"workspace=${{LANGSMITH_TENANT_ID:-${{LANGSMITH_WORKSPACE_ID:-{workspace}}}}}"
        yield "key=$common"
        default = "LANGGRAPH_HOST_URL"
    else:
        suffix = target.name.upper().replace("-", "_")
        yield f"# target {visible(target.name)}"
        yield f"workspace={shlex.quote(visible(target.workspace or ''))}"
        yield f"key=${{DRIFTCHECK_API_KEY_{suffix}:-$common}}"
        default = f"DRIFTCHECK_ENDPOINT_{suffix}"
    if target.endpoint is None:
        yield f"base=${{{default}:?set it to the base URL of the control plane}}"
    else:
        yield f"base=${{{default}:-{shlex.quote(target.endpoint)}}}"
    yield "base=${base%/}"
    yield """[ -n "$key" ] || { say 'error: no API key: set LANGSMITH_API_KEY' >&2; exit 3; }"""


def _script_step(step: Step, *, is_first: bool) -> Iterator[str]:
    """Yield the lines that send a step; only the first one of a deployment finds it as it was planned for."""
    name = visible(step.deployment)
    yield f"# {_label(step)}: {_EFFECTS[step.effect]}"
    yield from (f"# warning: {visible(warning)}" for warning in step.warnings)
    at = step.precondition
    if at is not None and is_first and step.method != "POST":
        address = f"/v2/deployments/{at.id}"
        wanted = [_compact(at.latest_revision_id), _compact(at.updated_at)]
        yield " ".join(["unchanged", *map(shlex.quote, [name, address, *wanted])])
    body = _compact(step.body)
    yield f"request {step.method} {shlex.quote(step.path)} {shlex.quote(body)} >/dev/null"
    yield f"say {shlex.quote(f'{name}: sent {step.method} {step.path}')}\n"


def _compact(value: JSON) -> str:
    return json.dumps(value, separators=(",", ":"))


FORMATS: Final[dict[str, Callable[[Plan], str]]] = {
    "text": _text,
    "markdown": _markdown,
    "json": _json,
    "sh": _script,
}
