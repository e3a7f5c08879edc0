"""A model of the service: what the listing shows of a deployment that is exactly as declared.

Written from docs/API.md 2 and 3.1 and the ages of the fields in openapi.json. The service fills nulls in, leaves out
what it does not know yet, shuffles what has no order, writes equal values in other forms, derives, hides and decides
some values itself. Others may have set values that are not declared.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import ROUND_HALF_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from fractions import Fraction
from random import Random
from typing import Any

from driftcheck.paths import Item, Path
from tests.comparison import api
from tests.comparison.api import Shape

_MODES = (ROUND_HALF_UP, ROUND_HALF_DOWN, ROUND_HALF_EVEN)
_ABSENT = object()


@dataclass
class Echo:
    """A live deployment, and the declared fields that it does not show."""

    live: dict[str, Any]
    age: str
    hidden: set[Path]


@dataclass(frozen=True)
class Freedom:
    """What an answer may hold besides the declared values."""

    foreign: bool = True
    """Values that others or the service set where nothing is declared."""
    newer: bool = True
    """Fields that no known version has."""
    hiding: bool = True
    """Values that the service does not report, though it could."""
    derived: bool = True
    """Derived values shown for a declared null, and null for declared values that can be derived."""


@dataclass
class _Writer:
    random: Random
    age: str
    freedom: Freedom
    source: str
    mode: str
    hidden: set[Path] = field(default_factory=set)

    def chance(self, share: float) -> bool:
        return self.random.random() < share


def echo(declared: dict[str, Any], age: str, random: Random, freedom: Freedom = Freedom()) -> Echo:
    """Return a listing of a declared deployment by a server of an age."""
    writer = _Writer(random, age, freedom, declared.get("source", "external_docker"), random.choice(_MODES))
    live = _object(writer, declared, "Deployment", ())
    live |= {"name": declared["name"], "source": writer.source}
    if isinstance(live.get("secrets"), list):
        live["secrets"] = [{k: v for k, v in entry.items() if k != "value"} for entry in live["secrets"]]
    for key in ("source_config", "source_revision_config"):
        live[key] = live.get(key) or {}
    _resolve_commit(writer, declared, live)
    return Echo(_shuffled(writer, live), age, writer.hidden)


def _object(writer: _Writer, declared: dict[str, Any], name: str, path: Path) -> dict[str, Any]:
    live: dict[str, Any] = {}
    for key, shape in api.shapes(name).items():
        value = declared.get(key)
        if not shape.known(writer.age):
            writer.hidden |= _set_leaves(value, shape, (*path, key))
            continue
        seen = _value(writer, declared, key, shape, (*path, key), name)
        if seen is not _ABSENT and not (seen is None and value is None and writer.chance(0.3)):
            live[key] = seen
    if name == "ResourceSpec":
        _derive(writer, declared, live, path)
    if writer.freedom.newer and writer.chance(0.1):
        live["x_new"] = writer.random.choice((None, 1, "x", {"a": [1]}, [{"name": "n"}]))
    return _shuffled(writer, live)


def _set_leaves(value: Any, shape: Shape, path: Path) -> set[Path]:
    if value is None or (value in ([], {}) and path[-1] not in api.EMPTY_MEANS_SOMETHING):
        return set()
    if shape.kind != "object":
        return {path}
    known = api.shapes(shape.name)
    return set().union(*(_set_leaves(value.get(key), child, (*path, key)) for key, child in known.items()))


def _value(writer: _Writer, parent: dict[str, Any], key: str, shape: Shape, path: Path, holder: str) -> Any:
    declared = parent.get(key)
    if key in api.READ_ONLY:
        return _read_only(writer, key)
    if writer.source in api.PLATFORM_SET.get(key, ()):
        return _platform_value(writer, key, declared, path)
    if key in api.NOT_REPORTED and writer.freedom.hiding and writer.chance(0.6):
        writer.hidden |= _set_leaves(declared, shape, path)
        return None
    if key == "listener_config" and writer.freedom.hiding and writer.chance(0.4):
        writer.hidden |= _set_leaves(declared, shape, path)
        return None
    if key == "resource_spec" and writer.source != "external_docker" and writer.freedom.hiding and writer.chance(0.5):
        writer.hidden |= _set_leaves(declared, shape, path)
        return None
    if declared is None:
        return _undeclared(writer, parent, key, shape, holder)
    if (holder, key) in api.CONSTANTS and declared == api.CONSTANTS[holder, key] and writer.chance(0.5):
        return None
    return _rewritten(writer, declared, shape, path)


def _rewritten(writer: _Writer, declared: Any, shape: Shape, path: Path) -> Any:
    key = path[-1]
    if declared in ([], {}) and key not in api.EMPTY_MEANS_SOMETHING and shape.kind != "scalar":
        return writer.random.choice((None, declared, declared))
    if shape.kind == "object":
        return _object(writer, declared, shape.name, path)
    if shape.kind == "list":
        return _list(writer, declared, shape, path)
    if shape.kind == "map":
        return _shuffled(
            writer, {k: _quantity(writer, v) if key in ("limits", "requests") else v for k, v in declared.items()}
        )
    if shape.kind == "free":
        return _free(writer, declared)
    return _scalar(writer, declared, str(key))


def _list(writer: _Writer, declared: list[Any], shape: Shape, path: Path) -> list[Any]:
    assert shape.items is not None
    items = shape.items
    if shape.key is None:
        return [_rewritten(writer, entry, items, (*path, index)) for index, entry in enumerate(declared)]
    names = [entry[shape.key] for entry in declared]
    unique = len(set(names)) == len(names)
    entries = [
        _object(writer, entry, items.name, (*path, Item(shape.key, name) if unique else index))
        for index, (name, entry) in enumerate(zip(names, declared, strict=True))
    ]
    order = list(range(len(entries)))
    if unique and path[-1] != "init_containers":
        shuffled = writer.random.sample(order, len(order))
        if path[-1] != "env" or resolutions([declared[i] for i in shuffled]) == resolutions(declared):
            order = shuffled
    return [entries[index] for index in order]


def resolutions(env: list[dict[str, Any]]) -> set[tuple[str, str]]:
    """Return the pairs of a variable and an earlier one that its value refers to: what Kubernetes expands."""
    found, earlier = set(), []
    for entry in env:
        text = (entry.get("value") or "").replace("$$", "")
        found |= {(entry["name"], other) for other in earlier if f"$({other})" in text}
        earlier.append(entry["name"])
    return found


def _free(writer: _Writer, declared: Any, key: str = "") -> Any:
    if isinstance(declared, dict):
        value = {k: _free(writer, v, k) for k, v in declared.items()}
        if writer.chance(0.1):
            value["absent"] = None
        return _shuffled(writer, value)
    if isinstance(declared, list):
        return [_free(writer, entry) for entry in declared]
    return _quantity(writer, declared) if key in ("sizeLimit", "divisor") else declared


def _quantity(writer: _Writer, declared: Any) -> Any:
    return writer.random.choice(next((line for line in api.QUANTITIES if str(declared) in line), (declared,)))


def _scalar(writer: _Writer, declared: Any, key: str) -> Any:
    if isinstance(declared, bool) or declared is None:
        return declared
    if isinstance(declared, int | float):
        value = rounded(declared, writer.mode) if key in api.ROUNDED else declared
        return writer.random.choice((int(value), float(value))) if value == int(value) else value
    if key in ("integration_id", "listener_id"):
        return writer.random.choice((declared.lower(), declared.upper()))
    return _url(writer, declared) if key == "repo_url" else declared


def rounded(value: float, mode: str) -> float:
    """Round to one decimal, halves by the given mode."""
    return float(Decimal(repr(value)).quantize(Decimal("0.1"), rounding=mode))


def _url(writer: _Writer, url: str) -> str:
    scheme, _, rest = url.rstrip("/").removesuffix(".git").partition("://")
    host, _, path = rest.partition("/")
    host = writer.random.choice((host, host.lower(), host.upper()))
    if host.lower() == "github.com":
        path = writer.random.choice((path, path.lower(), path.upper()))
    return f"{scheme}://{host}/{path}{writer.random.choice(('', '.git', '/', '.git/'))}"


def _undeclared(writer: _Writer, parent: dict[str, Any], key: str, shape: Shape, holder: str) -> Any:
    """Draw a value where nothing is declared: unset in one of its forms, or set by somebody else."""
    constant = api.CONSTANTS.get((holder, key))
    if key in parent or not writer.freedom.foreign or not writer.chance(0.3) or holder == "Volume":
        own = [{"shareable": False, "route_through_gateway": False}.get(key, constant)]
        empty = {"list": [], "map": {}}.get(shape.kind)
        return writer.random.choice((None, *own, empty))
    if key in api.LIMITS or (holder == "EnvVar" and key == "value") or key == "deployment_type":
        return None
    if shape.kind == "scalar":
        return {"string": "foreign", "boolean": True, "integer": 3, "number": 3.5}[shape.type]
    if shape.kind == "map":
        return {"foreign": "1"}
    return None


def _read_only(writer: _Writer, key: str) -> Any:
    if key in ("is_preview", "is_managed_deep_agent"):
        return False
    if key == "status":
        return writer.random.choice(("READY", "AWAITING_DATABASE", "UNUSED", "UNKNOWN", "SOMETHING_NEW"))
    if key == "tracked_packages":
        return ["langgraph==1.0"]
    if key == "repo_branch":
        return None
    if key in ("latest_revision_id", "active_revision_id"):
        return "c1a2b3c4-d5e6-4f70-8192-a3b4c5d6e7f8"
    return {"id": "0b6d7f10-52a5-4b44-8f5c-6c1f0e9d2a31", "created_at": "2026-02-03T14:21:07Z"}.get(key, f"the {key}")


def _platform_value(writer: _Writer, key: str, declared: Any, path: Path) -> Any:
    own = {"deployment_type": "prod", "build_on_push": False}.get(key, f"https://{key}.us.langgraph.app")
    seen = writer.random.choice((own, None, declared) if writer.freedom.hiding else (own,))
    if declared is not None and seen != declared:
        writer.hidden.add(path)
    return seen


def _resolve_commit(writer: _Writer, declared: dict[str, Any], live: dict[str, Any]) -> None:
    """Show the commit of a branch instead of its name, and the branch beside it if the server reports that."""
    revision = live["source_revision_config"]
    ref = declared.get("source_revision_config", {}).get("repo_ref")
    is_branch = isinstance(ref, str) and not ref.startswith("refs/") and len(ref) != 40
    names_branch = api.shapes("SourceConfig")["repo_branch"].known(writer.age)
    if is_branch and names_branch:
        live["source_config"]["repo_branch"] = ref
    if is_branch and writer.freedom.hiding and writer.chance(0.5):
        revision["repo_ref"] = (
            "0123456789abcdef" * writer.random.choice((4,)) if writer.chance(0.2) else "4c9f1b7a0d" * 4
        )
        if not names_branch:
            writer.hidden.add(("source_revision_config", "repo_ref"))


def _derive(writer: _Writer, declared: dict[str, Any], live: dict[str, Any], path: Path) -> None:
    """Show a declared value that the service derives as null, and a null as the derived value."""
    if not writer.freedom.derived:
        return
    known = api.shapes("ResourceSpec")
    for key, (base, times) in api.LIMITS.items():
        if not known[key].known(writer.age):
            _derive_unknown_field(writer, declared, live, key, path)
            continue
        exact = _exact(writer, declared, live, base)
        if exact is None:
            continue
        value = declared.get(key)
        if value is not None:
            if Fraction(repr(value)) == exact * times and writer.chance(0.5):
                live[key] = None
        elif live.get(key) is None and writer.chance(0.3):
            live[key] = _scalar(
                writer, float(exact * times) if key.endswith(("cpu", "cpu_limit")) else int(exact * times), key
            )


def _derive_unknown_field(
    writer: _Writer, declared: dict[str, Any], live: dict[str, Any], key: str, path: Path
) -> None:
    """Set a field that the server does not know to the value that null means, if that is known."""
    base, times = api.LIMITS[key]
    exact = _exact(writer, declared, live, base)
    if declared.get(key) is not None and exact is not None and Fraction(repr(declared[key])) == exact * times:
        writer.hidden.discard((*path, key))


def _exact(writer: _Writer, declared: dict[str, Any], live: dict[str, Any], key: str) -> Fraction | None:
    """Return the value behind what is live, before it was rounded; None where it is unknown."""
    seen, wanted = _effective(live, key), _effective(declared, key)
    if seen is None:
        return None
    if wanted is not None and _as_stored(writer, wanted, key) == seen:
        return wanted
    return seen


def _as_stored(writer: _Writer, value: Fraction, key: str) -> Fraction:
    return Fraction(repr(rounded(float(value), writer.mode))) if key in api.ROUNDED else value


def _effective(spec: dict[str, Any], key: str) -> Fraction | None:
    value = spec.get(key)
    if value is not None:
        return Fraction(repr(value))
    if key not in api.LIMITS:
        return None
    base, times = api.LIMITS[key]
    inherited = _effective(spec, base)
    return None if inherited is None else inherited * times


def _shuffled(writer: _Writer, value: dict[str, Any]) -> dict[str, Any]:
    return {key: value[key] for key in writer.random.sample(list(value), len(value))}


def without(freedom: Freedom, *names: str) -> Freedom:
    """Return a freedom without some of its parts."""
    return replace(freedom, **dict.fromkeys(names, False))
