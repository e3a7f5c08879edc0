"""The layers of a deployment (defaults, its own entry, overlays): merges them, and locates each value.

Mappings merge. Lists replace lists below them, except that an overlay's list of entries with identities merges.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, NamedTuple

from driftcheck import fields
from driftcheck.declarations.schema import Violation
from driftcheck.fields import UNKNOWN, Field
from driftcheck.model import ABSENT, JSON, Absent, Location
from driftcheck.paths import Item, Lookup, Path, Segment, entry_segment, indices_by_identity
from driftcheck.yamlfile.positions import Text

MAX_MERGED: Final = 500_000
"""Entries of mappings and lists that merging may copy for the deployments of one file."""


class TooLargeError(Exception):
    """Merging copies more than it may."""


class Merging:
    """Merges layers, within a budget."""

    def __init__(self) -> None:
        self._left = MAX_MERGED

    def merge(self, under: JSON, over: JSON, field: Field = UNKNOWN) -> JSON:
        """Return a value over another one; raises TooLargeError past the budget.

        With the field of the values, lists whose entries have an identity merge; without it all lists replace.
        """
        if isinstance(under, dict) and isinstance(over, dict):
            self._spend(len(under) + len(over))
            merged = {**under, **over}
            for key, value in over.items():
                if key in under:
                    merged[key] = self.merge(under[key], value, field.child(key) or UNKNOWN)
            return merged
        if isinstance(under, list) and isinstance(over, list):
            return self._merge_lists(under, over, field)
        return over

    def _merge_lists(self, under: list[JSON], over: list[JSON], field: Field) -> list[JSON]:
        """Return a list over another one: entries of the same identity merge, others are added."""
        known, added = indices_by_identity(under, field.key), indices_by_identity(over, field.key)
        if known is None or added is None:
            return over
        self._spend(len(under) + len(over))
        merged = list(under)
        for identity, index in added.items():
            if identity in known:
                entry = merged[known[identity]]
                merged[known[identity]] = self.merge(entry, over[index], field.items or UNKNOWN)
            else:
                merged.append(over[index])
        return merged

    def _spend(self, entries: int) -> None:
        self._left -= entries
        if self._left < 0:
            raise TooLargeError


def merged(under: JSON | Absent, over: JSON | Absent, field: Field = UNKNOWN) -> JSON | Absent:
    """Return a value over another one, as `Merging.merge` does; ABSENT if neither layer has one."""
    return under if over is ABSENT else Merging().merge(under, over, field)


class Layer(NamedTuple):
    """A mapping that sets values of a deployment: where it is written, and its value."""

    text: Text
    document: int
    path: tuple[str | int, ...]
    """`("overlay", 0)`, `("deployments", 3)` or `("defaults",)`."""
    value: JSON

    @property
    def is_overlay(self) -> bool:
        """Whether lists of this layer merge with those below."""
        return self.path[0] == "overlay"

    def node(self) -> int:
        """Return the node of the layer in the text."""
        return self.text.node(self.document, self.path)

    def location(self) -> Location:
        """Return where the layer begins."""
        return Location(self.text.name, *self.text.node_position(self.node()))


class _Node(NamedTuple):
    """What one layer has at a path: its node in the text, and its value."""

    layer: Layer
    node: int
    value: JSON


class _Reached(NamedTuple):
    """The layers and the value at one step of a path."""

    nodes: list[_Node]
    """The node of each layer that the topmost one merges with, the topmost first."""
    layer: Layer
    """The one that sets the value."""
    node: int
    value: JSON
    field: Field


@dataclass(frozen=True, slots=True)
class Layers:
    """The layers of one deployment, the topmost first, and their merged value."""

    layers: tuple[Layer, ...]
    own: Layer
    """The entry that declares the deployment."""
    value: Mapping[str, JSON]
    _lookup: Lookup = field(default_factory=Lookup, compare=False, repr=False)
    _merged: dict[tuple[int, int], bool] = field(default_factory=dict, compare=False, repr=False)
    """Whether two lists merge, by their `id`s."""
    _reached: dict[Path, _Reached] = field(default_factory=dict, compare=False, repr=False)
    """What is around the value that was located last: there may be many layers, and many values in one mapping."""

    def locate(self, path: Path) -> Location:
        """Return the location of the value at a path in the layer that sets it, or of the nearest node around it."""
        if not path:
            return self.own.location()
        return self._find(path, at_key=False)[1]

    def locate_violation(self, violation: Violation) -> Location:
        """Return the location of a violation whose path begins at the deployment."""
        return self._find(violation.path, at_key=violation.at_key)[1]

    def other_layers(self, violation: Violation) -> tuple[Location, ...]:
        """Return the locations of the other values that a violation is about, if other layers set them."""
        layer, _ = self._find(violation.path, at_key=violation.at_key)
        found = (self._find(path, at_key=False) for path in violation.related)
        return tuple(dict.fromkeys(location for other, location in found if other is not layer))

    def _find(self, path: Sequence[Segment], *, at_key: bool) -> tuple[Layer, Location]:
        """Return the layer that sets the value at a path, and the location of it, or of the nearest node around it."""
        around = tuple(path[:-1])
        known = self._reached.get(around)
        depth = 0 if known is None else len(around)
        nodes, layer, found, value, field = known or self._start()
        for number, segment in enumerate(path[depth:], depth):
            if number == len(around):
                self._reached.clear()
                self._reached[around] = _Reached(nodes, layer, found, value, field)
            if isinstance(segment, int) and len(nodes) > 1:
                # the index in the merged list says nothing of the layers' own lists
                segment = entry_segment(self._lookup.value(value, (segment,)), segment, field.key)
            below = [(node, inner) for node in nodes if (inner := self._child(node, segment)) is not None]
            if not below:
                break
            parent, top = below[0]
            layer, found = top.layer, top.node
            if at_key and number == len(path) - 1 and isinstance(segment, str):
                own_key = layer.text.key_node(parent.node, segment)
                found = found if own_key is None else own_key
            value = self._lookup.value(value, (segment,))
            field = field.child(segment) or UNKNOWN
            nodes = self._visible([inner for _, inner in below], field)
        return layer, Location(layer.text.name, *layer.text.node_position(found))

    def _start(self) -> _Reached:
        nodes = [_Node(layer, layer.node(), layer.value) for layer in self.layers]
        return _Reached(nodes, self.own, self.own.node(), self.value, fields.deployment())

    def _visible(self, nodes: list[_Node], field: Field) -> list[_Node]:
        """Return the nodes that the topmost one merges with, itself included."""
        visible = nodes[:1]
        for upper, lower in pairwise(nodes):
            both_mappings = isinstance(upper.value, dict) and isinstance(lower.value, dict)
            if not both_mappings and not (upper.layer.is_overlay and self._merge(upper, lower, field)):
                break
            visible.append(lower)
        return visible

    def _merge(self, upper: _Node, lower: _Node, field: Field) -> bool:
        lists = (upper.value, lower.value)
        key = (id(upper.value), id(lower.value))
        if key not in self._merged:
            self._merged[key] = all(indices_by_identity(entries, field.key) is not None for entries in lists)
        return self._merged[key]

    def _child(self, node: _Node, segment: Segment) -> _Node | None:
        key = self._lookup.index(node.value, segment) if isinstance(segment, Item) else segment
        below = node.layer.text.child(node.node, key)
        return None if below is None else _Node(node.layer, below, self._lookup.value(node.value, (segment,)))
