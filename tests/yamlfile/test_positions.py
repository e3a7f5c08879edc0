"""Where each value of a text is written."""

from __future__ import annotations

from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from driftcheck.yamlfile.parsed import Parsed
from driftcheck.yamlfile.positions import Text
from driftcheck.yamlfile.reader import parse


def read(text: str) -> Parsed:
    return parse(text.encode())


MARKED = st.recursive(
    st.integers(0, 10**9).map(lambda number: f"v{number}"),
    lambda inner: (
        st.lists(inner, min_size=1, max_size=4) | st.dictionaries(st.text("kqz", min_size=1), inner, min_size=1)
    ),
    max_leaves=20,
)


@given(MARKED, st.sampled_from([True, False, None]), st.sampled_from(["\n", "\r\n"]))
def test_every_position_holds_its_value_and_every_key_its_name(data: Any, flow: bool | None, newline: str) -> None:
    text = yaml.safe_dump(data, default_flow_style=flow, width=60).replace("\n", newline)
    lines = text.split(newline)
    positions = Text("", text.encode(), read(text))

    def at(*path: str | int, at_key: bool = False) -> str:
        line, column = positions.position(0, path, at_key=at_key)
        return lines[line - 1][column - 1 :]

    def check(value: Any, *path: str | int) -> None:
        if isinstance(value, str):
            assert at(*path).startswith(value)
        elif isinstance(value, list):
            assert at(*path)[0] in "[-"
            for index, child in enumerate(value):
                check(child, *path, index)
        else:
            assert at(*path)[0] == "{" or any(at(*path).startswith(key) for key in value)
            for key, child in value.items():
                assert at(*path, key, at_key=True).startswith(key)
                check(child, *path, key)

    check(data)


def test_a_value_that_no_mapping_or_list_has_is_at_the_nearest_one_around_it() -> None:
    text = "a:\n  b: [x, {c: d}]\n"
    positions = Text("", text.encode(), read(text))
    found = {
        path: positions.position(0, path) for path in [("e",), ("a", "e"), ("a", 0), ("a", "b", 2), ("a", "b", "c")]
    }
    assert found == {
        ("e",): (1, 1),
        ("a", "e"): (2, 3),
        ("a", 0): (2, 3),
        ("a", "b", 2): (2, 6),
        ("a", "b", "c"): (2, 6),
    }
    assert positions.position(0, ("a", "b", 1, "c", "e"), at_key=True) == (2, 14)


def test_positions_follow_aliases_and_merge_keys_to_where_the_value_is_written() -> None:
    text = "a: &a {x: 1}\nb: *a\nc:\n  <<: *a\n  y: 2\nd: &d 5\ne: *d\n&f f: *f\n"
    positions = Text("", text.encode(), read(text))
    assert positions.position(0, ("b",)) == positions.position(0, ("a",)) == (1, 4)
    assert positions.position(0, ("b", "x"), at_key=True) == (1, 8)
    assert positions.position(0, ("c", "y")) == (5, 6)
    assert positions.position(0, ("c", "y"), at_key=True) == (5, 3)
    assert positions.position(0, ("c", "x")) == positions.position(0, ("c", "x"), at_key=True) == (1, 11)
    assert positions.position(0, ("e",)) == (6, 7)
    assert positions.position(0, ("f",)) == (8, 1)


def test_of_several_merged_mappings_the_first_gives_the_position() -> None:
    text = "a: &a {x: 1}\nb: &b {<<: *a, y: 2}\nc: &c {y: 3, z: 4}\nd: {<<: [*b, *c, *b], <<: {x: 5}}\n"
    positions = Text("", text.encode(), read(text))
    found = [positions.position(0, ("d", key)) for key in "xyz"]
    assert found == [(1, 11), (2, 19), (3, 17)]


def test_a_long_chain_of_merge_keys_is_followed() -> None:
    chain = "".join(f"k{number}: &k{number} {{<<: *k{number - 1}, x{number}: 1}}\n" for number in range(1, 400))
    text = f"k0: &k0 {{x0: 1}}\n{chain}"
    positions = Text("", text.encode(), read(text))
    assert positions.position(0, ("k399", "x0")) == (1, 14)


def test_columns_count_characters_not_bytes() -> None:
    text = "é: {ü: ж}\n"
    assert Text("", text.encode(), read(text)).position(0, ("é", "ü")) == (1, 8)
