"""Strict JSON is read as the standard library reads it; anything else is an error that quotes nothing of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftcheck.strict_json import MAX_DEPTH, MalformedError, parse

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(), children, max_size=4),
    max_leaves=20,
)


def encoded(value: Any) -> bytes:
    return json.dumps(value).encode()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b'{"a": NaN}', "NaN"),
        (b'{"a": -Infinity}', "NaN and Infinity"),
        (b'{"a": 1e999}', "out of range"),
        (b'{"a": 1, "a": 2}', "duplicate key"),
        (b'{"a": ' + b"9" * 5000 + b"}", "digits"),
        (b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested (deeper|too)"),
        (b"[" * (MAX_DEPTH + 2) + b"]" * (MAX_DEPTH + 2), "nested (deeper|too)"),
        (b'{"a": "\xe9"}', "UTF-8"),
        ('{"a": 1}'.encode("utf-16"), "UTF-8"),
        (b"<html>", "not valid JSON"),
        (b"{'a': 1}", "not valid JSON"),
        (b'{"a": 1} extra', "not valid JSON"),
    ],
)
def test_D1_json_that_is_not_strict_is_reported_without_being_quoted(data: bytes, reason: str) -> None:
    with pytest.raises(MalformedError, match=reason) as caught:
        parse(data)
    assert not caught.value.cut
    assert len(str(caught.value)) < 100


@given(json_values, st.data())
def test_F7_a_prefix_of_an_answer_is_never_taken_for_an_answer(value: Any, data: st.DataObject) -> None:
    whole = encoded({"resources": [value]})
    length = data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises(MalformedError) as caught:
        parse(whole[:length])
    assert caught.value.cut


@given(json_values)
def test_valid_json_is_read_as_the_standard_library_reads_it(value: Any) -> None:
    assert parse(encoded(value)) == value


KEYS = st.sampled_from(["a", "b", '":', "x: ", "\u00e9", ""])
OBJECTS = st.recursive(
    st.lists(st.tuples(KEYS, st.just(1) | KEYS), max_size=4),
    lambda children: st.lists(st.tuples(KEYS, children), max_size=4),
    max_leaves=8,
)
"""Objects as lists of keys and values, with a key twice or without."""


@given(OBJECTS, st.sampled_from(["", " ", "\n\t", "\r\n"]), st.booleans())
def test_D1_a_duplicate_key_is_reported_wherever_it_is(pairs: Any, space: str, ascii_only: bool) -> None:
    def written(value: Any) -> str:
        if not isinstance(value, list):
            return json.dumps(value, ensure_ascii=ascii_only)
        entries = (f"{space}{written(key)}{space}:{space}{written(inner)}" for key, inner in value)
        return "{" + ",".join(entries) + space + "}"

    def is_sound(value: Any) -> bool:
        return not isinstance(value, list) or (
            len({key for key, _ in value}) == len(value) and all(is_sound(inner) for _, inner in value)
        )

    text = written(pairs)
    if is_sound(pairs):
        assert parse(text.encode()) == json.loads(text)
    else:
        with pytest.raises(MalformedError, match="duplicate key"):
            parse(text.encode())


@given(st.integers(1, 90), st.sampled_from(["[", '{"a":']), st.text(alphabet='[]{}"\\x', max_size=8))
def test_D1_depth_is_counted_exactly_with_any_strings(depth: int, opening: str, text: str) -> None:
    closing = "]" if opening == "[" else "}"
    data = f"{opening * depth}{json.dumps(text)}{closing * depth}".encode()
    if depth > MAX_DEPTH:
        with pytest.raises(MalformedError, match="nested"):
            parse(data)
    else:
        parse(data)


def test_floats_are_finite() -> None:
    assert parse(b"1e308") == 1e308
