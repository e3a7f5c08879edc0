"""Declarations as YAML: every deployment merged with its defaults and overlays, each value with its origin."""

from __future__ import annotations

from collections.abc import Iterable

from driftcheck import fields
from driftcheck.fields import UNKNOWN, Field
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
        copy = _Copy(declaration if origins else None)
        value = copy.of({**named, **declaration.value}, (), (0,), fields.deployment())
        lines += writing.block([value], 2, writing.Layout(beside=copy.origins))
    return "\n".join(lines) + "\n"


class _Copy:
    """Copies values with masks instead of possible secrets, and collects the origins of scalars as comments."""

    def __init__(self, located: Declaration | None) -> None:
        self._located = located
        self.origins: dict[writing.Pointer, str] = {}

    def of(self, value: JSON, path: Path, at: writing.Pointer, field: Field) -> JSON:
        """Return the copy of a value; `at` is where it is in the copy."""
        if isinstance(value, dict) and value:
            masked = masks(secrets_among(value.keys() - field.properties.keys()), value)
            shown: dict[str, str] = {**dict(zip(value, value, strict=True)), **masked}
            return {
                shown[key]: self.of(child, (*path, key), (*at, shown[key]), field.child(key) or UNKNOWN)
                for key, child in value.items()
            }
        if isinstance(value, list) and value:
            return [
                self.of(each, (*path, entry_segment(each, index, field.key)), (*at, index), field.items or UNKNOWN)
                for index, each in enumerate(value)
            ]
        location = self._located.locate(path) if self._located else None
        if location is not None:
            file = "".join(c if c.isprintable() else "?" for c in location.file)
            self.origins[at] = f"  # {file}:{location.line}"
        return MASK if isinstance(value, str) and value and (field.sensitive or is_secret(value)) else value
