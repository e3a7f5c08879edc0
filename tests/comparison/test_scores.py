"""Precision and recall: both are perfect for driftcheck, and neither is for a plain comparison."""

from __future__ import annotations

import pytest

from tests.comparison.scores import CONTENDERS, corpus, driftcheck, score, table


@pytest.mark.slow
def test_driftcheck_has_precision_and_recall_of_1() -> None:
    pairs = list(corpus(1_200))
    assert sum(not pair.paths for pair in pairs) >= 250
    assert sum(len(pair.paths) for pair in pairs) >= 800
    got = score(driftcheck, pairs)
    assert (got.wrong, got.missed, got.precision, got.recall) == (0, 0, 1.0, 1.0)


@pytest.mark.slow
def test_a_plain_comparison_of_the_same_pairs_fails() -> None:
    pairs = list(corpus(60))
    for name, contender in CONTENDERS.items():
        if name != "driftcheck":
            got = score(contender, pairs)
            assert got.precision < 0.5
            assert got.recall < 1
            assert got.wrong > 0
            assert got.missed > 0


def test_the_table_has_a_row_for_each() -> None:
    lines = table(20).splitlines()
    assert [line.split(" | ")[0].removeprefix("| ") for line in lines[4:]] == list(CONTENDERS)
    assert "| driftcheck | 0 | 0 | 1.000 | 1.000 |" in lines
