"""The alignment of two lists of texts: which entries belong together."""

from __future__ import annotations

import bisect
import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher
from typing import Any


def opcodes(one: Sequence[str], other: Sequence[str], most_pairs: int) -> Iterator[tuple[str, int, int, int, int]]:
    """Yield which ranges of two lists are equal, and which replace each other, as `difflib` names them.

    That takes more than quadratic time. Lists whose lengths multiply to more than `most_pairs`, and those of different
    entries in one order, are aligned at the entries that each of them has once, and around these.
    """
    pairs = _anchors(one, other)
    if len(one) * len(other) <= most_pairs and len(pairs) < min(len(one), len(other)):
        yield from SequenceMatcher(None, one, other, autojunk=False).get_opcodes()
        return
    i = j = 0
    for a, b, size in [*_runs(_around(one, other, pairs)), (len(one), len(other), 0)]:
        if i < a or j < b:
            yield "replace" if i < a and j < b else "delete" if i < a else "insert", i, a, j, b
        if size:
            yield "equal", a, a + size, b, b + size
        i, j = a + size, b + size


def _runs(pairs: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int, int]]:
    """Yield the start and the length of each run of consecutive pairs."""
    numbered = enumerate(pairs)
    for _, group in itertools.groupby(numbered, key=lambda each: (each[1][0] - each[0], each[1][1] - each[0])):
        (_, (a, b)), *rest = group
        yield a, b, len(rest) + 1


def _anchors(one: Sequence[str], other: Sequence[str]) -> list[tuple[int, int]]:
    """Return the positions of the longest sequence of entries that occur once in each list, in the same order."""
    counts, there = Counter(one), Counter(other)
    where = {entry: number for number, entry in enumerate(other) if there[entry] == 1}
    shared = [(number, where[entry]) for number, entry in enumerate(one) if counts[entry] == 1 and entry in where]
    ends: list[int] = []
    """For each length, the last position of the sequence that is the easiest to continue."""
    rows: list[tuple[tuple[int, int], Any] | None] = []
    for pair in shared:
        length = bisect.bisect_left(ends, pair[1])
        row = (pair, rows[length - 1] if length else None)
        if length == len(ends):
            ends.append(pair[1])
            rows.append(row)
        else:
            ends[length], rows[length] = pair[1], row
    found, link = [], rows[-1] if rows else None
    while link is not None:
        pair, link = link
        found.append(pair)
    return found[::-1]


def _around(one: Sequence[str], other: Sequence[str], anchors: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield the anchors, and between them the equal entries at the beginning and at the end of what is there."""
    i = j = 0
    for a, b in [*anchors, (len(one), len(other))]:
        if a - i == b - j:
            yield from ((i + n, j + n) for n in range(a - i) if one[i + n] == other[j + n])
        else:
            shorter = min(a - i, b - j)
            head = next((n for n in range(shorter) if one[i + n] != other[j + n]), shorter)
            tail = next((n for n in range(shorter - head) if one[a - 1 - n] != other[b - 1 - n]), shorter - head)
            yield from ((i + n, j + n) for n in range(head))
            yield from ((a - n, b - n) for n in range(tail, 0, -1))
        if a < len(one) and b < len(other):
            yield a, b
        i, j = a + 1, b + 1
