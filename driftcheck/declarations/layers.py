"""Where values stand in the files that the user wrote; found on first use, from the text in memory."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter

from driftcheck.declarations.schema import Violation
from driftcheck.model import JSON, Location
from driftcheck.paths import Item, Path
from driftcheck.yamlfile import reader
from driftcheck.yamlfile.reader import Node, Parsed, Place, Tree, place_of


class Source:
    """One text: what it holds, and where."""

    def __init__(self, name: str, data: bytes) -> None:
        self.name = name
        self.parsed: Parsed = reader.parse(data)
        self._data = data
        self._trees: tuple[Tree, ...] | None = None
        self._problem_places: frozenset[Place] | None = None
        self._spans: list[tuple[Place, Place, int]] | None = None
        self._entry_spans: dict[int, list[tuple[Place, Place, int]]] = {}

    def location(self, place: Place) -> Location:
        """Give a place of this text as a location."""
        return Location(self.name, *place)

    @property
    def trees(self) -> tuple[Tree, ...]:
        """Where the values of each document stand."""
        if self._trees is None:
            self._trees = reader.positions(self._data, self.parsed)
        return self._trees

    def locate(self, document: int, path: Sequence[str | int], *, at_key: bool = False) -> Location:
        """Give the location of a value of a document, or of the nearest node around it."""
        return self.location(_walk(self.trees[document], path, at_key=at_key)[0])

    def place(self, document: int, violation: Violation) -> Location:
        """Give the location of a violation whose path begins at the document's root."""
        return self.locate(document, violation.path, at_key=violation.at_key)

    def has_problem(self, document: int, violation: Violation) -> bool:
        """Tell whether a problem of the text was told of the very value that a violation is about."""
        if not self.parsed.problems or violation.at_key:
            return False
        if self._problem_places is None:
            self._problem_places = frozenset(problem.place for problem in self.parsed.problems)
        place, is_scalar = _walk(self.trees[document], violation.path)
        return is_scalar and place in self._problem_places

    def document_at(self, place: Place) -> int | None:
        """Give the document that a place lies in."""
        if self._spans is None:
            self._spans = _spans(self.trees)
        return _span_at(self._spans, place)

    def deployment_at(self, document: int, place: Place) -> int | None:
        """Give the deployment (by position) that a place lies in."""
        if document not in self._entry_spans:
            deployments = _child(self.trees[document], "deployments")
            children = deployments.children if isinstance(deployments, Node) else ()
            self._entry_spans[document] = _spans(children) if isinstance(children, list) else []
        return _span_at(self._entry_spans[document], place)

    @property
    def has_anchors(self) -> bool:
        """Tell whether one value may stand in several places."""
        return b"&" in self._data


def _spans(trees: Sequence[Tree]) -> list[tuple[Place, Place, int]]:
    """Give beginning, end and position of each collection, sorted."""
    nodes = ((number, tree) for number, tree in enumerate(trees) if isinstance(tree, Node))
    return sorted((place_of(tree), place_of(tree.end), number) for number, tree in nodes)


def _span_at(spans: Sequence[tuple[Place, Place, int]], place: Place) -> int | None:
    before = bisect_right(spans, place, key=itemgetter(0))
    if before and place < spans[before - 1][1]:
        return spans[before - 1][2]
    return None


@dataclass(frozen=True, slots=True)
class Layers:
    """Where the parts of one deployment stand: in its own entry, and below it in the document's defaults."""

    source: Source
    document: int
    index: int

    def find(self, value: JSON, path: Path) -> Place:
        """Give the place of what stands at a path of the deployment `value`, or of the nearest node around it."""
        return self._find(value, path, at_key=False)

    def locate(self, value: JSON, path: Path) -> Location:
        """Give the location of what stands at a path of the deployment `value`, or of the nearest node around it."""
        return self.source.location(self.find(value, path))

    def place(self, value: JSON, violation: Violation) -> Location:
        """Give the location of a violation whose path begins at the deployment."""
        return self.source.location(self._find(value, violation.path, at_key=violation.at_key))

    def _find(self, value: JSON, path: Path, *, at_key: bool) -> Place:
        root = self.source.trees[self.document]
        entry = _child(_child(root, "deployments"), self.index)
        if entry is None:
            return _walk(root, ("deployments", self.index))[0]
        defaults = _child(root, "defaults")
        layers = [entry] if defaults is None else [entry, defaults]
        found: Tree = entry
        for number, segment in enumerate(path):
            key = _position(value, segment) if isinstance(segment, Item) else segment
            below = [child for layer in layers if (child := _child(layer, key)) is not None]
            if not below:
                break
            found = below[0]
            if at_key and number == len(path) - 1:
                found = _key_of(layers, key) or found
            layers = [tree for tree in below if _is_mapping(tree)] if _is_mapping(below[0]) else below[:1]
            value = _entry(value, key)
        return place_of(found)


def _walk(tree: Tree, path: Sequence[str | int], *, at_key: bool = False) -> tuple[Place, bool]:
    """Give the place of the value at a path or of the nearest node around it, and whether it is that of a scalar."""
    found = tree
    for number, key in enumerate(path):
        child = _child(tree, key)
        if child is None:
            return place_of(found), False
        found = child
        if at_key and number == len(path) - 1:
            found = _key_of([tree], key) or found
        tree = child
    return place_of(found), not isinstance(tree, Node)


def _is_mapping(tree: Tree) -> bool:
    return isinstance(tree, Node) and isinstance(tree.children, dict)


def _child(tree: Tree | None, key: str | int | None) -> Tree | None:
    if not isinstance(tree, Node):
        return None
    children = tree.children
    if isinstance(children, dict):
        return children.get(key) if isinstance(key, str) else None
    return children[key] if isinstance(key, int) and key < len(children) else None


def _key_of(layers: Sequence[Tree], key: str | int | None) -> Tree | None:
    """Give the place of a key in the first layer that holds it; None where it came there by a merge key."""
    for layer in layers:
        if isinstance(layer, Node) and isinstance(key, str) and key in layer.children:
            return layer.keys.get(key)
    return None


def _position(value: JSON, item: Item) -> int | None:
    """Give the position of the entry that an identity names."""
    for index, entry in enumerate(value if isinstance(value, list) else ()):
        if isinstance(entry, dict) and entry.get(item.key) == item.value:
            return index
    return None


def _entry(value: JSON, key: str | int | None) -> JSON:
    if isinstance(value, dict):
        return value.get(key)
    return value[key] if isinstance(value, list) and isinstance(key, int) and key < len(value) else None
