import re
import unicodedata
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftcheck.formats.escaping import inert, inert_json, inert_markup, visible
from tests.formats.reports import HOSTILE

any_text = (
    st.text() | st.sampled_from(HOSTILE) | st.text(st.characters(categories=("Cc", "Cf", "Cs", "Zl", "Zp", "Zs")))
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text, ünïcode 漢字 😀", "plain text, ünïcode 漢字 😀"),
        ("\x1b[2J\x07", r"\x1b[2J\x07"),
        ("two\r\nlines\tand a tab", r"two\r\nlines\tand a tab"),
        ("\x7f\x9b\x85", r"\x7f\x9b\x85"),
        ("\u202euser\u2069", r"\u202euser\u2069"),
        ("zero\u200bwidth\ufeff", r"zero\u200bwidth\ufeff"),
        ("\u2028\u2029\xa0", r"\u2028\u2029\xa0"),
        ("\ud800", r"\ud800"),
        ("\U000e0041", r"\U000e0041"),
        ("filler\u3164\U000e0101", r"filler\u3164\U000e0101"),
    ],
)
def test_O2_what_steers_a_terminal_is_written_out(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(any_text)
def test_O2_nothing_that_steers_a_terminal_is_left(text: str) -> None:
    shown = visible(text)
    assert not [c for c in shown if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"}]
    shown.encode()


@given(any_text)
def test_written_out_text_is_left_as_it_is(text: str) -> None:
    assert visible(visible(text)) == visible(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("::error::x", r"\x3a:error::x"),
        ("fine\n  ::add-mask::x\n", "fine\n  \\x3a:add-mask::x\n"),
        ("a::b", "a::b"),
        ("x ##[group]", r"x ##\x5bgroup]"),
        ("###[", r"###\x5b"),
    ],
)
def test_O1_no_runner_command_is_left(text: str, shown: str) -> None:
    assert inert(text) == shown


@given(st.lists(any_text.map(visible)).map("\n".join))
def test_O1_no_line_is_a_runner_command(text: str) -> None:
    shown = inert(text)
    assert "##[" not in shown
    assert not re.search(r"(?m)^\s*::", shown)


def test_O1_json_says_the_same_without_the_command() -> None:
    import json

    value = {"##[error]": ["##[", "\\##["]}
    text = inert_json(json.dumps(value))
    assert "##[" not in text
    assert json.loads(text) == value


@pytest.mark.parametrize("text", ["::error::x", "fine\n  ::error::x", "##[group]", "a::b"])
def test_O1_markup_says_the_same_without_the_command(text: str) -> None:
    shown = inert_markup(text)
    assert unescape(shown) == text
    assert not re.search(r"##\[|(?m:^\s*::)", shown)
