"""The position of each value of a YAML text."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from functools import cached_property
from operator import itemgetter
from typing import TypeAlias

from driftcheck.yamlfile.parsed import MERGE, NO_KEY, SCALAR, Parsed
from driftcheck.yamlfile.problems import Position

KeyPath: TypeAlias = Sequence[str | int]
"""Keys and list indexes from the root of a document down to a value."""

_Span: TypeAlias = tuple[Position, Position, int]
"""Beginning and end of a collection, and its index."""


class Text:
    """A parsed text, and the positions of its values. A node is known by its number."""

    def __init__(self, name: str, data: bytes, parsed: Parsed) -> None:
        self.name = name
        self.data = data
        self.parsed = parsed
        self._entry_spans: dict[tuple[int, str], list[_Span]] = {}
        self._pairs: dict[int, dict[str, tuple[int | None, int]]] = {}
        """By mapping: the node of each key, if it is the mapping's own, and of its value."""
        self._entries: dict[int, list[int]] = {}
        """By list: the nodes of its entries."""

    @cached_property
    def _defects(self) -> frozenset[Position]:
        return frozenset(problem.position for problem in self.parsed.problems)

    @cached_property
    def _documents(self) -> list[_Span]:
        return self._spans(self.parsed.nodes.roots)

    def node(self, document: int, path: KeyPath) -> int:
        """Return the node of the value at a path, or the nearest node around it."""
        node = self.parsed.nodes.roots[document]
        for key in path:
            below = self.child(node, key)
            if below is None:
                return node
            node = below
        return node

    def position(self, document: int, path: KeyPath, *, at_key: bool = False) -> Position:
        """Return the position of a value, or of its key, or of the nearest node around it."""
        if at_key and path and isinstance(path[-1], str):
            own = self.key_node(self.node(document, path[:-1]), path[-1])
            if own is not None:
                return self.node_position(own)
        return self.node_position(self.node(document, path))

    def is_defective(self, document: int, path: KeyPath) -> bool:
        """Return whether a defect of the text was reported at the very scalar at a path."""
        if not self.parsed.problems:
            return False
        node = self.node(document, path)
        return self.parsed.nodes.links[node] == SCALAR and self.node_position(node) in self._defects

    def document_at(self, position: Position) -> int | None:
        """Return the document that a position is in."""
        return _span_at(self._documents, position)

    def entry_at(self, document: int, key: str, position: Position) -> int | None:
        """Return the entry that a position is in, of the list at a key of a document's root."""
        if (document, key) not in self._entry_spans:
            entries = self.child(self.parsed.nodes.roots[document], key)
            self._entry_spans[document, key] = [] if entries is None else self._spans(self._children(entries))
        return _span_at(self._entry_spans[document, key], position)

    @property
    def has_anchors(self) -> bool:
        """Whether one value may occur more than once."""
        return b"&" in self.data

    def child(self, node: int, key: str | int | None) -> int | None:
        """Return the child of a collection (merged keys are included) if it has it; for an alias, what that names."""
        if isinstance(key, str):
            pair = self._children_by_key(node).get(key)
            return None if pair is None else self._target(pair[1])
        entries = self._children(node)
        return self._target(entries[key]) if key is not None and key < len(entries) else None

    def key_node(self, mapping: int, key: str) -> int | None:
        """Return the node of a mapping's own key, the first of duplicates; None if a merge key brought it in."""
        pair = self._children_by_key(mapping).get(key)
        return None if pair is None else pair[0]

    def node_position(self, node: int) -> Position:
        """Return the position of a node."""
        return self.parsed.nodes.lines[node] + 1, self.parsed.nodes.columns[node] + 1

    def _target(self, node: int) -> int:
        """Return the collection that an alias names; of other nodes, the node itself."""
        link = self.parsed.nodes.links[node]
        return link if 0 < link < node else node

    def _behind(self, node: int) -> int:
        """Return the number of the node behind a value."""
        link = abs(self.parsed.nodes.links[node])
        return link if link > node else node + 1

    def _children(self, node: int) -> list[int]:
        """Return the entries of a list; of other nodes, none."""
        if node not in self._entries:
            end = -self.parsed.nodes.links[node]
            entries = self._entries[node] = []
            child = node + 1
            while child < end:
                entries.append(child)
                child = self._behind(child)
        return self._entries[node]

    def _children_by_key(self, node: int) -> dict[str, tuple[int | None, int]]:
        """Return the keys and values of a mapping over what its merge keys refer to; of other nodes, none."""
        if node not in self._pairs:
            found: dict[str, tuple[int | None, int]] = {}
            merged = self._add_pairs(node, found)
            merged.reverse()
            seen = set()
            while merged:
                source = self._target(merged.pop())
                if source not in seen:
                    seen.add(source)
                    below: dict[str, tuple[int | None, int]] = {}
                    merged += reversed(self._add_pairs(source, below))
                    for key, (_, value) in below.items():
                        found.setdefault(key, (None, value))
            self._pairs[node] = found
        return self._pairs[node]

    def _add_pairs(self, mapping: int, found: dict[str, tuple[int | None, int]]) -> list[int]:
        """Add a mapping's own keys and values, and return what its merge keys refer to."""
        links, names = self.parsed.nodes.links, self.parsed.nodes.names
        merged: list[int] = []
        key, end = mapping + 1, min(links[mapping], len(links))  # the text may have ended behind any of them
        while key + 1 < end:
            name = links[key]
            value = key + 1 if name != NO_KEY else self._behind(key + 1)
            if name == MERGE:
                merged += self._children(self._target(value)) or [value]
            elif name != NO_KEY:
                first = found.get(names[name])
                found[names[name]] = (key if first is None else first[0], value)
            key = self._behind(value) if value < end else end
        return merged

    def _spans(self, nodes: Sequence[int]) -> list[_Span]:
        spans = []
        for number, node in enumerate(map(self._target, nodes)):
            if self.parsed.nodes.links[node] != SCALAR:
                position = self.node_position(node)
                spans.append((position, self.parsed.nodes.ends.get(node, position), number))
        return sorted(spans)


def _span_at(spans: Sequence[_Span], position: Position) -> int | None:
    before = bisect_right(spans, position, key=itemgetter(0))
    if before and position < spans[before - 1][1]:
        return spans[before - 1][2]
    return None
