"""Declarations as YAML: every deployment merged with its defaults and overlays, each value with its origin."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from driftcheck import fields
from driftcheck.fields import Field
from driftcheck.model import JSON, Declaration
from driftcheck.paths import Path, entry_segment
from driftcheck.redaction.patterns import MASK, is_secret, masks, secrets_among
from driftcheck.yamlfile import writing


def render(deployments: Iterable[Declaration], *, origins: bool = True) -> str:
    """Return deployments as one YAML document, by name; with `origins`, a comment names file and line of each value.

    Values that may be secret are masked; what is rendered without such values loads to equal deployments.
    """
    ordered = sorted(deployments, key=lambda declaration: declaration.name)
    if not ordered:
        return "deployments: []\n"
    lines = ["deployments:"]
    for declaration in ordered:
        named = {"name": declaration.name} if "name" in declaration.value else {}
        value = {**named, **declaration.value}
        rendered = list(_Rendering(declaration, origins=origins).mapping(value, (), fields.deployment(), 4))
        lines += [f"  - {rendered[0][4:]}", *rendered[1:]] if rendered else ["  - {}"]
    return "\n".join(lines) + "\n"


class _Rendering:
    def __init__(self, declaration: Declaration, *, origins: bool) -> None:
        self._declaration = declaration
        self._origins = origins

    def mapping(self, value: JSON, path: Path, field: Field | None, indent: int) -> Iterator[str]:
        """Return the lines of a mapping whose keys begin at a column."""
        hidden = masks(secrets_among(value.keys() - (field.properties.keys() if field else ())), value)
        for key, child in value.items():
            below = field.child(key) if field else None
            head = f"{' ' * indent}{writing.text(hidden.get(key, key))}:"
            yield from self._entry(head, child, (*path, key), below, indent)

    def _entry(self, head: str, value: JSON, path: Path, field: Field | None, indent: int) -> Iterator[str]:
        if isinstance(value, dict) and value:
            yield head
            yield from self.mapping(value, path, field, indent + 2)
        elif isinstance(value, list) and value:
            yield head
            yield from self._list(value, path, field, indent + 2)
        else:
            yield f"{head} {self._scalar(value, field)}{self._origin(path)}"

    def _list(self, entries: list[JSON], path: Path, field: Field | None, indent: int) -> Iterator[str]:
        key, below = (field.key, field.items) if field else (None, None)
        for index, entry in enumerate(entries):
            below_path = (*path, entry_segment(entry, index, key))
            if isinstance(entry, dict) and entry:
                first, *rest = self.mapping(entry, below_path, below, indent + 2)
                yield f"{' ' * indent}- {first[indent + 2 :]}"
                yield from rest
            elif isinstance(entry, list) and entry:
                first, *rest = self._list(entry, below_path, below, indent + 2)
                yield f"{' ' * indent}- {first[indent + 2 :]}"
                yield from rest
            else:
                yield f"{' ' * indent}- {self._scalar(entry, below)}{self._origin(below_path)}"

    def _scalar(self, value: JSON, field: Field | None) -> str:
        if isinstance(value, str) and value and ((field is not None and field.sensitive) or is_secret(value)):
            return writing.text(MASK)
        return writing.flow(value) if isinstance(value, dict | list) else writing.scalar(value)

    def _origin(self, path: Path) -> str:
        location = self._declaration.locate(path) if self._origins else None
        if location is None:
            return ""
        file = "".join(c if c.isprintable() else "?" for c in location.file)
        return f"  # {file}:{location.line}"
