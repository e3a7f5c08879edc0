"""What unquoted scalars mean."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from driftcheck.yamlfile.scalars import MAX_INTEGER, Misreading, resolve_scalar


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("~", None),
        ("Null", None),
        ("true", True),
        ("False", False),
        ("0", 0),
        ("-0", 0),
        ("+12", 12),
        ("0x1F", 31),
        ("9007199254740992", MAX_INTEGER),
        ("3.10", 3.1),
        (".5", 0.5),
        ("5.", 5.0),
        ("1.0e+5", 100000.0),
        ("y", "y"),
        ("n", "n"),
        ("nO", "nO"),
        ("=", "="),
        ("-", "-"),
        ("1.2.3", "1.2.3"),
        ("8080:80", "8080:80"),
        ("2026-12-31", "2026-12-31"),
        ("2026-12-31T10:00:00Z", "2026-12-31T10:00:00Z"),
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("500m", "500m"),
    ],
)
def test_scalars_that_all_yaml_versions_read_as_equal(text: str, value: object) -> None:
    assert resolve_scalar(text) == value
    assert type(resolve_scalar(text)) is type(value)


@pytest.mark.parametrize(
    "text",
    [
        *("no", "yes", "On", "OFF"),
        *("017", "0o17", "08", "00", "0b1", "-0x1F", "0x_F"),
        *("1_000", "1.5_0", "+.5"),
        *("12:30", "1:30", "190:20:30", "190:20:30.15"),
        *("1e5", "1.0e5", "1e+5"),
    ],
)
def test_Y9_scalars_that_yaml_1_1_and_1_2_read_differently_are_ambiguous(text: str) -> None:
    assert resolve_scalar(text) is Misreading.AMBIGUOUS


@pytest.mark.parametrize(
    "text",
    [".inf", "-.INF", "+.Inf", ".nan", ".NaN", "9007199254740993", "1.0e+400", "9" * 400, "9" * 5000, "1_" * 500],
)
def test_Y10_numbers_out_of_range_are_refused(text: str) -> None:
    assert resolve_scalar(text) is Misreading.RANGE


@given(st.text("0123456789+-._eExob:anif", min_size=1, max_size=12))
@example("1.e+5")
@example("-.5")
def test_Y9_every_other_scalar_is_what_a_yaml_1_1_reader_makes_of_it(text: str) -> None:
    value = resolve_scalar(text)
    try:
        node = yaml.compose(f"[{text}]", yaml.CSafeLoader)
        other = yaml.load(f"[{text}]", yaml.CSafeLoader)
    except (yaml.YAMLError, ValueError):
        return
    if isinstance(value, Misreading) or not isinstance(node.value[0], yaml.ScalarNode) or node.value[0].value != text:
        return
    assert [value] == other
    assert type(value) is type(other[0])


@given(st.text(max_size=30))
def test_text_stays_the_text_that_was_written(text: str) -> None:
    value = resolve_scalar(text)
    assert not isinstance(value, str) or value == text
