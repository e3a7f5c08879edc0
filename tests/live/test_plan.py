"""A plan is plain data, and says what is wrong with it."""

from __future__ import annotations

from typing import Any

import pytest

from driftcheck.errors import UsageError
from driftcheck.live.plan import Edit, Fault, Plan, read_plan


def test_an_empty_plan_is_an_honest_endpoint() -> None:
    assert read_plan({}) == Plan()


def test_a_plan_is_read_field_by_field() -> None:
    value = {
        "order": "random",
        "latency": 1,
        "cap": 50,
        "ignore": ["limit", "filters"],
        "api_key": None,
        "tags": {"t1": ["a", "b"]},
        "faults": [{"kind": "status", "request": 2, "status": 429, "headers": {"Retry-After": "1"}, "detail": ["x"]}],
        "edits": [{"after": 3, "delete": ["a"], "insert": [{"name": "b"}], "at": -1}],
    }
    assert read_plan(value) == Plan(
        order="random",
        latency=1.0,
        cap=50,
        ignore=("limit", "filters"),
        tags={"t1": ("a", "b")},
        faults=(Fault("status", request=2, status=429, headers={"Retry-After": "1"}, detail=["x"]),),
        edits=(Edit(3, delete=("a",), insert=({"name": "b"},), at=-1),),
    )


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ([], "must be an object"),
        ({"ordre": "name"}, "ordre"),
        ({"order": "sideways"}, "order must be one of"),
        ({"offsets": "none"}, "offsets must be one of"),
        ({"ignore": ["everything"]}, "ignore must be one of"),
        ({"latency": "1"}, "latency"),
        ({"cap": True}, "cap"),
        ({"faults": {}}, "faults"),
        ({"faults": ["status"]}, "must be an object"),
        ({"faults": [{}]}, "kind"),
        ({"faults": [{"kind": "plague"}]}, "kind must be one of"),
        ({"faults": [{"kind": "status", "headers": {"A": 1}}]}, "headers"),
        ({"edits": [{"delete": []}]}, "after"),
        ({"edits": [{"after": 1, "order": "up"}]}, "order must be one of"),
        ({"tags": {"t": "a"}}, "tags"),
    ],
)
def test_a_plan_that_makes_no_sense_is_a_usage_error(value: Any, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        read_plan(value)
