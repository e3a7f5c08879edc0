"""Exported declarations as YAML text: fields in the schema's order, a comment for each omission.

Strings that YAML 1.1 and 1.2 read differently are quoted, so that both read the same values back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from driftcheck.declarations.export import Exported
from driftcheck.model import ABSENT, JSON
from driftcheck.paths import format_path, value_at
from driftcheck.yamlfile import writing
from driftcheck.yamlfile.writing import Layout

SCHEMA_FILE: Final = "declaration.schema.json"
"""The schema's path in the comment for editors: next to the declarations."""


def write(exports: Sequence[Exported], *, notices: Iterable[str] = ()) -> str:
    """Write a file of declarations (docs/contract.md); `notices` are comments at its top, a line each."""
    lines = [f"# yaml-language-server: $schema={SCHEMA_FILE}", *(f"# {notice}" for notice in notices)]
    if exports:
        lines += ["deployments:", "\n\n".join(_entry(export.value, _comments(export)) for export in exports)]
    else:
        lines.append("deployments: []")
    ignores = [rule for export in exports for rule in ignore_rules(export)]
    if ignores:
        lines += ["", "ignore:", *writing.block(ignores, 2)]
    return "\n".join(lines) + "\n"


def write_overlay(values: Sequence[Mapping[str, JSON]]) -> str:
    """Write a file of overlays."""
    entries = "\n\n".join(map(_entry, values))
    return f"# yaml-language-server: $schema={SCHEMA_FILE}\noverlay:\n{entries}\n"


def _entry(value: Mapping[str, JSON], layout: Layout = writing.LAYOUT) -> str:
    return "\n".join(writing.block([value], 2, layout))


def ignore_rules(export: Exported) -> list[dict[str, JSON]]:
    """Return the ignore rules for what differs from live, each limited to the live value that it is made for."""
    name = export.resulting_name or export.name
    return [
        {
            "deployment": name,
            "path": format_path(note.path),
            **({} if note.live is ABSENT else {"live": {"equals": note.live}}),
            "reason": f"not exported: {note.reason}",
        }
        for note in export.ignores
    ]


def _comments(export: Exported) -> Layout:
    """Return a layout with comments on what is left out, each in the collection that lacks it."""
    found: dict[writing.Pointer, list[str]] = {}
    for note in export.notes:
        holder: JSON = export.value
        at: writing.Pointer = ()
        for segment in note.path[:-1]:
            inner = value_at(holder, (segment,))
            if isinstance(segment, int) or not isinstance(inner, dict | list):
                break
            at = (*at, segment if isinstance(segment, str) else holder.index(inner))
            holder = inner
        text = f"# {format_path(note.path[len(at) :])} is not exported: {note.reason}".replace("##[", r"##\x5b")
        found.setdefault((0, *at), []).append(text)
    return Layout(below=found)
