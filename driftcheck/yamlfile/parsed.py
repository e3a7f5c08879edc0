"""The result of reading a YAML text."""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from driftcheck.model import JSON
from driftcheck.yamlfile.problems import Position, Problem

SCALAR: Final = 0
"""The link of a scalar."""
NO_KEY: Final = -1
"""Instead of the name of a key: it is not a string; the next node is the key, and the value is behind that."""
MERGE: Final = -2
"""Instead of the name of a key: it is a merge key."""


@dataclass(frozen=True, slots=True)
class Nodes:
    """All nodes of a text, in its order; a key comes before its value, and a collection before its children.

    There may be millions of them, and another process may return them, so they are numbers in arrays.
    """

    roots: tuple[int, ...] = ()
    """The node of each document."""
    lines: array[int] = field(default_factory=lambda: array("I"))
    """The line in which each node begins, counted from 0."""
    columns: array[int] = field(default_factory=lambda: array("I"))
    links: array[int] = field(default_factory=lambda: array("i"))
    """What each node is. A mapping has the number of the node behind it (which is greater than its own), a list the
    same, negated. An alias of either has the number of that one (which is less than its own), and a key that of its
    name. An alias of a scalar is a scalar that begins where that one does.
    """
    ends: Mapping[int, Position] = field(default_factory=dict)
    """Where each collection ends, down to the entries of a document's lists."""
    names: tuple[str, ...] = ()
    """The different texts of keys."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a text holds: the values of its documents, in order, and its defects by position."""

    documents: tuple[JSON, ...]
    problems: tuple[Problem, ...]
    broken: bool = False
    """Whether reading stopped early; the document at that position and all behind it are not among the values."""
    texts: frozenset[str] = frozenset()
    """All different texts among the values and keys, and perhaps a few that are not."""
    nodes: Nodes = field(default_factory=Nodes)
