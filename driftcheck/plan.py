"""Plans: the requests that bring a live deployment back to its declaration.

Facts of the service (docs/API.md 2.1, 2.2, 3.2 and 6): `resource_spec` and `secrets` are replaced as a whole; a null in
a request is merged and clears nothing; sizes have their own endpoints; some fields are fixed at creation.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from driftcheck.fields import NOT_PATCHED, PARTED, UNKNOWN, Field, deployment
from driftcheck.model import (
    ABSENT,
    JSON,
    REDACTED_MARKER,
    Absent,
    Change,
    ChangeClass,
    Comparison,
    Deployment,
    Impact,
    Status,
)
from driftcheck.paths import Item, Lookup, Path, entry_segment, format_path, value_at
from driftcheck.redaction.patterns import is_secret


class Effect(StrEnum):
    """What a planned request does to a deployment."""

    IN_PLACE = "in-place"
    NEW_REVISION = "new-revision"
    RECREATE = "recreate"
    CREATE = "create"


@dataclass(frozen=True, slots=True)
class Precondition:
    """The state of a live deployment that a step was planned for."""

    id: str
    latest_revision_id: str | None
    updated_at: str | None


@dataclass(frozen=True, slots=True)
class Step:
    """One request that brings a deployment back to what is declared."""

    deployment: str
    method: str
    path: str
    """Below the endpoint's base URL."""
    body: JSON
    effect: Effect
    fields: tuple[Path, ...] = ()
    """The changes that it reverts or makes."""
    classes: Mapping[Path, ChangeClass] = field(default_factory=dict)
    """With a base, which side changed each of them since; otherwise empty."""
    precondition: Precondition | None = None
    """None if nothing is live yet."""
    warnings: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    """What must be filled in before the request can be sent; the request is unsafe unless this is empty."""
    target: str | None = None

    @property
    def unsafe(self) -> bool:
        """Whether the request must not be sent before it is filled in."""
        return bool(self.needs)


@dataclass(frozen=True, slots=True)
class NotPlanned:
    """A difference that no request is planned for, and why."""

    deployment: str
    reason: str
    target: str | None = None


@dataclass(frozen=True, slots=True)
class PlanTarget:
    """The control plane and workspace that requests of a plan are for."""

    name: str | None
    """The target of the configuration; None without targets."""
    endpoint: str | None
    """None if live was read from a file."""
    workspace: str | None


@dataclass(frozen=True, slots=True)
class Plan:
    """The requests that would revert live to the declarations; they are printed and never sent."""

    steps: tuple[Step, ...] = ()
    not_planned: tuple[NotPlanned, ...] = ()
    complete: bool = True
    """Whether both sides were read completely."""
    targets: tuple[PlanTarget, ...] = ()
    """Where the requests are to be sent, one for each target."""


COLLECTION: Final = "/v2/deployments"
SPEC: Final = ("source_config", "resource_spec")

_PLANNED: Final = frozenset({ChangeClass.DRIFT, ChangeClass.PROPOSED, ChangeClass.CONFLICT})
_TIERS: Final = {
    "deployment_tier": "deployment-tier",
    "compute_tier": "resource-tiers",
    "database_tier": "resource-tiers",
}
_PLAIN_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}\Z")
"""Ids are UUIDs. Any other text could lead a request, which carries the key, to another address."""
_EXCLUSIVE: Final = (
    frozenset({"value", "valueFrom"}),
    frozenset({"subPath", "subPathExpr"}),
    frozenset({"configMap", "secret", "emptyDir", "persistentVolumeClaim", "nfs", "projected", "downwardAPI", "csi"}),
)
"""Of each group one may be set (docs/API.md 4, rules 31 and 33)."""


@dataclass(slots=True)
class _Body:
    """A request's body under construction, with what is missing from it."""

    value: dict[str, JSON] = field(default_factory=dict)
    needs: dict[str, None] = field(default_factory=dict)
    """Names of the values to fill in, in their order."""
    warnings: list[str] = field(default_factory=list)
    live: Lookup = field(default_factory=Lookup)
    """Finds values of live."""
    spec: Lookup = field(default_factory=Lookup)
    """Finds values of the planned `resource_spec`."""
    thinned: dict[int, list[JSON | Absent]] = field(default_factory=dict)
    """Lists of the spec, by `id`, with ABSENT instead of entries that are to be removed."""

    def fill_in(self, path: Path) -> str:
        """Return the placeholder for a value that is not known, and remember that it is needed."""
        self.needs[format_path(path)] = None
        return placeholder(path)


def placeholder(path: Path) -> str:
    """Return the placeholder for the value at a path."""
    return f"<fill in {format_path(path)}>"


def plan_deployment(
    comparison: Comparison, declared: Mapping[str, JSON], live: Deployment | None, *, target: str | None = None
) -> Iterator[Step | NotPlanned]:
    """Yield the steps for one declared deployment, and what no step is planned for.

    `declared` is its effective declaration, `live` the listed deployment or None if it is missing. Suppressed changes,
    and those that --base does not attribute to the declaration, are not reverted.
    """
    for item in _items(comparison, declared, live):
        yield replace(_with_classes(item, comparison) if isinstance(item, Step) else item, target=target)


def _with_classes(step: Step, comparison: Comparison) -> Step:
    """Return a step with the class of each field, and a warning for each live value that somebody set meanwhile."""
    changes = [change for change in comparison.changes if change.base is not ABSENT and change.path in step.fields]
    warnings = (
        f"{format_path(change.path)}: {_OVERWRITES[change.change_class]} {_lost(change)}."
        for change in changes
        if change.change_class in _OVERWRITES
    )
    classes = {change.path: change.change_class for change in changes}
    return replace(step, classes=classes, warnings=(*warnings, *step.warnings))


_OVERWRITES: Final = {
    ChangeClass.CONFLICT: "in conflict: live was changed, too, and the request overwrites",
    ChangeClass.DRIFT: "not caused by this change: the request overwrites",
}


def _lost(change: Change) -> str:
    """Return the live value that a request overwrites; the values of the change are redacted."""
    if change.redacted or change.live is None:
        return "a live value"
    text = json.dumps(change.live, ensure_ascii=False)
    return f"the live value {text if len(text) <= _MOST_CHARACTERS else f'{text[: _MOST_CHARACTERS - 3]}...'}"


_MOST_CHARACTERS: Final = 60
"""The most characters of a value in a warning."""


def _items(
    comparison: Comparison, declared: Mapping[str, JSON], live: Deployment | None
) -> Iterator[Step | NotPlanned]:
    if live is None or comparison.status in (Status.UNKNOWN, Status.MISSING):
        yield _create(comparison, declared, live)
        return
    planned = [each for each in comparison.changes if each.suppressed is None and each.change_class in _PLANNED]
    if not planned:
        return
    fixed = [change for change in planned if change.impact is Impact.RECREATE]
    if fixed:
        yield _recreate(comparison, declared, live, planned, fixed)
        return
    for change in planned:
        if change.path[0] in NOT_PATCHED:
            yield NotPlanned(comparison.name, f"{format_path(change.path)}: no documented request changes it")
    yield from _patches(comparison, declared, live, planned)


def _precondition(live: Deployment) -> Precondition:
    return Precondition(live.id or "", live.text("latest_revision_id"), live.text("updated_at"))


# --- changes of a live deployment ---


def _patches(
    comparison: Comparison,
    declared: Mapping[str, JSON],
    live: Deployment,
    planned: Sequence[Change],
) -> Iterator[Step | NotPlanned]:
    if live.id is None:
        yield NotPlanned(comparison.name, "the listing does not name its id")
        return
    if _PLAIN_ID.match(live.id) is None:
        yield NotPlanned(comparison.name, "its id in the listing can't be a part of an address")
        return
    address = f"{COLLECTION}/{live.id}"
    yield from _size_patches(comparison.name, address, declared, live, planned)
    rest = [change for change in planned if change.path[0] not in _TIERS and change.path[0] not in NOT_PATCHED]
    body = _patch_body(declared, live, rest, comparison.changes)
    if body.value:
        yield Step(
            deployment=comparison.name,
            method="PATCH",
            path=address,
            body=body.value,
            effect=Effect(max((change.impact for change in rest), key=list(Impact).index)),
            fields=tuple(change.path for change in rest),
            precondition=_precondition(live),
            warnings=(*body.warnings, *_pending(live)),
            needs=tuple(body.needs),
        )
    elif rest:
        yield NotPlanned(comparison.name, " ".join(body.warnings) or "no documented request changes this")


def _size_patches(
    name: str, address: str, declared: Mapping[str, JSON], live: Deployment, planned: Sequence[Change]
) -> Iterator[Step | NotPlanned]:
    """Yield the requests that change sizes, which have endpoints of their own (docs/API.md 6)."""
    for endpoint in ("deployment-tier", "resource-tiers"):
        changes = [change for change in planned if _TIERS.get(str(change.path[0])) == endpoint]
        sizes = {str(change.path[0]): declared.get(str(change.path[0])) for change in changes}
        if not sizes:
            continue
        if None in sizes.values():
            yield NotPlanned(name, f"{', '.join(sizes)}: null keeps the present size")
            continue
        yield Step(
            deployment=name,
            method="PATCH",
            path=f"{address}/{endpoint}",
            body=sizes,
            effect=Effect.NEW_REVISION,
            fields=tuple(change.path for change in changes),
            precondition=_precondition(live),
            warnings=("A change of size also resizes the database and creates a new revision.",),
        )


def _pending(live: Deployment) -> Iterator[str]:
    latest, active = live.text("latest_revision_id"), live.text("active_revision_id")
    if latest is not None and latest != active:
        yield "A rollout is pending: the latest revision is not the active one."


def _patch_body(
    declared: Mapping[str, JSON],
    live: Deployment,
    planned: Sequence[Change],
    changes: Sequence[Change],
) -> _Body:
    """Return the body of the main PATCH: the changes, and everything that the service replaces as a whole."""
    body = _Body()
    identities = {id(change) for change in planned}
    kept = [change for change in changes if id(change) not in identities]
    parts = (change.path[: 2 if change.path[0] in PARTED else 1] for change in planned)
    for part_path in dict.fromkeys(parts):
        match part_path:
            case ("source_config", "resource_spec"):
                spec = _spec(declared, live, kept, body)
                body.value.setdefault("source_config", {})["resource_spec"] = spec
            case ("source_revision_config", "repo_ref"):
                _set_reference(body, declared, live)
            case (str(part), str(name)):
                _set_part(body, part, name, declared)
            case ("source_config" | "source_revision_config" as part,):
                for name, value in (declared.get(part) or {}).items():
                    if value is not None:
                        body.value.setdefault(part, {})[name] = copy.deepcopy(value)
            case ("secrets",):
                _set_secrets(body, declared)
            case ("secret_references",):
                body.value["secret_references"] = copy.deepcopy(declared.get("secret_references") or [])
            case (str(name),):
                if declared.get(name) is None:
                    _warn_of_null(body, (name,))
                else:
                    body.value[name] = copy.deepcopy(declared[name])
    return body


def _set_part(body: _Body, part: str, name: str, declared: Mapping[str, JSON]) -> None:
    value = (declared.get(part) or {}).get(name)
    if value is None:
        _warn_of_null(body, (part, name))
        return
    body.value.setdefault(part, {})[name] = copy.deepcopy(value)
    caveat = deployment().at((part, name)).caveat
    if caveat is not None:
        body.warnings.append(f"{format_path((part, name))}: {caveat}.")


def _warn_of_null(body: _Body, path: Path) -> None:
    body.warnings.append(
        f"{format_path(path)}: null in a request clears nothing; the live value can't be removed this way."
    )


def _set_reference(body: _Body, declared: Mapping[str, JSON], live: Deployment) -> None:
    """Retarget the tracked branch if the service reports one, and ask for a revision of it."""
    reference = (declared.get("source_revision_config") or {}).get("repo_ref")
    if reference is None:
        _warn_of_null(body, ("source_revision_config", "repo_ref"))
        return
    source_config = live.value.get("source_config")
    if isinstance(source_config, dict) and source_config.get("repo_branch") is not None:
        body.value["tracked_repo_ref"] = reference
    body.value.setdefault("source_revision_config", {})["repo_ref"] = reference


def _set_secrets(body: _Body, declared: Mapping[str, JSON]) -> None:
    secrets = _secrets(body, declared)
    if secrets:
        body.warnings.append("secrets are replaced as a whole: every name that is not sent is removed.")
        body.value["secrets"] = secrets
    else:
        body.warnings.append("secrets: an empty list in a request changes nothing; the last secrets can't be removed.")


def _secrets(body: _Body, declared: Mapping[str, JSON]) -> list[JSON]:
    """Return the declared secrets, their values to be filled in."""
    names = [entry["name"] for entry in declared.get("secrets") or [] if isinstance(entry, dict)]
    return [{"name": name, "value": body.fill_in(("secrets", Item("name", name), "value"))} for name in names]


def _spec(declared: Mapping[str, JSON], live: Deployment, kept: Sequence[Change], body: _Body) -> dict[str, JSON]:
    """Return the whole `resource_spec`: declared over live values, and live values of changes that are kept."""
    field = deployment().at(SPEC)
    wanted, seen = value_at(declared, SPEC), value_at(live.value, SPEC)
    wanted = wanted if isinstance(wanted, dict) else {}
    seen = seen if isinstance(seen, dict) else {}
    spec = _over(wanted, seen, field, SPEC, body)
    result = spec if isinstance(spec, dict) else {}
    for change in kept:
        if change.path[:2] == SPEC and len(change.path) > 2:
            _keep(result, seen, change.path[2:], field, body)
    for entries in body.thinned.values():
        entries[:] = [entry for entry in entries if entry is not ABSENT]
    undeclared = sorted(
        name for name, value in seen.items() if value is not None and wanted.get(name) is None and name in result
    )
    if undeclared:
        body.warnings.append(
            f"resource_spec is replaced as a whole; undeclared live values are kept: {', '.join(undeclared)}."
        )
    return result


def _over(declared: JSON, live: JSON, field: Field, path: Path, body: _Body) -> JSON:
    """Return the declared value over the live one; values that may not be shown become placeholders."""
    if isinstance(declared, dict):
        seen = live if isinstance(live, dict) and live != REDACTED_MARKER else {}
        is_described = bool(field.properties) and field.values is None
        excluded = {name for group in _EXCLUSIVE if group & declared.keys() for name in group}
        kept = (name for name in seen if name not in declared and name not in excluded)
        names = [*declared, *(kept if is_described else ())]
        result = {}
        for name in names:
            child = field.child(name) or UNKNOWN
            value = (
                _over(declared[name], seen.get(name), child, (*path, name), body)
                if name in declared
                else _copied(seen[name], child, (*path, name), body)
            )
            if value is not None:
                result[name] = value
        return result
    if isinstance(declared, list):
        return [_entry_over(entry, live, field, path, position, body) for position, entry in enumerate(declared)]
    return declared


def _entry_over(declared: JSON, live: JSON, field: Field, path: Path, position: int, body: _Body) -> JSON:
    segment = entry_segment(declared, position, field.key)
    seen = body.live.value(live, (segment,)) if isinstance(segment, Item) else None
    return _over(declared, seen, field.items or UNKNOWN, (*path, segment), body)


def _copied(live: JSON, field: Field, path: Path, body: _Body) -> JSON:
    """Return a live value for a request; secret and redacted values are never copied."""
    if live is None:
        return None
    if field.sensitive or live == REDACTED_MARKER or is_secret(live):
        return body.fill_in(path)
    if isinstance(live, dict):
        children = (
            (name, _copied(value, field.child(name) or UNKNOWN, (*path, name), body)) for name, value in live.items()
        )
        return {name: value for name, value in children if value is not None}
    if isinstance(live, list):
        items = field.items or UNKNOWN
        return [
            _copied(entry, items, (*path, entry_segment(entry, position, field.key)), body)
            for position, entry in enumerate(live)
        ]
    return live


def _keep(spec: dict[str, JSON], live: Mapping[str, JSON], path: Path, field: Field, body: _Body) -> None:
    """Put the live value at a path of the spec back in, or remove it if live has none."""
    holder: JSON = spec
    seen: JSON = live
    for depth, segment in enumerate(path[:-1]):
        field = field.child(segment) or UNKNOWN
        seen = body.live.value(seen, (segment,))
        below = body.spec.value(holder, (segment,))
        if below is None:
            if not isinstance(holder, dict) or not isinstance(segment, str):
                return
            below = holder[segment] = [] if isinstance(path[depth + 1], int | Item) else {}
        holder = below
    last = path[-1]
    value = _copied(body.live.value(seen, (last,)), field.child(last) or UNKNOWN, (*SPEC, *path), body)
    if isinstance(holder, dict) and isinstance(last, str):
        if value is None:
            holder.pop(last, None)
        else:
            holder[last] = value
    elif isinstance(holder, list):
        position = body.spec.index(holder, last)
        if value is None:
            if position is not None:
                body.thinned[id(holder)] = holder
                holder[position] = ABSENT
        elif position is None:
            body.spec.append(holder, value)
        else:
            holder[position] = value


# --- deployments that are missing or have to be created again ---


def _create(comparison: Comparison, declared: Mapping[str, JSON], live: Deployment | None) -> Step | NotPlanned:
    if live is not None and comparison.status is not Status.UNKNOWN:
        return NotPlanned(comparison.name, "it is being deleted, and its name stays reserved until that is done")
    if comparison.status not in (Status.MISSING, Status.PROPOSED):
        return NotPlanned(comparison.name, "not known to be live or missing")
    return _creation(comparison.name, declared, "")


def _creation(name: str, declared: Mapping[str, JSON], circumstances: str) -> Step | NotPlanned:
    lacks = list(missing_for_create(declared))
    if lacks:
        reason = f"the declaration is not complete enough to create it: {', '.join(lacks)}"
        return NotPlanned(name, circumstances + reason)
    body = _create_body(declared)
    return Step(
        deployment=name,
        method="POST",
        path=COLLECTION,
        body=body.value,
        effect=Effect.CREATE,
        warnings=tuple(body.warnings),
        needs=tuple(body.needs),
    )


def missing_for_create(declared: Mapping[str, JSON]) -> Iterator[str]:
    """Return the fields that a declaration lacks for creating the deployment (docs/API.md 4, rules 3, 6 to 9)."""
    source, config = declared.get("source"), declared.get("source_config") or {}
    revision = declared.get("source_revision_config") or {}
    if source is None:
        yield "source"
    needed = {
        "github": (("integration_id", "repo_url", "deployment_type"), ("repo_ref", "langgraph_config_path")),
        "external_docker": ((), ("image_uri",)),
        "internal_docker": (("deployment_type",), ("image_uri",)),
        "internal_source": (("deployment_type",), ("source_tarball_path",)),
        "internal_template": (("template_id",), ()),
    }.get(str(source), ((), ()))
    yield from (f"source_config.{name}" for name in needed[0] if config.get(name) is None)
    yield from (f"source_revision_config.{name}" for name in needed[1] if revision.get(name) is None)


def _create_body(declared: Mapping[str, JSON]) -> _Body:
    body = _Body()
    sizes = {}
    for name, value in declared.items():
        if name == "secrets":
            body.value[name] = _secrets(body, declared)
        elif name in ("compute_tier", "database_tier"):
            sizes[name] = value
        elif value is not None:
            body.value[name] = _without_nulls(value)
    for part in ("source_config", "source_revision_config"):
        body.value.setdefault(part, {})
    body.value.setdefault("secrets", [])
    if body.value.get("source") == "external_docker":
        body.value["source_config"].setdefault("resource_spec", {})
    if "agent" in body.value:
        body.value.pop("name", None)
    if any(sizes.values()):
        body.warnings.append(f"{', '.join(sizes)} can't be set at creation; plan again afterwards.")
    return body


def _without_nulls(value: JSON) -> JSON:
    """Return a copy of a value without nulls in its objects."""
    if isinstance(value, dict):
        return {name: _without_nulls(entry) for name, entry in value.items() if entry is not None}
    if isinstance(value, list):
        return [_without_nulls(entry) for entry in value]
    return value


def _recreate(
    comparison: Comparison,
    declared: Mapping[str, JSON],
    live: Deployment,
    planned: Sequence[Change],
    fixed: Sequence[Change],
) -> Step | NotPlanned:
    fields = ", ".join(format_path(change.path) for change in fixed)
    step = _creation(comparison.name, declared, f"{fields}: fixed at creation, and ")
    if isinstance(step, NotPlanned):
        return step
    return replace(
        step,
        effect=Effect.RECREATE,
        fields=tuple(change.path for change in planned),
        precondition=_precondition(live),
        warnings=(
            f"Fixed at creation: {fields}.",
            "Recreating it deletes its database with all threads and runs, its revisions, its URL and the values "
            "of its secrets. The name of a deleted deployment stays reserved for a while.",
            *step.warnings,
        ),
        needs=(f"the deletion of the live deployment {live.id}, which driftcheck never does itself", *step.needs),
    )
