"""Exported declarations as YAML text: fields in the schema's order, a comment for each omission.

Strings that YAML 1.1 and 1.2 read differently are quoted, so that both read the same values back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from driftcheck.declarations.export import Exported
from driftcheck.model import ABSENT, JSON
from driftcheck.paths import Item, format_path
from driftcheck.yamlfile import writing

SCHEMA_FILE: Final = "declaration.schema.json"
"""Where the editor's line looks for the schema: next to the declarations."""


def write(exports: Sequence[Exported], *, notices: Iterable[str] = ()) -> str:
    """Write a file of declarations (docs/contract.md); `notices` are comments at its top, a line each."""
    lines = [f"# yaml-language-server: $schema={SCHEMA_FILE}", *(f"# {notice}" for notice in notices)]
    if exports:
        lines.append("deployments:")
        entries = ("\n".join(_entry(export.value, "  ", _comments(export))) for export in exports)
        lines.append("\n\n".join(entries))
    else:
        lines.append("deployments: []")
    ignores = [line for export in exports for rule in ignore_rules(export) for line in _entry(rule, "  ", {})]
    if ignores:
        lines += ["", "ignore:", *ignores]
    return "\n".join(lines) + "\n"


def write_overlay(values: Sequence[Mapping[str, JSON]]) -> str:
    """Write a file of overlays."""
    entries = ("\n".join(_entry(value, "  ", {})) for value in values)
    return f"# yaml-language-server: $schema={SCHEMA_FILE}\noverlay:\n" + "\n\n".join(entries) + "\n"


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


def _comments(export: Exported) -> dict[int, list[str]]:
    """Return comment lines by the id of the collection that they belong to: the one with an omission."""
    found: dict[int, list[str]] = {}
    for note in export.notes:
        holder: Any = export.value
        depth = 0
        while depth < len(note.path) - 1 and (inner := _inside(holder, note.path[depth])) is not None:
            holder, depth = inner, depth + 1
        text = f"# {format_path(note.path[depth:])} is not exported: {note.reason}".replace("##[", r"##\x5b")
        found.setdefault(id(holder), []).append(text)
    return found


def _inside(holder: Any, segment: object) -> Any:
    """Return the collection that a segment leads to, if there is one."""
    inner = None
    if isinstance(segment, Item) and isinstance(holder, list):
        inner = next((e for e in holder if isinstance(e, dict) and e.get(segment.key) == segment.value), None)
    elif isinstance(segment, str) and isinstance(holder, dict):
        inner = holder.get(segment)
    return inner if isinstance(inner, dict | list) else None


def _mapping(value: Mapping[str, JSON], indent: str, comments: Mapping[int, list[str]]) -> Iterator[str]:
    for key, child in value.items():
        yield from _node(f"{indent}{writing.text(key)}:", child, f"{indent}  ", comments)
    yield from (f"{indent}{comment}" for comment in comments.get(id(value), ()))


def _entry(value: JSON, indent: str, comments: Mapping[int, list[str]]) -> Iterator[str]:
    """Write an entry of a list; the first line of what it holds follows the dash."""
    if not isinstance(value, dict | list) or not value:
        yield from _node(f"{indent}-", value, f"{indent}  ", comments)
        return
    lines = _collection(value, f"{indent}  ", comments)
    yield f"{indent}- {next(lines).removeprefix(f'{indent}  ')}"
    yield from lines


def _node(head: str, value: JSON, indent: str, comments: Mapping[int, list[str]]) -> Iterator[str]:
    if not isinstance(value, dict | list):
        yield f"{head} {writing.scalar(value)}"
    elif value:
        yield head
        yield from _collection(value, indent, comments)
    else:
        yield f"{head} {'{}' if isinstance(value, dict) else '[]'}"
        yield from (f"{indent}{comment}" for comment in comments.get(id(value), ()))


def _collection(value: dict[str, JSON] | list[JSON], indent: str, comments: Mapping[int, list[str]]) -> Iterator[str]:
    if isinstance(value, dict):
        yield from _mapping(value, indent, comments)
        return
    for entry in value:
        yield from _entry(entry, indent, comments)
    yield from (f"{indent}{comment}" for comment in comments.get(id(value), ()))
