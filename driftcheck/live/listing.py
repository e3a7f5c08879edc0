"""One page of the listing: bytes -> deployments. Network and files go through here alike.

Values of secrets end here: no model ever holds them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from driftcheck.errors import LiveError, UsageError
from driftcheck.model import JSON, REDACTED_MARKER, Deployment, Snapshot
from driftcheck.strict_json import MalformedError, parse

BAD_ITEMS_TOLD: Final = 5
"""How many items without an id or name are told one by one."""


@dataclass(frozen=True, slots=True)
class Page:
    """One answer: per item its id (None for an item without) and its deployment (None for an item without a name)."""

    ids: tuple[str | None, ...]
    deployments: tuple[Deployment | None, ...]
    offset: JSON = None
    size: int = 0
    """How many bytes it took."""

    def __len__(self) -> int:
        return len(self.ids)


def parse_page(data: bytes) -> Page:
    """Read one answer, `{"resources": [...], "offset": n}` (API.md 1.4); raises MalformedError."""
    return page_of(parse(data), len(data))


def page_of(value: JSON, size: int = 0) -> Page:
    """Take an answer that was parsed already; it is changed in place (secrets)."""
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


_HIDDEN: Final = "[redacted]"
"""Stands for what is no list of secrets, or no secret: of another type than what is declared, so that it differs."""


def _names_only(secrets: JSON) -> JSON:
    if not isinstance(secrets, list):
        return _HIDDEN
    return [_name_only(secret) for secret in secrets]


def _name_only(secret: JSON) -> JSON:
    if not isinstance(secret, dict):
        return _HIDDEN
    name = secret.get("name")
    return {"name": name if name is None or isinstance(name, str) else dict(REDACTED_MARKER)}


def bad_items(pages: Iterable[tuple[int, Page]]) -> tuple[str, ...]:
    """Give a gap for each item of the pages (each with the position of its first item) without id or name."""
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
    more = len(gaps) - BAD_ITEMS_TOLD
    return (*gaps[:BAD_ITEMS_TOLD], *([f"So it is with {more} more items."] if more > 0 else ()))


def by_name(deployments: Iterable[Deployment]) -> tuple[Deployment, ...]:
    """Sort deployments by name and id: the API's own order is undocumented (API.md 1.4)."""
    return tuple(sorted(deployments, key=lambda deployment: (deployment.name, deployment.id or "")))


def workspace_of(deployments: Iterable[Deployment], asked: str | None) -> str | None:
    """Give the workspace that was listed: the one asked for, else the one that all items name, else None.

    Raises LiveError where an item belongs to another workspace than the one asked for, or than another item.
    """
    named = {_canonical(tenant): tenant for d in deployments if (tenant := d.text("tenant_id"))}
    if len(named) > 1:
        raise LiveError(
            "The listing holds deployments of several workspaces, so it is not the listing of one.",
            hint="Name the workspace with --workspace or LANGSMITH_WORKSPACE_ID.",
        )
    if asked and named and _canonical(asked) not in named:
        raise LiveError(
            "The deployments that were listed belong to another workspace than the one that was asked for.",
            hint="Check --workspace (or LANGSMITH_WORKSPACE_ID) and which workspace the key belongs to.",
        )
    return asked or next(iter(named.values()), None)


def _canonical(uuid: str) -> str:
    return uuid.replace("-", "").lower()


def _deployment_type(deployment: Deployment) -> JSON:
    config = deployment.value.get("source_config")
    return config.get("deployment_type") if isinstance(config, dict) else None


_CHECKS: Final[Mapping[str, Callable[[Deployment, str], bool]]] = {
    "name": lambda deployment, wanted: deployment.name == wanted,
    "name_contains": lambda deployment, wanted: wanted in deployment.name,
    "status": lambda deployment, wanted: deployment.text("status") == wanted,
    "image_version": lambda deployment, wanted: deployment.text("image_version") == wanted,
    "url": lambda deployment, wanted: deployment.text("url") == wanted,
    "deployment_type": lambda deployment, wanted: _deployment_type(deployment) == wanted,
    "deployment_ids": lambda deployment, wanted: deployment.id in [part.strip() for part in wanted.split(",")],
}
"""Filters of the endpoint (API.md 1.2) that can be checked on an item; tags and the reconciler can't."""

UNCHECKABLE: Final = frozenset({"tag_value_ids", "remote_reconciled"})

FILTERS: Final = frozenset(_CHECKS) | UNCHECKABLE
"""The filters that a scope may name."""


def check_scope(scope: Mapping[str, str]) -> None:
    """Raise UsageError for a filter that the endpoint does not know."""
    if unknown := sorted(scope.keys() - FILTERS):
        raise UsageError(f"The endpoint has no filter named {', '.join(unknown)}.")


def narrowed(snapshot: Snapshot, scope: Mapping[str, str]) -> Snapshot:
    """Give what of a saved snapshot lies in a scope, as if it had been listed with it; raises UsageError.

    A filter that can't be checked on a deployment leaves a gap, unless the listing was made with the same.
    """
    check_scope(scope)
    untold = sorted(name for name in scope.keys() & UNCHECKABLE if snapshot.scope.get(name) != scope[name])
    return replace(
        snapshot,
        deployments=tuple(deployment for deployment in snapshot.deployments if in_scope(deployment, scope)),
        scope={**snapshot.scope, **scope},
        gaps=(
            *snapshot.gaps,
            *(f"A saved listing does not show what the filter {name} would keep." for name in untold),
        ),
    )


def in_scope(deployment: Deployment, scope: Mapping[str, str]) -> bool:
    """Tell whether a deployment fits every filter that can be checked on it."""
    return all(check(deployment, scope[name]) for name, check in _CHECKS.items() if name in scope)
