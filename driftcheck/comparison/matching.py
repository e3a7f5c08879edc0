"""Pairing: declared and live deployments by name or agent, list entries by identity."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from driftcheck.fields import Field
from driftcheck.model import ABSENT, JSON, Absent, Declaration, Deployment
from driftcheck.paths import indices_by_identity

_REFERENCE: Final = re.compile(r"\$\$|\$\(([A-Za-z_.-][A-Za-z0-9_.-]*)\)")


def match_deployments(
    declared: Sequence[Declaration], live: Sequence[Deployment]
) -> tuple[list[tuple[Declaration, Sequence[Deployment]]], dict[str, list[Deployment]]]:
    """Pair by name, and a declaration that names only an agent by agent and environment (docs/API.md 6.4).

    Returns each declaration with its live deployments, several where the listing is ambiguous; and the rest by name.
    """
    by_name: dict[str, list[Deployment]] = {}
    by_agent: dict[tuple[str, str], list[Deployment]] = {}
    for deployment in live:
        by_name.setdefault(deployment.name, []).append(deployment)
        if (agent := agent_of(deployment.value)) is not None:
            by_agent.setdefault(agent, []).append(deployment)
    matches: list[tuple[Declaration, Sequence[Deployment]]] = []
    for declaration in declared:
        agent = None if "name" in declaration.value else agent_of(declaration.value)
        found = by_name.get(declaration.name, ()) if agent is None else by_agent.get(agent, ())
        matches.append((declaration, found))
    taken = {deployment.name for _, found in matches for deployment in found}
    return matches, {name: found for name, found in by_name.items() if name not in taken}


def agent_of(deployment: Mapping[str, JSON]) -> tuple[str, str] | None:
    """Return the agent and environment that a deployment is bound to, if any."""
    agent = deployment.get("agent")
    if not isinstance(agent, dict):
        return None
    name, environment = agent.get("agent_id"), agent.get("environment")
    return (name, environment) if isinstance(name, str) and isinstance(environment, str) else None


def match_entries(
    declared: Sequence[JSON], live: Sequence[JSON], key: str | None
) -> list[tuple[str, JSON | Absent, JSON | Absent]] | None:
    """Pair the entries of two lists by identity; ABSENT for a side that has none.

    None if an entry has no identity, or two of one list share theirs.
    """
    ours, theirs = indices_by_identity(declared, key), indices_by_identity(live, key)
    if ours is None or theirs is None:
        return None
    entries = [
        (identity, declared[index], live[theirs[identity]] if identity in theirs else ABSENT)
        for identity, index in ours.items()
    ]
    return entries + [(identity, ABSENT, live[index]) for identity, index in theirs.items() if identity not in ours]


def same_order(declared: Sequence[JSON], live: Sequence[JSON], field: Field) -> bool:
    """Return whether the entries that both lists have are in an equivalent order.

    Order does not matter in most keyed lists. It matters in some (init containers run one after the
    other); and for environment variables, only whether a variable comes before one that refers to it
    (Kubernetes expands `$(NAME)` from earlier entries; docs/API.md 3.1.6).
    """
    if field.key is None or not field.ordered:
        return True
    if field.ordered == "references":
        before, live_before = _references(declared, field.key), _references(live, field.key)
        return all(before[pair] == live_before[pair] for pair in before.keys() & live_before.keys())
    declared_names, live_names = names(declared, field.key), names(live, field.key)
    common = (Counter(declared_names) & Counter(live_names)).keys()
    return [n for n in declared_names if n in common] == [n for n in live_names if n in common]


def names(entries: Sequence[JSON], key: str) -> list[str]:
    """Return the identities of the entries that have one, in their order."""
    return [entry[key] for entry in entries if isinstance(entry, dict) and isinstance(entry.get(key), str)]


def _references(entries: Sequence[JSON], key: str) -> dict[tuple[str, str], bool]:
    """Return, for each variable and one that its value refers to, whether the latter comes before it."""
    positions = {name: position for position, name in enumerate(names(entries, key))}
    before = {}
    for entry in entries:
        value = entry.get("value") if isinstance(entry, dict) else None
        if not isinstance(value, str) or "$(" not in value or entry.get(key) not in positions:
            continue
        for match in _REFERENCE.finditer(value):
            if match[1] in positions:
                before[entry[key], match[1]] = positions[match[1]] < positions[entry[key]]
    return before
