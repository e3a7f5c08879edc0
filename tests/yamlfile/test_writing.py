"""What is written is read as the same value by YAML 1.1 and 1.2."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from driftcheck.yamlfile.reader import parse
from driftcheck.yamlfile.writing import Layout, block, flow, scalar, text

TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=12) | st.sampled_from(
    ["", "no", "1", "1.0", "1e3", "0x1f", "1:30", "~", "null", "2026-12-31", "a b", "a: b", "- a", "# a", "y", "a,b"]
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(-1e300, 1e300, allow_nan=False, allow_subnormal=False)
    | TEXTS
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3), max_leaves=8
)


def read(written: str) -> Any:
    parsed = parse(written.encode())
    assert [problem.rule for problem in parsed.problems] == []
    (document,) = parsed.documents
    return document


@given(VALUES)
def test_a_value_on_one_line_is_read_as_itself(value: Any) -> None:
    written = flow(value)
    assert written.isprintable()
    assert read(f"a: {written}\n") == {"a": value}


@given(st.dictionaries(TEXTS, VALUES, min_size=1, max_size=4), st.sampled_from([2, 4]), st.sampled_from([0, 2]))
def test_a_block_is_read_as_its_value_at_any_indentation(value: Any, step: int, offset: int) -> None:
    assert read("\n".join(block(value, 0, Layout(step, offset))) + "\n") == value


@given(TEXTS)
def test_yaml_1_1_reads_a_text_as_that_text(value: str) -> None:
    assert yaml.safe_load(f"[{text(value, in_flow=True)}]") == [value]


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("registry.example.com/a:1.2", "registry.example.com/a:1.2"),
        ("two words", "two words"),
        ("--flag=1", "--flag=1"),
        ("no", '"no"'),
        ("n", '"n"'),
        ("1", '"1"'),
        ("2026-12-31", '"2026-12-31"'),
        ("a: b", '"a: b"'),
        ("", '""'),
        ("a\nb\t\x1b\u2028", r'"a\nb\t\x1b\u2028"'),
        ("##[error]", r'"##\x5berror]"'),
    ],
)
def test_a_text_is_quoted_only_where_it_would_be_read_differently(value: str, written: str) -> None:
    assert text(value) == written


def test_quotes_are_kept_where_they_can_be() -> None:
    assert text("it's", quote="'") == "'it''s'"
    assert text("plain", quote='"') == '"plain"'
    assert text("a\nb", quote="'") == r'"a\nb"'


def test_a_comma_is_quoted_in_a_list_on_one_line_alone() -> None:
    assert (text("a,b"), text("a,b", in_flow=True)) == ("a,b", '"a,b"')


@pytest.mark.parametrize(
    ("value", "written"),
    [(None, "null"), (True, "true"), (False, "false"), (1.5, "1.5"), (1e30, "1.0e+30"), (-3, "-3")],
)
def test_other_scalars_are_written_as_json_and_yaml_have_them(value: Any, written: str) -> None:
    assert scalar(value) == written


def test_comments_are_beside_scalars_and_below_collections() -> None:
    layout = Layout(beside={("a",): "  # one"}, below={("b",): ["# end of b"], (): ["# end"]})
    assert list(block({"a": 1, "b": [2, {"c": []}]}, 0, layout)) == [
        "a: 1  # one",
        "b:",
        "  - 2",
        "  - c: []",
        "  # end of b",
        "# end",
    ]
