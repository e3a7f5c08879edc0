"""The proof of completeness of a list that has no total, order or lock; no input or output.

The endpoint returns pages by position of a list that may change meanwhile (docs/API.md 1.4). So each page overlaps the
one before by one item, which shows a shift; an id may not be at two positions, nor two ids at one; and the end is
proved by a page that holds the last item alone and by an empty one. A response that contradicts the others invalidates
the reading (`Reading.inconsistency`); the caller starts another one.

A list in a single page needs no stable order: if one item follows position n - 2 and nothing follows n - 1, the page of
n items was all of it.

As long as items only appear and disappear, a consistent reading can't miss an item that was listed all the time. It can
miss an item that moves to the front just as another one leaves, because the responses then look like those of a list
that did not change. Therefore each declared name has its own query before it is reported as missing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from enum import Enum
from typing import Final

LIMIT: Final = 100
"""Items in one request, the most the endpoint allows (docs/API.md 1.2)."""

MAX_ITEMS: Final = 100_000
"""More than any workspace holds: past it the list counts as endless."""


class Inconsistency(Enum):
    """Why a reading is invalid."""

    SHIFTED = "the list changed while it was read, or the API's order is not stable"
    UNEVEN = "pages in the middle of the list were shorter or longer than the others"
    SAME_PAGE = "the API returns the same page for every offset"
    ENDLESS = "the list has no end"


class Reading:
    """One reading of the list: says which offsets to request, and takes the responses in any order.

    With `lookahead` above 1 up to that many requests can be under way at once, of which at most one may turn out to be
    past the end: pages that must exist because a page before or behind them is full, and one guess ahead.
    A `careful` reading requests one page after the other and copes with pages of any size.
    """

    def __init__(self, *, lookahead: int = 1, careful: bool = False) -> None:
        self.inconsistency: Inconsistency | None = None
        self._lookahead = lookahead
        self._careful = careful
        self._cells: dict[int, str] = {}
        self._positions: dict[str, int] = {}
        self._counts: dict[int, int] = {}
        self._first: list[str | None] = []
        self._frontier = 0
        """The number of the last full page that was seen."""
        self._top = 0
        """The position behind the last item that was seen."""
        self._end: int | None = None
        """Where the list ends, as a page that was not full says."""
        self._beyond: int | None = None
        """The least offset with an empty page."""
        self._empty_starts = 0

    def __len__(self) -> int:
        return len(self._cells)

    @property
    def done(self) -> bool:
        """Whether the list was read from its start to its proved end; an empty list has to be empty twice."""
        if self.inconsistency is not None or self._end is None:
            return self.inconsistency is None and self._empty_starts > 1
        return len(self._cells) == self._end and not [*self._unproved(self._end, ())]

    def wants(self, busy: Collection[int]) -> list[int]:
        """Return the offsets to request next, most important first, where those in `busy` are under way."""
        if self.inconsistency is not None or self.done:
            return []
        wanted = dict.fromkeys(self._wanted(busy))
        return [offset for offset in wanted if offset not in busy and offset not in self._counts]

    def _wanted(self, busy: Collection[int]) -> Iterator[int]:
        if not self._first:
            yield 0
        elif self._end is not None:
            if not self._careful:
                yield from range(0, self._end - 1, self._stride)
            yield from self._unproved(self._end, busy)
        elif self._careful:
            yield self._top - 1
        else:
            yield from self._pages_ahead(busy)

    @property
    def _stride(self) -> int:
        return max(1, len(self._first) - 1)

    def _pages_ahead(self, busy: Collection[int]) -> Iterator[int]:
        certain = (self._frontier + 1) * self._stride
        guessed = self._beyond is not None or any(offset > certain for offset in busy)
        if self._lookahead > 1 and not guessed:
            yield (self._frontier + self._lookahead) * self._stride
        yield certain
        yield from range(0, certain, self._stride)

    def _unproved(self, end: int, busy: Collection[int]) -> Iterator[int]:
        """Yield the offsets that still have to prove the end: the last item alone, then nothing.

        An empty page farther behind proves it, too, if the pages have the size that was asked for. A service that cuts
        them short may leave out what precedes the empty page.
        """
        if self._counts.get(end - 1) != 1:
            yield end - 1
        is_asked = len(self._first) == LIMIT and (self._beyond is not None or any(offset >= end for offset in busy))
        if end not in self._counts and not is_asked:
            yield end

    def receive(self, offset: int, ids: Sequence[str | None]) -> None:
        """Take the response to an offset: the id of each item, None if it has none."""
        if self.inconsistency is None:
            self.inconsistency = self._assign(offset, ids)
        if self.inconsistency is None and ids:
            self.inconsistency = self._learn(offset, len(ids))

    def _assign(self, offset: int, ids: Sequence[str | None]) -> Inconsistency | None:
        """Put the items at their positions; no id may be at two positions, and no position hold two ids."""
        if offset == 0 and not ids:
            self._empty_starts += 1
            return None
        if len(ids) == 1 < len(self._first) == offset + 1 and ids[0] is not None and ids[0] in self._first:
            self._counts[offset] = 1  # the last item of a single page, in whatever order
            return None
        if offset > 0 and any(ids) and list(ids) == self._first:
            return Inconsistency.SAME_PAGE
        for position, identity in enumerate(ids, offset):
            key = identity or f"\0{position}"
            if self._cells.setdefault(position, key) != key or self._positions.setdefault(key, position) != position:
                return Inconsistency.SHIFTED
        self._counts[offset] = len(ids)
        if offset == 0:
            self._first = list(ids)
        if ids:
            self._top = max(self._top, offset + len(ids))
        else:
            self._beyond = min(offset, offset if self._beyond is None else self._beyond)
        if self._beyond is not None and self._beyond < self._top:
            return Inconsistency.SHIFTED
        return Inconsistency.ENDLESS if len(self._cells) > MAX_ITEMS else None

    def _learn(self, offset: int, count: int) -> Inconsistency | None:
        """Learn from the length of a response where the list ends, or that it goes on."""
        size = len(self._first)
        if self._end is not None and self._top > self._end:
            if self._careful or self._end != size or self._counts.get(size - 1) == 1:
                return Inconsistency.UNEVEN
            self._end = None
        if not self._careful and count > size:
            return Inconsistency.UNEVEN
        if self._is_short(offset, count):
            self._end = offset + count
            return Inconsistency.UNEVEN if self._end < self._top else None
        if not self._careful and offset % self._stride == 0:
            self._frontier = max(self._frontier, offset // self._stride)
        return None

    def _is_short(self, offset: int, count: int) -> bool:
        """Return whether a response is so short that the list ends there; a first page counts so until proved wrong."""
        if self._careful:
            return count == 1
        return count != LIMIT if offset == 0 else count < len(self._first)
