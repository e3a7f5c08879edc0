"""Single true changes of a live deployment, each with exactly the changes that a report must contain."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from random import Random
from typing import Any

from driftcheck.paths import Item, Path
from tests.comparison import api
from tests.comparison.api import Shape
from tests.comparison.echo import Echo, resolutions


@dataclass(frozen=True)
class Expected:
    """One change that a report must hold."""

    kind: str
    path: Path
    impact: str


@dataclass(frozen=True)
class Mutation:
    """A live deployment that differs from the declared one in a single thing."""

    what: str
    live: dict[str, Any]
    expected: tuple[Expected, ...]


@dataclass(frozen=True)
class _Site:
    """A field of a declared object, where it is in live, and what is known about it."""

    holder: str
    key: Any
    shape: Shape
    path: Path
    declared: Any
    live: Any
    """The object that holds the field, as listed."""
    siblings: Any
    """The same, as declared."""
    source: str = ""


def mutations(declared: dict[str, Any], seen: Echo, random: Random) -> Iterator[Mutation]:
    """Draw one mutation of each kind that applies to the deployment."""
    packed = pickle.dumps(seen.live)
    for what, mutate in _MUTATIONS.items():
        live = pickle.loads(packed)
        sites = list(_sites(declared, live, seen))
        random.shuffle(sites)
        for site in sites:
            found = _whole(mutate(site, random))
            if found:
                yield Mutation(what, live, tuple(Expected(kind, path, api.impact(path)) for kind, path in found))
                break


def _whole(found: list[tuple[str, Path]]) -> list[tuple[str, Path]]:
    """Return changes inside a list without identities as changes of that list, each once."""
    changes = {}
    for kind, path in found:
        position = next((number for number, segment in enumerate(path) if isinstance(segment, int)), None)
        changes["modified" if position is not None else kind, path[:position]] = None
    return list(changes)


_Changes = list[tuple[str, Path]]
_Mutate = Callable[[_Site, Random], _Changes]
"""Changes the live holder of a site and returns how, or does nothing and returns None."""


def _sites(declared: dict[str, Any], live: dict[str, Any], seen: Echo) -> Iterator[_Site]:
    """Return the declared fields that the listing shows and that the platform does not set."""
    source = declared["source"]
    for site in _fields(declared, live, "Deployment", ()):
        known = site.shape.known(seen.age) and not any(site.path[: len(path)] == path for path in seen.hidden)
        branch = site.key == "repo_ref" and (live.get("source_config") or {}).get("repo_branch") == site.declared
        if site.path[0] != "name" and not branch and known and source not in api.PLATFORM_SET.get(site.key, ()):
            yield replace(site, source=source)


def _fields(declared: dict[str, Any], live: dict[str, Any], name: str, path: Path) -> Iterator[_Site]:
    for key, shape in api.shapes(name).items():
        if key not in declared or key in api.READ_ONLY:
            continue
        site = _Site(name, key, shape, (*path, key), declared[key], live, declared)
        yield site
        seen = live.get(key)
        if declared[key] is None or seen is None:
            continue
        if shape.kind == "object":
            yield from _fields(declared[key], seen, shape.name, site.path)
        elif shape.kind == "list" and shape.items is not None and shape.items.kind == "object":
            for entry, other, place in _entries(site):
                yield from _fields(entry, other, shape.items.name, place)


def _entries(site: _Site) -> Iterator[tuple[dict[str, Any], dict[str, Any], Path]]:
    """Pair the entries of a keyed list; nothing where identities repeat."""
    key = site.shape.key
    by_name = {entry[key]: entry for entry in site.live[site.key]}
    if key is not None and len(by_name) == len(site.declared):
        for entry in site.declared:
            yield entry, by_name[entry[key]], (*site.path, Item(key, entry[key]))


# --- what may be changed without changing anything else ----------------------------------------------------------


def _is_base_of_nothing(site: _Site) -> bool:
    """Return whether no declared value that is shown in another form is derived from the field."""
    if site.holder != "ResourceSpec":
        return True
    for key, (base, _) in api.LIMITS.items():
        if base == site.key:
            same_form = (site.siblings.get(key) is None) == (site.live.get(key) is None)
            if (key in site.siblings and not same_form) or not _is_base_of_nothing(_sibling(site, key)):
                return False
    return True


def _sibling(site: _Site, key: str) -> _Site:
    return _Site(site.holder, key, site.shape, (*site.path[:-1], key), site.siblings.get(key), site.live, site.siblings)


def _is_comparable(site: _Site) -> bool:
    """Return whether a scalar is declared, shown as such, and part of no identity."""
    identity = site.key in ("name", "mountPath") and isinstance(site.path[-2] if len(site.path) > 1 else "", Item)
    return (
        site.shape.kind == "scalar"
        and site.declared is not None
        and site.live.get(site.key) is not None
        and not identity
    )


# --- scalars -----------------------------------------------------------------------------------------------------


def _change_scalar(site: _Site, random: Random) -> _Changes:
    if not _is_comparable(site) or not _is_base_of_nothing(site) or _is_reference_holder(site):
        return []
    if _is_resolved(site):
        return []
    value = site.live[site.key]
    if isinstance(value, bool):
        site.live[site.key] = not value
    elif isinstance(value, int | float):
        site.live[site.key] = value + random.choice((1, 0.5, 7) if site.shape.type == "number" else (1, 128))
    elif site.key in ("integration_id", "listener_id"):
        site.live[site.key] = "ffffffff-2f3c-4a3b-8b0c-0a54d2f0c1aa"
    else:
        site.live[site.key] = f"{value}{random.choice(('x', ' ', '.', '0'))}" if value else "changed"
    return [("modified", site.path)]


def _change_type(site: _Site, random: Random) -> _Changes:
    if not _is_comparable(site) or not _is_base_of_nothing(site) or _is_reference_holder(site):
        return []
    value = site.live[site.key]
    if isinstance(value, bool):
        site.live[site.key] = random.choice((int(value), str(value).lower()))
    elif isinstance(value, int | float):
        site.live[site.key] = random.choice((str(value), [value]))
    else:
        site.live[site.key] = random.choice(([value], {"value": value}, 0, False))
    return [("modified", site.path)]


def _unset_scalar(site: _Site, random: Random) -> _Changes:
    if not _is_comparable(site) or not _is_base_of_nothing(site) or _is_reference_holder(site):
        return []
    if site.key in api.NOT_REPORTED or _is_constant(site) or not _is_shown_by_null(site):
        return []
    if "seed" in site.shape.sources and random.random() < 0.5:
        del site.live[site.key]
    else:
        site.live[site.key] = None
    return [("removed", site.path)]


def _is_constant(site: _Site) -> bool:
    constant = api.CONSTANTS.get((site.holder, site.key))
    return constant is not None and site.declared == constant


def _is_shown_by_null(site: _Site) -> bool:
    """Return whether a live null would mean another value: not if it is derived from nothing, or to the same."""
    if site.key in ("shareable", "route_through_gateway"):
        return site.declared is not False  # openapi.json: the default
    if site.holder != "ResourceSpec" or site.key not in api.LIMITS:
        return True
    base, times = api.LIMITS[site.key]
    derived, own = _effective(site.live, base), _effective(site.siblings, base)
    values = [value * times for value in (derived, own) if value is not None]
    apart = Fraction("0.2") if "cpu" in site.key else 0
    return derived is not None and all(abs(value - Fraction(repr(site.declared))) > apart for value in values)


def _effective(spec: dict[str, Any], key: str) -> Fraction | None:
    value = spec.get(key)
    if value is not None:
        return Fraction(repr(value))
    base, times = api.LIMITS.get(key, ("", 1))
    inherited = _effective(spec, base) if base else None
    return None if inherited is None else inherited * times


def _is_resolved(site: _Site) -> bool:
    return site.key == "repo_ref" and site.live.get("repo_ref") != site.declared


def _is_reference_holder(site: _Site) -> bool:
    """Return whether the order of other variables may depend on the value: a changed one may refer to others."""
    return site.holder == "EnvVar" and "$(" in str(site.declared)


def _retarget_branch(site: _Site, random: Random) -> _Changes:
    """PATCH tracked_repo_ref: the branch behind a resolved commit is another one now (docs/API.md 3.1.9)."""
    if site.key != "source_config" or not site.live.get("source_config", {}).get("repo_branch"):
        return []
    revision = site.live["source_revision_config"]
    if len(revision.get("repo_ref") or "") not in (40, 64) or site.source != "github":
        return []
    if site.siblings.get("source_revision_config", {}).get("repo_ref") == revision["repo_ref"]:
        return []
    site.live["source_config"]["repo_branch"] = "another"
    return [("modified", ("source_revision_config", "repo_ref"))]


# --- whole objects, lists and maps -------------------------------------------------------------------------------


def _unset_whole(site: _Site, random: Random) -> _Changes:
    """A partial PATCH resets what it leaves out (docs/API.md 3.2.2)."""
    if site.shape.kind == "scalar" or site.live.get(site.key) is None or not _shows(site.declared, site.shape):
        return []
    if site.key in ("secrets", "source_config", "source_revision_config", "listener_config"):
        return []
    if site.key == "resource_spec" and site.source != "external_docker":
        return []
    site.live[site.key] = None
    return [("removed", site.path)]


def _shows(value: Any, shape: Shape) -> bool:
    """Return whether something declared inside an object is missing when the object is gone."""
    if value is None:
        return False
    if shape.kind == "object":
        known = api.shapes(shape.name)
        return any(
            _shows(value.get(key), child)
            for key, child in known.items()
            if key not in api.LIMITS and "seed" in child.sources and not key.startswith(("orchestrator", "executor"))
        )
    return value not in ([], {}) or shape.kind == "free"


def _empty_list(site: _Site, random: Random) -> _Changes:
    if site.shape.kind != "list" or not site.live.get(site.key) or not site.declared or not _is_distinct(site):
        return []
    site.live[site.key] = []
    key = site.shape.key
    return [("removed", (*site.path, Item(key, e[key]))) for e in site.declared] if key else [("removed", site.path)]


def _is_distinct(site: _Site) -> bool:
    key = site.shape.key
    names = [entry[key] if key else repr(entry) for entry in site.declared]
    return len(set(names)) == len(names)


def _add_entry(site: _Site, random: Random) -> _Changes:
    if site.shape.kind != "list" or site.declared is None or not _is_distinct(site):
        return []
    items, key = site.shape.items, site.shape.key
    assert items is not None
    live = site.live.get(site.key) or []
    position = random.randint(0, len(live))
    if key is None:
        entry: Any = {"secretRef": {"name": "intruder"}} if items.kind == "free" else "--intruder"
        place: Any = None
    else:
        identity = "/intruder" if key == "mountPath" else "intruder"
        entry, place = {"name": "intruder", key: identity, "image": "x"}, Item(key, identity)
        if site.key == "env":
            entry = {"name": "intruder", "value": random.choice(("x", None))}
    site.live[site.key] = [*live[:position], entry, *live[position:]]
    if key is None:
        return [("modified" if site.declared else "added", site.path)]
    return [("added", (*site.path, place))]


def _remove_entry(site: _Site, random: Random) -> _Changes:
    if site.shape.kind != "list" or not site.live.get(site.key) or not site.declared or not _is_distinct(site):
        return []
    position = random.randrange(len(site.declared))
    key = site.shape.key
    if key is None:
        del site.live[site.key][position]
        return [("modified" if site.live[site.key] else "removed", site.path)]
    identity = site.declared[position][key]
    site.live[site.key] = [entry for entry in site.live[site.key] if entry[key] != identity]
    return [("removed", (*site.path, Item(key, identity)))]


def _set_undeclared_collection(site: _Site, random: Random) -> _Changes:
    """Set a collection that is declared null, and must therefore be unset."""
    if site.declared is not None or site.key not in ("labels", "sidecars", "env", "args", "display_name"):
        return []
    values: dict[str, Any] = {"labels": {"a": "b"}, "sidecars": [{"name": "x", "image": "y"}], "args": ["x"]}
    values |= {"env": [{"name": "x"}], "display_name": "x"}
    site.live[site.key] = values[site.key]
    return [("added", site.path)]


def _swap_init_containers(site: _Site, random: Random) -> _Changes:
    live = site.live.get(site.key)
    if site.key != "init_containers" or not live or len(live) < 2:
        return []
    first, second = random.sample(range(len(live)), 2)
    live[first], live[second] = live[second], live[first]
    return [("modified", site.path)]


def _reorder_references(site: _Site, random: Random) -> _Changes:
    live = site.live.get(site.key)
    if site.key != "env" or not live or not _is_distinct(site):
        return []
    by_name = {entry["name"]: entry for entry in site.declared}
    for _ in range(5):
        order = random.sample([entry["name"] for entry in live], len(live))
        if resolutions([by_name[name] for name in order]) != resolutions(site.declared):
            site.live[site.key] = sorted(live, key=lambda entry: order.index(entry["name"]))
            return [("modified", site.path)]
    return []


def _swap_words(site: _Site, random: Random) -> _Changes:
    live = site.live.get(site.key)
    if site.key not in ("command", "args") or not live or len(live) < 2:
        return []
    first, second = sorted(random.sample(range(len(live)), 2))
    if live[first] == live[second]:
        return []
    live[first], live[second] = live[second], live[first]
    return [("modified", (*site.path, first)), ("modified", (*site.path, second))]


# --- maps and free-form objects of Kubernetes --------------------------------------------------------------------


def _change_map(site: _Site, random: Random) -> _Changes:
    live = site.live.get(site.key)
    if site.shape.kind != "map" or not live:
        return []
    key = random.choice(list(live))
    if random.random() < 0.3:
        del live[key]
        return [("removed", (*site.path, key))] if live else _restore(site, key, random)
    live[key] = _other_quantity(live[key], random) if site.key in ("limits", "requests") else f"{live[key]}!"
    return [("modified", (*site.path, key))]


def _restore(site: _Site, key: str, random: Random) -> _Changes:
    site.live[site.key] = {}
    return [("removed", (*site.path, key))]


def _other_quantity(text: str, random: Random) -> str:
    return random.choice(random.choice([line for line in api.QUANTITIES if text not in line]))


def _add_to_map(site: _Site, random: Random) -> _Changes:
    if site.shape.kind != "map" or site.declared is None:
        return []
    site.live[site.key] = {**(site.live.get(site.key) or {}), "intruder": "1"}
    return [("added", (*site.path, "intruder"))]


def _change_free(site: _Site, random: Random) -> _Changes:
    live = site.live.get(site.key)
    if site.shape.kind != "free" or not isinstance(live, dict) or site.declared is None:
        return []
    leaves = [leaf for leaf in _leaves(live, ()) if leaf]
    if not leaves or random.random() < 0.2:
        live["intruder"] = random.choice((1, "x", False, {"a": None}, []))
        return [("added", (*site.path, "intruder"))]
    leaf = random.choice(leaves)
    holder = live
    for segment in leaf[:-1]:
        holder = holder[segment]
    value = holder[leaf[-1]]
    if random.random() < 0.3 and isinstance(leaf[-1], str):
        del holder[leaf[-1]]
        return [("removed", (*site.path, *leaf))]
    if leaf[-1] in ("sizeLimit", "divisor"):
        holder[leaf[-1]] = _other_quantity(str(value), random)
    else:
        holder[leaf[-1]] = (
            (not value) if isinstance(value, bool) else random.choice((f"{value}!", [value], {"v": value}))
        )
    return [("modified", (*site.path, *leaf))]


def _leaves(value: Any, path: Path) -> Iterator[Path]:
    if isinstance(value, dict | list):
        for key, entry in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _leaves(entry, (*path, key))
    elif value is not None:
        yield path


_MUTATIONS: dict[str, _Mutate] = {
    "a scalar has another value": _change_scalar,
    "a scalar has another type": _change_type,
    "a scalar is gone": _unset_scalar,
    "the branch behind a commit is another": _retarget_branch,
    "an object, list or map is null": _unset_whole,
    "a list is empty": _empty_list,
    "an entry is added": _add_entry,
    "an entry is gone": _remove_entry,
    "what is declared null is set": _set_undeclared_collection,
    "init containers run in another order": _swap_init_containers,
    "a variable is resolved otherwise": _reorder_references,
    "two words are swapped": _swap_words,
    "a map's entry differs": _change_map,
    "a map has one more entry": _add_to_map,
    "a free-form object differs": _change_free,
}

KINDS = tuple(_MUTATIONS)
