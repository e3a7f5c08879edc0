"""Parses a page of the listing, from the network or a file.

Values of secrets are dropped here: no model ever holds them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Final

from driftcheck.errors import LiveError, UsageError
from driftcheck.model import JSON, REDACTED_MARKER, Deployment, Snapshot
from driftcheck.redaction.patterns import shown
from driftcheck.strict_json import MalformedError

MAX_BAD_ITEMS: Final = 5
"""How many items without an id or name are reported one by one."""


@dataclass(frozen=True, slots=True)
class Page:
    """One response: per item its id (None for an item without) and its deployment (None for an item without a name)."""

    ids: tuple[str | None, ...]
    deployments: tuple[Deployment | None, ...]
    offset: JSON = None
    size: int = 0
    """Its size in bytes."""

    def __len__(self) -> int:
        return len(self.ids)


def page_of(value: JSON, size: int = 0) -> Page:
    """Return the page of a parsed response, `{"resources": [...], "offset": n}` (docs/API.md 1.4).

    Drops the values of secrets from the response itself. Raises MalformedError.
    """
    if not isinstance(value, dict) or not isinstance(value.get("resources"), list):
        raise MalformedError('not an object with a list "resources"')
    items = value["resources"]
    return Page(tuple(map(_identity, items)), tuple(map(deployment_of, items)), value.get("offset"), size)


def _identity(item: JSON) -> str | None:
    identity = item.get("id") if isinstance(item, dict) else None
    return identity if isinstance(identity, str) and identity else None


def deployment_of(item: JSON) -> Deployment | None:
    """Return the deployment of one item of `resources`, None for one without a name; drops its secrets' values."""
    if not isinstance(item, dict):
        return None
    if item.get("secrets") is not None:
        item["secrets"] = _names_only(item["secrets"])
    name = item.get("name")
    return Deployment(name, item) if isinstance(name, str) and name else None


_MALFORMED: Final = "[redacted]"
"""Replaces a malformed list of secrets or entry; its type is not that of a declared one, so it differs."""


def _names_only(secrets: JSON) -> JSON:
    if not isinstance(secrets, list):
        return _MALFORMED
    return [_name_only(secret) for secret in secrets]


def _name_only(secret: JSON) -> JSON:
    if not isinstance(secret, dict):
        return _MALFORMED
    name = secret.get("name")
    return {"name": name if name is None or isinstance(name, str) else dict(REDACTED_MARKER)}


def bad_items(pages: Iterable[tuple[int, Page]]) -> tuple[str, ...]:
    """Return a gap for each item of the pages (each with the position of its first item) without id or name."""
    problems = {
        start + index: "id" if deployment is not None else "name"
        for start, page in pages
        for index, (identity, deployment) in enumerate(zip(page.ids, page.deployments, strict=True))
        if identity is None or deployment is None
    }
    gaps = [
        f"Item {position + 1} of the listing has no {lacks}, so the listing can't be relied on."
        for position, lacks in sorted(problems.items())
    ]
    more = len(gaps) - MAX_BAD_ITEMS
    return (*gaps[:MAX_BAD_ITEMS], *([f"{more} more items of the listing have no id or name."] if more > 0 else ()))


def by_name(deployments: Iterable[Deployment]) -> tuple[Deployment, ...]:
    """Sort deployments by name and id: the API's own order is undocumented (docs/API.md 1.4)."""
    return tuple(sorted(deployments, key=lambda deployment: (deployment.name, deployment.id or "")))


def workspace_of(
    deployments: Iterable[Deployment], asked: str | None, origin: str = "", hint: str | None = None
) -> str | None:
    """Return the workspace that was listed: the requested one, else the one that all items name, else None.

    Raises LiveError if an item belongs to another workspace than the requested one, or than another item;
    `origin` is where the requested one comes from, and `hint` what to do about another one, for the message.
    """
    named = {_canonical(tenant): tenant for d in deployments if (tenant := d.text("tenant_id"))}
    if len(named) > 1:
        raise LiveError(
            f"the listing has deployments of several workspaces: {', '.join(sorted(named.values())[:3])}",
            hint="Name the workspace with --workspace or LANGSMITH_WORKSPACE_ID.",
        )
    listed = next(iter(named.values()), None)
    require_workspace(listed, asked, origin, hint)
    return asked or listed


def require_workspace(listed: str | None, asked: str | None, origin: str = "", hint: str | None = None) -> None:
    """Raise LiveError if a listing is known to belong to another workspace than the requested one."""
    if asked and listed and _canonical(asked) != _canonical(listed):
        source = f" (from {origin})" if origin else ""
        raise LiveError(
            f"the listing belongs to workspace {listed}, but workspace {asked} was requested{source}.",
            hint=hint or "Check which workspace the API key belongs to.",
        )


def _canonical(uuid: str) -> str:
    return uuid.replace("-", "").lower()


TYPE_WORDS: Final[Mapping[str, str]] = {"serverless": "dev_zero", "dedicated": "prod"}
"""The words of the documentation for types, and those of the API (docs/API.md 6.2)."""


def type_word(value: JSON) -> JSON:
    """Return the API's word for a deployment type."""
    return TYPE_WORDS.get(value, value) if isinstance(value, str) else value


def _agent(deployment: Deployment, key: str) -> JSON:
    agent = deployment.value.get("agent")
    return agent.get(key) if isinstance(agent, dict) else None


_CHECKS: Final[Mapping[str, Callable[[Deployment, str], bool]]] = {
    "name": lambda deployment, wanted: deployment.name == wanted,
    "name_contains": lambda deployment, wanted: wanted in deployment.name,
    "status": lambda deployment, wanted: deployment.text("status") == wanted,
    "image_version": lambda deployment, wanted: deployment.text("image_version") == wanted,
    "url": lambda deployment, wanted: deployment.text("url") == wanted,
    "deployment_type": lambda deployment, wanted: type_word(deployment.type) == type_word(wanted),
    "deployment_ids": lambda deployment, wanted: deployment.id in [part.strip() for part in wanted.split(",")],
    "agent_id": lambda deployment, wanted: _agent(deployment, "agent_id") == wanted,
    "agent_environment": lambda deployment, wanted: _agent(deployment, "environment") == wanted,
}
"""Filters of the endpoint (docs/API.md 1.2 and 6.4) that can be checked on an item; services may ignore those that they
do not know. Tags and the reconciler can't be checked."""

UNCHECKABLE: Final = frozenset({"tag_value_ids", "remote_reconciled"})

FILTERS: Final = frozenset(_CHECKS) | UNCHECKABLE
"""The filters that a scope may name."""


_STATUSES: Final = ("AWAITING_DATABASE", "READY", "UNUSED", "AWAITING_DELETE", "AWAITING_FINAL_DELETE", "UNKNOWN")
"""The known statuses of deployments (docs/API.md 2)."""


def why_empty(scope: Mapping[str, str]) -> str:
    """Return sentences on why a listing may have no deployments: its filters, or the wrong workspace."""
    if not scope:
        return "The listing is empty. Is this the right endpoint and workspace? (--allow-empty-live accepts it.)"
    filters = " ".join(f"--{name.replace('_', '-')} {shown(value)}" for name, value in sorted(scope.items()))
    status = scope.get("status", "")
    close = [] if status in _STATUSES else get_close_matches(status.upper(), _STATUSES, n=1)
    return f"No live deployment matches {filters}. {f'Did you mean {close[0]}?' if close else 'Check the spelling.'}"


def check_scope(scope: Mapping[str, str]) -> None:
    """Raise UsageError for a filter that the endpoint does not know."""
    if unknown := sorted(scope.keys() - FILTERS):
        raise UsageError(f"the endpoint has no filter named {', '.join(unknown)}.")


def narrowed(snapshot: Snapshot, scope: Mapping[str, str]) -> Snapshot:
    """Return the part of a saved snapshot within a scope, as if it had been listed with it; raises UsageError.

    A filter that can't be checked on a deployment leaves a gap, unless the listing was made with the same; so does a
    filter of the listing that the scope lacks, because deployments outside it were never listed.
    """
    check_scope(scope)
    unchecked = sorted(name for name in scope.keys() & UNCHECKABLE if snapshot.scope.get(name) != scope[name])
    narrower = sorted(name for name in snapshot.scope if scope.get(name) != snapshot.scope[name])
    return replace(
        snapshot,
        deployments=tuple(deployment for deployment in snapshot.deployments if in_scope(deployment, scope)),
        scope={**snapshot.scope, **scope},
        gaps=(
            *snapshot.gaps,
            *(f"A saved listing does not show which deployments the filter {name} selects." for name in unchecked),
            *(
                f"The saved listing was narrowed to {name}={snapshot.scope[name]} and holds nothing else: "
                f"`driftcheck audit --{name.replace('_', '-')} {snapshot.scope[name]}` checks just that part."
                for name in narrower
            ),
        ),
    )


def labels(deployment: Deployment) -> Iterator[str]:
    """Yield the names that a declaration may use: its name, and `agent/environment` of one bound to an agent."""
    yield deployment.name
    agent, environment = _agent(deployment, "agent_id"), _agent(deployment, "environment")
    if isinstance(agent, str) and isinstance(environment, str):
        yield f"{agent}/{environment}"


def filters_for(label: str) -> dict[str, str]:
    """Return the filters that ask only for a label.

    By name there are two, since older services know only one of them and ignore the other (docs/API.md 1.2).
    """
    agent, slash, environment = label.partition("/")
    if slash:  # no name has one
        return {"agent_id": agent, "agent_environment": environment}
    return {"name": label, "name_contains": label}


def is_label_in_scope(label: str, scope: Mapping[str, str]) -> bool:
    """Return whether a deployment of this label would have been listed, judged only by its label."""
    agent, slash, environment = label.partition("/")
    value: dict[str, JSON] = {"agent": {"agent_id": agent, "environment": environment}} if slash else {}
    return scope.keys() <= filters_for(label).keys() and in_scope(Deployment("" if slash else label, value), scope)


def in_scope(deployment: Deployment, scope: Mapping[str, str]) -> bool:
    """Return whether a deployment fits every filter that can be checked on it."""
    return all(check(deployment, scope[name]) for name, check in _CHECKS.items() if name in scope)
