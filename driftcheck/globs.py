"""Matching of many patterns within a budget: patterns and texts may both come from a pull request."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Final, Generic, TypeVar

from driftcheck.budget import LONG, Budget
from driftcheck.paths import Path, glob_matches, segment_texts, split_pattern

_T = TypeVar("_T")

_TRY: Final = 8
"""The cost of comparing a text with a glob, in steps of about a twentieth of a microsecond."""


class GlobIndex(Generic[_T]):
    """Values by glob, in which only `*` is special; most globs are excluded by their beginning or end."""

    def __init__(self, entries: Iterable[tuple[str, _T]]) -> None:
        self._exact: dict[str, list[_T]] = {}
        self._by_start: dict[str, list[tuple[str, _T]]] = {}
        self._by_end: dict[str, list[tuple[str, _T]]] = {}
        self._inside: list[tuple[str, str, _T]] = []
        """For globs that begin and end with a star: the longest part that a text must contain, glob and value."""
        for glob, value in entries:
            start, *parts = glob.split("*")
            if not parts:
                self._exact.setdefault(glob, []).append(value)
            elif start:
                self._by_start.setdefault(start, []).append((glob, value))
            elif parts[-1]:
                self._by_end.setdefault(parts[-1], []).append((glob, value))
            else:
                self._inside.append((max(parts, key=len), glob, value))
        self._starts = sorted(set(map(len, self._by_start)))
        self._ends = sorted(set(map(len, self._by_end)))
        self._needles = sum(1 + len(needle) // LONG for needle, _, _ in self._inside)

    def matching(self, text: str, budget: Budget) -> list[_T]:
        """Return the values whose globs match a text; raises OverBudgetError."""
        found = list(self._exact.get(text, ()))
        likely: list[tuple[str, _T]] = []
        for length in self._starts:
            if length <= len(text) and text[:length] in self._by_start:
                likely += self._by_start[text[:length]]
        for length in self._ends:
            if length <= len(text) and text[-length:] in self._by_end:
                likely += self._by_end[text[-length:]]
        budget.spend(1 + len(self._starts) + len(self._ends) + self._needles * (1 + len(text) // LONG))
        likely += [(glob, value) for needle, glob, value in self._inside if needle in text]
        for glob, value in likely:
            budget.spend(_TRY + (len(glob) + len(text)) // LONG + glob.count("*"))
            if glob_matches(glob, text):
                found.append(value)
        budget.spend(_TRY * len(found))
        return found


class PatternIndex:
    """Patterns over paths, as a tree of their segments, so that a path is compared with few of them."""

    def __init__(self, patterns: Iterable[str | None], budget: Budget) -> None:
        """Index the patterns; None matches nothing, and keeps the numbers of the others."""
        self._root = _Node()
        self._budget = budget
        for number, pattern in enumerate(patterns):
            if pattern is not None:
                node = self._root
                for segment in split_pattern(pattern):
                    node = node.below(segment)
                node.patterns.append(number)

    def matching(self, path: Path) -> set[int]:
        """Return the numbers of the patterns that match a path; raises OverBudgetError."""
        found = {number for node in self._reached(path) for number in node.patterns}
        self._budget.spend(len(found))
        return found

    def below(self, paths: Iterable[tuple[Path, bool]]) -> set[int]:
        """Return the numbers of the patterns that match one of the paths or, where it is open, anything below it."""
        found: set[int] = set()
        for path, is_open in paths:
            for node in self._reached(path):
                more = node.all_below() if is_open else node.patterns
                self._budget.spend(1 + len(more))
                found.update(more)
        return found

    def _reached(self, path: Path) -> set[_Node]:
        nodes = _with_repeats({self._root})
        for text in segment_texts(path):
            found: set[_Node] = set()
            for node in nodes:
                found.update(node.after(text, self._budget))
            nodes = _with_repeats(found)
            self._budget.spend(_TRY * len(nodes))
        return nodes


def matches(pattern: str, path: Path) -> bool:
    """Return whether a pattern of `*` (within one segment) and `**` (any segments) covers a path.

    `**` matches no segment as well, so `labels.**` covers `labels` and all below it. Nothing else is special.
    """
    return bool(PatternIndex([pattern], Budget(sys.maxsize)).matching(path))


class _Node:
    """One segment of patterns in a `PatternIndex`."""

    __slots__ = ("_after", "_all", "_index", "globs", "literals", "patterns", "repeat", "repeats")

    def __init__(self, *, repeats: bool = False) -> None:
        self.repeats = repeats
        """Whether this is a `**`, which matches any segments."""
        self.literals: dict[str, _Node] = {}
        self.globs: dict[str, _Node] = {}
        self.repeat: _Node | None = None
        """The `**` that follows."""
        self.patterns: list[int] = []
        """The patterns that end here."""
        self._after: dict[str, list[_Node]] = {}
        self._all: frozenset[int] | None = None
        self._index: GlobIndex[_Node] | None = None

    def below(self, segment: str) -> _Node:
        """Return the node of the next segment of a pattern, which is created if it does not exist."""
        if segment == "**":
            if self.repeats:  # `**.**` matches no more than `**`
                return self
            self.repeat = self.repeat or _Node(repeats=True)
            return self.repeat
        holder = self.globs if "*" in segment else self.literals
        return holder.setdefault(segment, _Node())

    def after(self, text: str, budget: Budget) -> list[_Node]:
        """Return the nodes that a path reaches from here by one more segment; raises OverBudgetError."""
        found = self._after.get(text)
        if found is None:
            if self._index is None:
                self._index = GlobIndex(self.globs.items())
            found = self._index.matching(text, budget) if self.globs else []
            if text in self.literals:
                found.append(self.literals[text])
            if self.repeats:
                found.append(self)
            self._after[text] = found
        return found

    def all_below(self) -> frozenset[int]:
        """Return the patterns that end here or further down."""
        if self._all is None:
            found: list[int] = []
            pending = [self]
            while pending:
                node = pending.pop()
                found += node.patterns
                pending += [*node.literals.values(), *node.globs.values(), *([node.repeat] if node.repeat else [])]
            self._all = frozenset(found)
        return self._all


def _with_repeats(nodes: set[_Node]) -> set[_Node]:
    """Add the `**` that follow: each of them may match no segment."""
    found = set(nodes)
    for node in nodes:
        while node.repeat is not None:
            node = node.repeat
            found.add(node)
    return found
