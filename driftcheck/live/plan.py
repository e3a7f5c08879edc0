"""How the emulated endpoint behaves: data only, readable from JSON or YAML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, Final, TypeAlias, get_args, get_origin, get_type_hints

from driftcheck.errors import UsageError
from driftcheck.model import JSON

ORDERS: Final = ("given", "reversed", "name", "newest", "random")
"""`random` is another order in every answer; `newest` sorts by `created_at`, latest first."""

OFFSETS: Final = ("next", "limit", "echo")
"""What an answer's `offset` says: offset + items, offset + limit, or the offset asked for (API.md 1.4)."""

IGNORABLE: Final = ("limit", "offset", "filters")

FAULTS: Final = (
    *("status", "redirect", "html", "empty", "cut", "drop", "drip", "silence", "gzip", "gzip_bomb", "gzip_cut"),
    *("huge", "text", "encoding", "nan", "infinity", "digits", "duplicate_keys", "deep", "list", "no_resources"),
    *("null_resources", "object_resources", "null_item", "no_id", "no_name", "no_offset", "odd_offset"),
    *("empty_page", "short_page", "first_page", "other_workspace"),
)


@dataclass(frozen=True, slots=True)
class Fault:
    """A wrong answer: to the `request`-th (from 1), to those for an `offset`, or to all; `times` of them at most."""

    kind: str
    request: int | None = None
    offset: int | None = None
    times: int | None = None
    status: int = 503
    """Of kinds `status` and `redirect`."""
    headers: Mapping[str, str] = field(default_factory=dict)
    detail: JSON = "emulated fault"
    seconds: float = 0.05
    """Of `drip`, between two bytes; of `silence`, until the connection is closed."""


@dataclass(frozen=True, slots=True)
class Edit:
    """A change of the list, made when so many requests have been answered."""

    after: int
    delete: tuple[str, ...] = ()
    """Names."""
    insert: tuple[Mapping[str, JSON], ...] = ()
    at: int = 0
    """Where to insert; counts from the end where negative."""
    order: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """The behaviour of an emulated endpoint; the default is an honest and quick one."""

    order: str = "given"
    seed: int = 0
    offsets: str = "next"
    latency: float = 0.0
    """Seconds before every answer."""
    cap: int | None = None
    """Items in a page at most, whatever `limit` says."""
    ignore: tuple[str, ...] = ()
    api_key: str | None = None
    """The one key to accept; any where there is none."""
    workspace: str | None = None
    """The one workspace the key may list."""
    require_workspace: bool = False
    enabled: bool = True
    """Whether the product is enabled for the organization."""
    tags: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The names of the deployments that carry a tag value, by its id."""
    faults: tuple[Fault, ...] = ()
    edits: tuple[Edit, ...] = ()

    def __post_init__(self) -> None:
        _one_of("order", (self.order,), ORDERS)
        _one_of("offsets", (self.offsets,), OFFSETS)
        _one_of("ignore", self.ignore, IGNORABLE)
        _one_of("kind", [fault.kind for fault in self.faults], FAULTS)
        _one_of("order", [edit.order or "given" for edit in self.edits], ORDERS)


def _one_of(key: str, values: Any, known: tuple[str, ...]) -> None:
    for value in values:
        if value not in known:
            raise UsageError(f"In the plan, {key} must be one of {', '.join(known)}.")


def read_plan(value: JSON) -> Plan:
    """Make a plan of plain values, an object with the fields of `Plan`; raises UsageError for anything else."""
    plan: Plan = _read(Plan, value, "the plan")
    return plan


_Type: TypeAlias = Any


def _read(kind: _Type, value: JSON, where: str) -> Any:
    """Make a dataclass of an object whose keys are its fields."""
    if not isinstance(value, dict):
        raise UsageError(f"{where.capitalize()} must be an object.")
    types = get_type_hints(kind)
    if unknown := value.keys() - types.keys():
        raise UsageError(f"Unknown in {where}: {', '.join(sorted(map(str, unknown)))}.")
    required = {f.name for f in fields(kind) if f.default is MISSING and f.default_factory is MISSING}
    if lacking := required - value.keys():
        raise UsageError(f"Lacking in {where}: {', '.join(sorted(lacking))}.")
    return kind(**{name: _convert(types[name], child, name) for name, child in value.items()})


def _convert(kind: _Type, value: JSON, where: str) -> Any:
    if kind is JSON:
        return value
    arguments = get_args(kind)
    if type(None) in arguments:
        return None if value is None else _convert(arguments[0], value, where)
    origin: Any = get_origin(kind)
    if origin is tuple:
        return tuple(_convert(arguments[0], child, where) for child in _checked(list, value, where))
    if origin is Mapping:
        entries = _checked(dict, value, where)
        return {name: _convert(arguments[1], child, where) for name, child in entries.items()}
    if kind in (Fault, Edit):
        return _read(kind, value, where)
    return kind(_checked((int, float) if kind is float else kind, value, where))


def _checked(kind: _Type, value: JSON, where: str) -> Any:
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise UsageError(f"In the plan, {where} has a value of the wrong type.")
    return value
