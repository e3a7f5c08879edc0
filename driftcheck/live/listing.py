"""One page of the listing: bytes -> deployments. Network and files go through here alike.

Values of secrets end here: no model ever holds them.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, NoReturn

from driftcheck.errors import LiveError, UsageError
from driftcheck.model import JSON, REDACTED_MARKER, Deployment, Snapshot

MAX_DEPTH: Final = 64

BAD_ITEMS_TOLD: Final = 5
"""How many items without an id or name are told one by one."""

_TORN: Final = re.compile(r"-|tr?u?|fa?l?s?|nu?l?|\.|[eE][+-]?|\\?u?[0-9A-Fa-f]{0,4}|\s*")
"""What the parser may be left with where an answer was cut in the middle of a word."""


class MalformedError(ValueError):
    """An answer or file that can't be read as a listing; the text says why and quotes nothing.

    `cut` where it looks as if the end were missing, so that asking again may help.
    """

    def __init__(self, reason: str, *, cut: bool = False) -> None:
        super().__init__(reason)
        self.cut = cut


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
    return page_of(parse_json(data), len(data))


def page_of(value: JSON, size: int = 0) -> Page:
    """Take an answer that was parsed already; it is changed in place (secrets)."""
    if not isinstance(value, dict) or not isinstance(value.get("resources"), list):
        raise MalformedError('it is no object with a list "resources"')
    items = value["resources"]
    return Page(tuple(map(_identity, items)), tuple(map(deployment_of, items)), value.get("offset"), size)


def _identity(item: JSON) -> str | None:
    identity = item.get("id") if isinstance(item, dict) else None
    return identity if isinstance(identity, str) and identity else None


def deployment_of(item: JSON) -> Deployment | None:
    """Make a deployment of one item of `resources`, or None of one without a name; takes out its secrets' values."""
    name = item.get("name") if isinstance(item, dict) else None
    if not isinstance(name, str) or not name:
        return None
    if item.get("secrets") is not None:
        item["secrets"] = _names_only(item["secrets"])
    return Deployment(name, item)


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


def parse_json(data: bytes) -> JSON:
    """Read JSON strictly: UTF-8, no duplicate keys, no NaN or infinity, at most 64 deep; raises MalformedError."""
    written = data.translate(None, _WHITESPACE).count(b'":')
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise MalformedError("it is not UTF-8") from None
    del data
    value = _loads(text)
    if _count_keys(value) != written:
        _loads(text, object_pairs_hook=_object)
    return value


_WHITESPACE: Final = b" \t\r\n"
"""What may stand between a key and its colon; without it there are at least as many `":` as keys (RFC 8259, 2)."""


def _loads(text: str, object_pairs_hook: Callable[[list[tuple[str, Any]]], Any] | None = None) -> JSON:
    try:
        return json.loads(
            text, object_pairs_hook=object_pairs_hook, parse_float=_finite_float, parse_constant=_refuse_constant
        )
    except MalformedError:
        raise
    except json.JSONDecodeError as error:
        cut = error.msg != "Extra data" and _TORN.fullmatch(text, error.pos) is not None
        cut = cut or error.msg.startswith("Unterminated")
        raise MalformedError(f"it is no JSON from line {error.lineno} column {error.colno} on", cut=cut) from None
    except RecursionError:
        raise _too_deep() from None
    except ValueError:
        raise MalformedError("it holds a number of thousands of digits") from None


def _object(pairs: list[tuple[str, Any]]) -> None:
    """Refuse an object in which a key stands twice; slow, so it is asked only where keys seem to be missing."""
    if len(dict(pairs)) != len(pairs):
        raise MalformedError("an object in it has the same key twice")


def _finite_float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise MalformedError("it holds a number too large for any computer")
    return value


def _refuse_constant(_: str) -> NoReturn:
    raise MalformedError("it holds NaN or Infinity, which JSON does not know")


def _count_keys(value: JSON) -> int:
    """Count the keys of all objects, level by level; raises MalformedError past MAX_DEPTH levels."""
    keys = 0
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        below: list[JSON] = []
        for node in level:
            if node.__class__ is dict:
                keys += len(node)
                below += node.values()
            elif node.__class__ is list:
                below += node
        if not below:
            return keys
        level = below
    raise _too_deep()


def _too_deep() -> MalformedError:
    return MalformedError(f"it is nested deeper than {MAX_DEPTH} levels")


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
