"""The result of reading a YAML text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from driftcheck.model import JSON
from driftcheck.yamlfile.problems import Position, Problem

Entries: TypeAlias = Mapping[str, tuple[Position | None, ...]]
"""The positions of the entries of each list directly below a document's root; None for scalars and aliases."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a text holds: the values of its documents, in order, and its defects by position."""

    documents: tuple[JSON, ...]
    problems: tuple[Problem, ...]
    broken: bool = False
    """Whether reading stopped early; the document at that position and all behind it are not among the values."""
    stopped: int | None = None
    """The index of the character at which a limit stopped the reading."""
    texts: frozenset[str] = frozenset()
    """All different texts among the values and keys, and perhaps a few that are not."""
    entries: tuple[Entries, ...] = ()
    """By document."""
