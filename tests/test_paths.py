"""Paths: their written form can be read back, and globs match them in bounded time (D12, Y21)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftcheck.paths import (
    Item,
    Path,
    Segment,
    format_path,
    from_json,
    parse_path,
    to_json,
    value_at,
)

KEYS = st.text(max_size=6) | st.sampled_from(("a", "a.b", 'a"b', "a]b", "[0]", "a=b", "\\", "\n", "", "é", "\ud800"))
SEGMENTS: st.SearchStrategy[Segment] = (
    KEYS | st.integers(0, 99) | st.builds(Item, st.sampled_from(("name", "mountPath")), KEYS)
)
PATHS = st.lists(SEGMENTS, max_size=5).map(tuple)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (("source_config", "resource_spec", "cpu"), "source_config.resource_spec.cpu"),
        (("sidecars", Item("name", "otel"), "image"), "sidecars[name=otel].image"),
        (("env", Item("name", "A B")), 'env[name="A B"]'),
        (("volume_mounts", Item("mountPath", "/etc/tls")), "volume_mounts[mountPath=/etc/tls]"),
        (("args", 0), "args[0]"),
        (("labels", "a.b"), 'labels["a.b"]'),
        (("labels", "like this"), 'labels["like this"]'),
        (("labels", "cost-center_1"), "labels.cost-center_1"),
        (("labels", ""), 'labels[""]'),
        (("labels", "0"), "labels.0"),
        (("labels", 'say "x"'), 'labels["say \\"x\\""]'),
        ((), ""),
    ],
)
def test_paths_are_written_as_the_contract_says(path: Path, text: str) -> None:
    assert format_path(path) == text
    assert parse_path(text) == path


@given(PATHS)
def test_D12_a_path_reads_back_to_itself(path: Path) -> None:
    assert parse_path(format_path(path)) == path
    assert from_json(to_json(path)) == path


@given(PATHS, PATHS)
def test_D12_two_paths_have_two_texts(one: Path, other: Path) -> None:
    assert (format_path(one) == format_path(other)) == (one == other)


@given(PATHS)
def test_a_path_is_one_line_of_ascii(path: Path) -> None:
    assert format_path(path).isascii()
    assert len(format_path(path).splitlines()) <= 1


@pytest.mark.parametrize(
    "text", [".", "a..b", "a[", "a]", "[x]", "[=x]", "a[name=]", "a b", 'a["x]', "a.", "a[-1]", "é"]
)
def test_an_invalid_path_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a path from character"):
        parse_path(text)


def test_segments_are_found_in_a_value() -> None:
    value = {"a": [{"name": "x", "b": None}, {"name": "y", "b": 2}], "c": {"0": "zero"}}
    assert value_at(value, ("a", Item("name", "y"), "b")) == 2
    assert value_at(value, ("a", 0, "b")) is None
    assert value_at(value, ("c", "0")) == "zero"
    assert value_at(value, ()) is value
    for path in (("z",), ("a", Item("name", "z")), ("a", 2), ("a", "0"), ("c", 0), ("a", 0, "b", "c")):
        assert value_at(value, path, "missing") == "missing"
