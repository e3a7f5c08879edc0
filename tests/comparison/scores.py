"""Precision and recall of driftcheck and of plain DeepDiff on one corpus: `python -m tests.comparison.scores [PAIRS]`.

The corpus is drawn from seeds, so it is the same everywhere: declared deployments, each with an echo of the service
(in sync, whatever its form) and with echoes in which a single thing truly differs. A reported change is right if its
path is the one that was changed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

from deepdiff import DeepDiff

from driftcheck.comparison.diff import compare_with_live
from driftcheck.paths import Item, Path
from tests.comparison.api import AGES
from tests.comparison.declarations import declaration
from tests.comparison.echo import echo
from tests.comparison.mutations import mutations

_DEEP: dict[str, Any] = {"view": "tree", "threshold_to_diff_deeper": 0}
"""Otherwise DeepDiff reports two objects that have little in common as one change."""

Contender = Callable[[dict[str, Any], dict[str, Any]], set[Path]]


@dataclass(frozen=True)
class Pair:
    """A declared and a live deployment, and the paths at which they truly differ."""

    declared: dict[str, Any]
    live: dict[str, Any]
    paths: frozenset[Path]


@dataclass(frozen=True)
class Score:
    """The result of a contender: changes that it reported correctly or wrongly, and those that it missed."""

    right: int
    wrong: int
    missed: int

    @property
    def precision(self) -> float:
        """The share of reported changes that are true."""
        return self.right / (self.right + self.wrong)

    @property
    def recall(self) -> float:
        """The share of true changes that are reported."""
        return self.right / (self.right + self.missed)


def corpus(pairs: int) -> Iterator[Pair]:
    """Return the given number of pairs, one in four in sync."""
    given = 0
    for seed in range(pairs):
        declared = declaration(Random(seed))
        seen = echo(declared, AGES[seed % len(AGES)], Random(seed + 1))
        changed = list(mutations(declared, seen, Random(seed)))
        Random(seed).shuffle(changed)
        for live, expected in [(seen.live, ()), *((m.live, m.expected) for m in changed[:3])]:
            if given == pairs:
                return
            given += 1
            yield Pair(declared, live, frozenset(change.path for change in expected))


def driftcheck(declared: dict[str, Any], live: dict[str, Any]) -> set[Path]:
    """Return the paths at which driftcheck sees a difference."""
    return {found.path for found in compare_with_live(declared, live).differences}


def plain(declared: dict[str, Any], live: dict[str, Any]) -> set[Path]:
    """Return the paths at which DeepDiff sees a difference."""
    return _paths(DeepDiff(declared, live, **_DEEP), declared, live)


def without_order(declared: dict[str, Any], live: dict[str, Any]) -> set[Path]:
    """Return the paths at which DeepDiff sees a difference, regardless of order."""
    return _paths(DeepDiff(declared, live, ignore_order=True, **_DEEP), declared, live)


def loosened(declared: dict[str, Any], live: dict[str, Any]) -> set[Path]:
    """Return what DeepDiff reports when it ignores what caused its false alarms."""
    found = DeepDiff(
        declared, live, ignore_order=True, ignore_numeric_type_changes=True, ignore_string_case=True, **_DEEP
    )
    nulls = {name: [level for level in levels if level.t2 is not None] for name, levels in found.items()}
    return _paths({name: nulls[name] for name in nulls if not name.endswith("_added")}, declared, live)


CONTENDERS: dict[str, Contender] = {
    "driftcheck": driftcheck,
    "DeepDiff": plain,
    "DeepDiff, `ignore_order`": without_order,
    "DeepDiff, order, case, number types, nulls and additions ignored": loosened,
}


def _paths(found: Any, declared: dict[str, Any], live: dict[str, Any]) -> set[Path]:
    levels = (level for levels in found.values() for level in levels)
    return {_named(tuple(level.path(output_format="list")), declared, live) for level in levels}


def _named(path: Path, declared: Any, live: Any) -> Path:
    """Replace positions in lists by names, in favour of a contender that knows only positions."""
    named: list[Any] = []
    for segment in path:
        declared, live = _step(declared, segment), _step(live, segment)
        entry = declared if isinstance(declared, dict) else live
        key = "mountPath" if isinstance(entry, dict) and "mountPath" in entry else "name"
        by_name = isinstance(segment, int) and isinstance(entry, dict) and isinstance(entry.get(key), str)
        named.append(Item(key, entry[key]) if by_name else segment)
    return tuple(named)


def _step(value: Any, segment: Any) -> Any:
    try:
        return value[segment]
    except (LookupError, TypeError):
        return None


def score(contender: Contender, pairs: list[Pair]) -> Score:
    """Run a contender on the corpus."""
    right = wrong = missed = 0
    for pair in pairs:
        reported = contender(pair.declared, pair.live)
        right += len(reported & pair.paths)
        wrong += len(reported - pair.paths)
        missed += len(pair.paths - reported)
    return Score(right, wrong, missed)


def table(count: int) -> str:
    """Return the scores as a Markdown table."""
    pairs = list(corpus(count))
    changes = sum(len(pair.paths) for pair in pairs)
    in_sync = sum(not pair.paths for pair in pairs)
    lines = [
        f"{len(pairs)} pairs, {in_sync} of them in sync, {changes} true changes:",
        "",
        "| | false alarms | missed | precision | recall |",
        "|---|---:|---:|---:|---:|",
    ]
    for name, contender in CONTENDERS.items():
        got = score(contender, pairs)
        lines.append(f"| {name} | {got.wrong} | {got.missed} | {got.precision:.3f} | {got.recall:.3f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table(int(sys.argv[1]) if len(sys.argv) > 1 else 4000))
