"""The position of each value of a YAML text, found in a second pass that runs only if positions are needed."""

from __future__ import annotations

import contextlib
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from yaml.error import YAMLError
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from driftcheck.errors import DriftcheckError
from driftcheck.yamlfile.parsed import Parsed
from driftcheck.yamlfile.problems import Position, Problem, limit, position_of

if TYPE_CHECKING:
    from yaml._yaml import Mark

KeyPath: TypeAlias = Sequence[str | int]
"""Keys and list indexes from the root of a document down to a value."""


class Node(NamedTuple):
    """The position of a collection, from `start` up to `end` (below the entries of a document's lists: `start`).

    An alias has the position of its anchor's value.
    """

    start: Mark
    end: Mark
    held: dict[str, Tree] | list[Tree] | tuple[Any, ...]
    """The children; of a small mapping each key, its position and its child, since a dict takes much memory."""
    marks: dict[str, Mark]
    """The positions of the own keys of a mapping that is not small."""

    @property
    def children(self) -> dict[str, Tree] | list[Tree]:
        """Those of a list, or of a mapping by key (merged ones included): nodes, or the positions of scalars."""
        return dict(zip(self.held[::3], self.held[2::3], strict=True)) if isinstance(self.held, tuple) else self.held

    @property
    def keys(self) -> dict[str, Mark]:
        """The positions of a mapping's own keys."""
        if not isinstance(self.held, tuple):
            return self.marks
        return {key: mark for key, mark in zip(self.held[::3], self.held[1::3], strict=True) if mark is not None}

    def pair(self, key: str) -> tuple[Mark | None, Tree] | None:
        """Return the position of a mapping's key, if it is its own, and the child of that key."""
        held = self.held
        if isinstance(held, dict):
            return (self.marks.get(key), held[key]) if key in held else None
        if isinstance(held, tuple):
            for index in range(0, len(held), 3):
                if held[index] == key:
                    return held[index + 1], held[index + 2]
        return None


Tree: TypeAlias = "Node | Mark | Position"
"""A mark is a position of libyaml's, counted from 0; it takes half the memory of one of ours."""


class StoppedError(Exception):
    """The text is not read any further."""

    def __init__(self, problem: Problem, index: int) -> None:
        super().__init__()
        self.problem = problem
        self.index = index


class Text:
    """A parsed text, and the positions of its values, found on first use."""

    def __init__(self, name: str, data: bytes, parsed: Parsed) -> None:
        self.name = name
        self.data = data
        self.parsed = parsed
        self._entry_spans: dict[tuple[int, str], list[_Span]] = {}

    @cached_property
    def trees(self) -> tuple[Tree, ...]:
        """The positions of the values of each document."""
        return positions(self.data, self.parsed)

    @cached_property
    def _defects(self) -> frozenset[Position]:
        return frozenset(problem.position for problem in self.parsed.problems)

    @cached_property
    def _documents(self) -> list[_Span]:
        return _spans(self.trees)

    def position(self, document: int, path: KeyPath, *, at_key: bool = False) -> Position:
        """Return the position of a value, or of its key, or of the nearest node around it."""
        if not at_key and len(path) == 2 and isinstance(path[0], str) and isinstance(path[1], int):
            known = self.parsed.entries[document].get(path[0], ())
            if path[1] < len(known) and (position := known[path[1]]) is not None:
                return position
        return _walk(self.trees[document], path, at_key=at_key)[0]

    def is_defective(self, document: int, path: KeyPath) -> bool:
        """Return whether a defect of the text was reported at the very scalar at a path."""
        if not self.parsed.problems:
            return False
        position, is_scalar = _walk(self.trees[document], path)
        return is_scalar and position in self._defects

    def document_at(self, position: Position) -> int | None:
        """Return the document that a position is in."""
        return _span_at(self._documents, position)

    def entry_at(self, document: int, key: str, position: Position) -> int | None:
        """Return the entry that a position is in, of the list at a key of a document's root."""
        if (document, key) not in self._entry_spans:
            entries = child(self.trees[document], key)
            children = entries.children if isinstance(entries, Node) else ()
            self._entry_spans[document, key] = _spans(children) if isinstance(children, list) else []
        return _span_at(self._entry_spans[document, key], position)

    @property
    def has_anchors(self) -> bool:
        """Whether one value may occur more than once."""
        return b"&" in self.data


_Span: TypeAlias = tuple[Position, Position, int]
"""Beginning and end of a collection, and its index."""


def _spans(trees: Sequence[Tree]) -> list[_Span]:
    nodes = ((number, tree) for number, tree in enumerate(trees) if isinstance(tree, Node))
    return sorted((tree_position(tree), position_of(tree.end), number) for number, tree in nodes)


def _span_at(spans: Sequence[_Span], position: Position) -> int | None:
    before = bisect_right(spans, position, key=itemgetter(0))
    if before and position < spans[before - 1][1]:
        return spans[before - 1][2]
    return None


def _walk(tree: Tree, path: KeyPath, *, at_key: bool = False) -> tuple[Position, bool]:
    """Return the position of the value at a path or of the nearest node around it, and whether it is a scalar's."""
    found = tree
    for number, key in enumerate(path):
        below = child(tree, key)
        if below is None:
            return tree_position(found), False
        found = below
        if at_key and number == len(path) - 1:
            found = key_of(tree, key) or found
        tree = below
    return tree_position(found), not isinstance(tree, Node)


def child(tree: Tree | None, key: str | int | None) -> Tree | None:
    """Return the child of a collection, if it has it."""
    if not isinstance(tree, Node):
        return None
    if isinstance(key, str):
        found = tree.pair(key)
        return None if found is None else found[1]
    held = tree.held
    return held[key] if isinstance(held, list) and key is not None and key < len(held) else None


def key_of(tree: Tree, key: str | int) -> Mark | None:
    """Return the position of a mapping's own key; None if a merge key brought it in."""
    found = tree.pair(key) if isinstance(tree, Node) and isinstance(key, str) else None
    return None if found is None else found[0]


def tree_position(tree: Tree) -> Position:
    """Return the position of a node or scalar."""
    if isinstance(tree, Node):
        return position_of(tree.start)
    return tree if isinstance(tree, tuple) else position_of(tree)


def positions(data: bytes, parsed: Parsed) -> tuple[Tree, ...]:
    """Return the positions of the values of a text: one tree for each document of `parsed`."""
    return tuple(_located(data, parsed.stopped, len(parsed.documents)).documents)


def duplicate_keys(data: bytes, stopped: int | None, documents: int) -> Mapping[Position, Position]:
    """Return the position of the first key for that of each duplicate of it."""
    return _located(data, stopped, documents).duplicates


def _located(data: bytes, stopped: int | None, documents: int) -> _Locator:
    locator = _Locator(data, stopped)
    with contextlib.suppress(StoppedError, YAMLError):  # the first pass has reported it
        locator.read(documents)
    return locator


def event_source(data: bytes) -> Callable[[], Any]:
    """Return the function that returns libyaml's next event."""
    try:
        from yaml._yaml import CParser
    except ImportError:
        raise DriftcheckError(
            "PyYAML was installed without libyaml, and without it reads YAML differently",
            hint="Install a PyYAML wheel for this platform, or build PyYAML with libyaml's headers.",
        ) from None
    next_event: Callable[[], Any] = CParser(data).get_event
    return next_event


def collection_start(start: Any) -> Mark:
    """Return where a collection begins: at its bracket, or its first key or entry."""
    has_properties = start.anchor is not None or start.tag is not None
    mark: Mark = start.end_mark if has_properties and not start.flow_style else start.start_mark
    return mark


class _Locator:
    """Finds the positions of the nodes of one text; it stops at the character where the reader stopped."""

    def __init__(self, data: bytes, stopped: int | None) -> None:
        self.documents: list[Tree] = []
        self.duplicates: dict[Position, Position] = {}
        next_event = event_source(data)
        self._next_event = next_event if stopped is None else partial(_next_before, stopped, next_event)
        self._anchors: dict[str, Tree] = {}
        self._texts: dict[str, str] = {}
        self._depth = 0

    def read(self, documents: int) -> None:
        """Read this number of documents; raises YAMLError or StoppedError if it can't."""
        while len(self.documents) < documents:
            event = self._next_event()
            if event.__class__ is StreamEndEvent:
                break
            if event.__class__ is DocumentStartEvent:
                self._anchors.clear()
                self._texts.clear()
                self.documents.append(self.node(self._next_event()))

    def node(self, event: Any) -> Tree:
        """Locate the value that begins with an event."""
        kind = event.__class__
        if kind is AliasEvent:
            return self._anchors.get(event.anchor, position_of(event.start_mark))
        if kind is ScalarEvent:
            tree: Tree = _scalar_position(event)
            if event.anchor is not None:
                self._texts[event.anchor] = event.value
        else:
            self._depth += 1
            node = self.mapping(event) if kind is MappingStartEvent else self.sequence(event)
            self._depth -= 1
            tree = node if self._depth < _DEEPEST else node.start
        if event.anchor is not None:
            self._anchors[event.anchor] = tree
        return tree

    def mapping(self, start: Any) -> Node:
        """Locate the values of a mapping up to its end."""
        next_event = self._next_event
        children: dict[str, Tree] = {}
        keys: dict[str, Mark] = {}
        merged: list[Tree] = []
        while (event := next_event()).__class__ is not MappingEndEvent:
            mark, key = event.start_mark, self._key(event)
            event = next_event()
            is_bare = event.__class__ is ScalarEvent and event.anchor is None and event.tag is None
            child = event.start_mark if is_bare else self.node(event)
            if key is _MERGED:
                merged.append(child)
            elif isinstance(key, str):
                if key in keys:
                    self.duplicates[position_of(mark)] = position_of(keys[key])
                children[key] = child
                keys.setdefault(key, mark)
        for key, child in _merge_sources(merged):
            children.setdefault(key, child)
        if len(children) > _SMALL:
            return self._node(start, event, children, keys)
        flat = (each for key, child in children.items() for each in (key, keys.get(key), child))
        return self._node(start, event, tuple(flat), _NO_KEYS)

    def sequence(self, start: Any) -> Node:
        """Locate the values of a list up to its end."""
        children: list[Tree] = []
        while (event := self._next_event()).__class__ is not SequenceEndEvent:
            tree = self.node(event)
            if isinstance(tree, Node) and isinstance(tree.held, list):  # no field is a list of lists
                tree = tree.start
            children.append(tree)
        return self._node(start, event, children, _NO_KEYS)

    def _node(
        self, start: Any, end: Any, children: dict[str, Tree] | list[Tree] | tuple[Any, ...], keys: dict[str, Mark]
    ) -> Node:
        begin = collection_start(start)
        return Node(begin, end.start_mark if self._depth <= _WITH_ENDS else begin, children, keys)

    def _key(self, event: Any) -> str | object | None:
        """Return a key's text, `_MERGED` for a merge key, None if it cannot be a key."""
        kind = event.__class__
        if kind is AliasEvent:
            return self._texts.get(event.anchor)
        if kind is not ScalarEvent or event.anchor is not None:
            self.node(event)
        if kind is not ScalarEvent:
            return None
        if event.value == "<<" and not event.style and event.tag is None:
            return _MERGED
        text: str = event.value
        return text


def _next_before(stopped: int, next_event: Callable[[], Any]) -> Any:
    """Return the next event of a text that was read up to a character; raises StoppedError for a node behind it."""
    event = next_event()
    mark = event.start_mark
    if mark.index >= stopped and event.__class__ in _BEGINNINGS:
        raise StoppedError(limit("the rest of the text was not read", position_of(mark)), mark.index)
    return event


_BEGINNINGS: Final = frozenset({AliasEvent, ScalarEvent, MappingStartEvent, SequenceStartEvent})
_MERGED: Final = object()
_NO_KEYS: Final[dict[str, Mark]] = {}
_SMALL: Final = 8
"""Keys of a mapping that are found by looking at each of them."""
_DEEPEST: Final = 16
"""No value that the schema describes is deeper; what is deeper has the position of the node around it."""
_WITH_ENDS: Final = 3
"""The depth of the entries of a document's lists, the ends of which are looked up."""


def _merge_sources(merged: list[Tree]) -> Iterator[tuple[str, Tree]]:
    """Yield the keys and children of every mapping that merge keys refer to, the strongest first."""
    for tree in merged:
        children = tree.children if isinstance(tree, Node) else []
        for source in children if isinstance(children, list) else [tree]:
            below = source.children if isinstance(source, Node) else []
            if isinstance(below, dict):
                yield from below.items()


def _scalar_position(event: Any) -> Mark | Position:
    """Return the position of a scalar; after its anchor and tag if it is plain and on one line with them."""
    start, end = event.start_mark, event.end_mark
    if (event.anchor or event.tag) and not event.style and start.line == end.line:
        return end.line + 1, end.column - len(event.value) + 1
    mark: Mark = start
    return mark
