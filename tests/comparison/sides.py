"""Short ways to write both sides of a comparison and its result."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from driftcheck import fields
from driftcheck.comparison.diff import compare_with_live
from driftcheck.comparison.differences import Difference, Differences
from driftcheck.comparison.three_way import BaseDeclarations
from driftcheck.comparison.verdicts import Verdicts, assess
from driftcheck.model import Comparison, Declaration, Declarations, Deployment, Location, Snapshot
from driftcheck.paths import Path, format_path

SCHEMA = fields.deployment()


def at(dotted: str, value: Any, source: str | None = "external_docker") -> dict[str, Any]:
    """Return a deployment that holds one value at a dotted path."""
    deployment: dict[str, Any] = {"name": "claims"} | ({"source": source} if source else {})
    holder = deployment
    *parents, last = dotted.split(".")
    for key in parents:
        holder = holder.setdefault(key, {})
    holder[last] = value
    return deployment


def spec(**values: Any) -> dict[str, Any]:
    """Return a deployment of an external image with a resource_spec."""
    return at("source_config.resource_spec", values)


def sidecar(**values: Any) -> dict[str, Any]:
    """Return a deployment with one sidecar, `otel`."""
    return spec(sidecars=[{"name": "otel", "image": "otel:1", **values}])


def differences(declared: dict[str, Any], live: dict[str, Any], *, strict: bool = False) -> Differences:
    """Compare a declared with a live deployment."""
    return compare_with_live(declared, live, strict=strict)


def drift(declared: dict[str, Any], live: dict[str, Any], *, strict: bool = False) -> list[tuple[str, str]]:
    """Return the kinds and paths of what differs; paths are below `source_config.resource_spec` where they can be."""
    return [(found.kind.value, short(found.path)) for found in differences(declared, live, strict=strict).differences]


def only(declared: dict[str, Any], live: dict[str, Any]) -> Difference:
    """Return the only difference."""
    (found,) = differences(declared, live).differences
    return found


def unverifiable(declared: dict[str, Any], live: dict[str, Any], *, strict: bool = False) -> list[str]:
    """Return the unverifiable paths; nothing may differ."""
    found = differences(declared, live, strict=strict)
    assert not found.differences
    return [short(path) for path in found.unverifiable]


def short(path: Path) -> str:
    """Write a path, without the prefix that most paths have."""
    return format_path(path).removeprefix("source_config.resource_spec.")


def locate(path: Path) -> Location:
    """Return a location without a file: its line is one more than the depth."""
    return Location("agents.yaml", len(path) + 1, 1)


def declarations(*values: dict[str, Any], complete: bool = True) -> Declarations:
    """Return declared deployments as if they had been read from files."""
    found = tuple(Declaration(value["name"], value, locate) for value in values)
    return Declarations(("agents.yaml",), found, complete=complete)


def snapshot(*values: dict[str, Any], gaps: tuple[str, ...] = (), scope: dict[str, str] | None = None) -> Snapshot:
    """Return live deployments as if they had been listed; each gets an id."""
    found = [Deployment(value["name"], {"id": f"id-{value['name']}", **value}) for value in values]
    return Snapshot("https://api.host.langchain.com", tuple(found), gaps=gaps, scope=scope or {})


def verdicts(
    declared: list[dict[str, Any]],
    live: list[dict[str, Any]],
    base: list[dict[str, Any]] | None = None,
    *,
    tip: list[dict[str, Any]] | None = None,
    more_bases: Sequence[list[dict[str, Any]]] = (),
    gaps: tuple[str, ...] = (),
    complete: bool = True,
    strict: bool = False,
    inventory: bool = False,
) -> Verdicts:
    """Judge whole sides; without a `tip`, the base revision has not moved since the merge base."""
    merge_bases = [declarations(*values) for values in (base or [], *more_bases)]
    return assess(
        declarations(*declared, complete=complete),
        snapshot(*live, gaps=gaps),
        None if base is None else BaseDeclarations(declarations(*(base if tip is None else tip)), tuple(merge_bases)),
        strict=strict,
        inventory=inventory,
    )


def statuses(result: Verdicts) -> dict[str, str]:
    """Return the status of each deployment."""
    return {comparison.name: comparison.status.value for comparison in result.comparisons}


def rules(result: Verdicts) -> list[tuple[str, str | None]]:
    """Return the rules of the findings, each with its deployment."""
    return sorted((found.rule, found.deployment) for found in result.findings)


def classes(comparison: Comparison) -> list[tuple[str, str, str]]:
    """Return class, kind and path of each change."""
    return [(c.change_class.value, c.kind.value, short(c.path)) for c in comparison.changes]
