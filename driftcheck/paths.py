"""Paths: where a value is in a deployment, by keys, indices and identities of list entries."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias


@dataclass(frozen=True, slots=True)
class Item:
    """A list entry named by its identity: `sidecars[name=otel]` holds `Item("name", "otel")`."""

    key: str
    value: str


Segment: TypeAlias = str | int | Item
Path: TypeAlias = tuple[Segment, ...]

_PLAIN_KEY: Final = re.compile(r"[A-Za-z0-9_-]+\Z")
_PLAIN_IDENTITY: Final = re.compile(r"[A-Za-z0-9_./-]+\Z")
_TOKEN: Final = re.compile(
    r"""
      \.?(?P<name>[A-Za-z0-9_-]+)
    | \[(?P<quoted>"(?:[^"\\]|\\.)*")\]
    | \[(?P<index>[0-9]+)\]
    | \[(?P<key>[A-Za-z0-9_-]+)=(?P<value>"(?:[^"\\]|\\.)*"|[A-Za-z0-9_./-]+)\]
    """,
    re.VERBOSE,
)


def format_path(path: Sequence[Segment]) -> str:
    """Write a path as the reports do: `env[name="A B"]`, `labels["a.b"]`, `args[0]` (docs/contract.md, JSON report)."""
    text = ""
    for segment in path:
        if isinstance(segment, Item):
            text += f"[{segment.key}={_quote_unless(_PLAIN_IDENTITY, segment.value)}]"
        elif isinstance(segment, int):
            text += f"[{segment}]"
        elif _PLAIN_KEY.match(segment):
            text += f".{segment}" if text else segment
        else:
            text += f"[{json.dumps(segment)}]"
    return text


def _quote_unless(plain: re.Pattern[str], text: str) -> str:
    return text if plain.match(text) else json.dumps(text)


def parse_path(text: str) -> Path:
    """Read what `format_path` wrote; raises ValueError if the text is not a path."""
    path: list[Segment] = []
    position = 0
    while position < len(text):
        token = _TOKEN.match(text, position)
        if token is None:
            raise ValueError(f"not a path from character {position + 1} on")
        path.append(_segment(token))
        position = token.end()
    return tuple(path)


def _segment(token: re.Match[str]) -> Segment:
    if (name := token["name"]) is not None:
        return name
    if (quoted := token["quoted"]) is not None:
        return str(json.loads(quoted))
    if (index := token["index"]) is not None:
        return int(index)
    value = token["value"]
    return Item(token["key"], str(json.loads(value)) if value.startswith('"') else value)


def to_json(path: Path) -> list[Any]:
    """Return the segments as JSON; an `Item` is an object with one key."""
    return [{s.key: s.value} if isinstance(s, Item) else s for s in path]


def from_json(segments: Sequence[Any]) -> Path:
    """Read what `to_json` returned."""
    return tuple(Item(*next(iter(s.items()))) if isinstance(s, Mapping) else s for s in segments)


def sort_key(path: Path) -> list[tuple[int, int, str, str]]:
    """Return a key that orders paths segment by segment: keys, then positions, then identities."""
    return [
        (1, segment, "", "")
        if isinstance(segment, int)
        else (2, 0, segment.key, segment.value)
        if isinstance(segment, Item)
        else (0, 0, segment, "")
        for segment in path
    ]


def entry_segment(entry: Any, index: int, key: str | None) -> Segment:
    """Return how a path names an entry of a list: by its identity (its string at `key`), otherwise by its index."""
    identity = entry.get(key) if key is not None and isinstance(entry, dict) else None
    return Item(key, identity) if key is not None and isinstance(identity, str) else index


def indices_by_identity(entries: Any, key: str | None) -> dict[str, int] | None:
    """Return the index of each entry of a list by identity; None unless every entry has one that no other has."""
    if key is None or not isinstance(entries, list):
        return None
    found: dict[str, int] = {}
    for index, entry in enumerate(entries):
        identity = entry.get(key) if isinstance(entry, dict) else None
        if not isinstance(identity, str) or identity in found:
            return None
        found[identity] = index
    return found


class Lookup:
    """Looks values up by path; searches each list once. Only `append` may change a list in the meantime."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, str], tuple[list[Any], dict[str, int]]] = {}

    def value(self, root: Any, path: Path, default: Any = None) -> Any:
        """Return the value at a path, or the default."""
        found = root
        for segment in path:
            if isinstance(found, dict) and isinstance(segment, str):
                if segment not in found:
                    return default
                found = found[segment]
            else:
                index = self.index(found, segment)
                if index is None:
                    return default
                found = found[index]
        return found

    def append(self, entries: list[Any], entry: Any) -> None:
        """Add an entry at the end of a list."""
        entries.append(entry)
        for (known, key), (_, found) in self._known.items():
            if known == id(entries) and isinstance(entry, dict) and isinstance(entry.get(key), str):
                found.setdefault(entry[key], len(entries) - 1)

    def index(self, entries: Any, segment: Segment) -> int | None:
        """Return the index of the entry of a list that a segment names, the first of several."""
        if not isinstance(entries, list) or isinstance(segment, str):
            return None
        if isinstance(segment, int):
            return segment if segment < len(entries) else None
        known = self._known.get((id(entries), segment.key))
        if known is None:
            found: dict[str, int] = {}
            for index, entry in enumerate(entries):
                if isinstance(entry, dict) and isinstance(entry.get(segment.key), str):
                    found.setdefault(entry[segment.key], index)
            known = self._known[id(entries), segment.key] = (entries, found)  # which keeps the list, and so its id
        return known[1].get(segment.value)


def value_at(root: Any, path: Path, default: Any = None) -> Any:
    """Return the value at a path, or the default."""
    return Lookup().value(root, path, default)


def split_pattern(pattern: str) -> Iterator[str]:
    """Cut a pattern into segments at dots and brackets outside quotes."""
    for token in re.finditer(r'\[(?:"(?:[^"\\]|\\.)*"|[^\]"]|"(?:[^"\\]|\\.)*")*\]|[^.\[]+', pattern):
        text = token.group()
        if text.startswith('["') and text.endswith('"]'):
            with contextlib.suppress(ValueError):
                text = str(json.loads(text[1:-1]))
        yield text


def segment_texts(path: Path) -> Iterator[str]:
    """Yield each segment of a path as patterns write it."""
    for segment in path:
        yield segment if isinstance(segment, str) else format_path((segment,))


def glob_matches(pattern: str, text: str) -> bool:
    """Return whether a text matches a pattern in which only `*` is special; linear, never a regex."""
    first, *rest = pattern.split("*")
    if not rest:
        return pattern == text
    if not text.startswith(first) or len(text) < len(first) + len(rest[-1]) or not text.endswith(rest[-1]):
        return False
    position, end = len(first), len(text) - len(rest[-1])
    for part in rest[:-1]:
        position = text.find(part, position, end)
        if position < 0:
            return False
        position += len(part)
    return True
