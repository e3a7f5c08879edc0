"""The diff of `adopt`: applied to the first text, it gives the second."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftcheck.formats import patch

LINES = st.lists(st.sampled_from(["", "a", "b", "c: 1"]))
TEXTS = st.builds(lambda lines, end: "\n".join(lines) + end, LINES, st.sampled_from(["", "\n"]))
HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@\n")
NO_NEWLINE = "\\ No newline at end of file\n"


def lines_of(text: str) -> list[str]:
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def applied(text: str, diff: str) -> str:
    """Apply a diff as its hunks say, which must fit."""
    before, after, position = lines_of(text), list[str](), 0
    lines = iter(lines_of(diff.replace("\n" + NO_NEWLINE, NO_NEWLINE))[2:])
    for line in lines:
        head = HUNK.fullmatch(line)
        assert head
        old, new = (int(length or 1) for length in (head[2], head[4]))
        start = int(head[1]) - (1 if old else 0)
        after += before[position:start]
        position = start
        assert int(head[3]) - (1 if new else 0) == len(after)
        end, done = position + old, len(after) + new
        while position < end or len(after) < done:
            sign, content = (change := next(lines))[0], change[1:].removesuffix(NO_NEWLINE)
            if sign in " -":
                assert before[position] == content
                position += 1
            if sign in " +":
                after.append(content)
    return "".join([*after, *before[position:]])


@given(TEXTS, TEXTS)
def test_applied_to_the_first_text_it_gives_the_second(before: str, after: str) -> None:
    assert applied(before, patch.render("a.yaml", before, after)) == after


@given(st.lists(st.integers(0, 500), min_size=150, max_size=200), st.data())
def test_long_texts_too(numbers: list[int], data: st.DataObject) -> None:
    before = "".join(f"{number}\n" for number in numbers)
    for _ in range(data.draw(st.integers(1, 5))):
        numbers[data.draw(st.integers(0, len(numbers) - 1))] = 1000
    after = "".join(f"{number}\n" for number in numbers)
    assert applied(before, patch.render("a.yaml", before, after)) == after


def test_a_new_file_begins_nowhere() -> None:
    assert patch.render("new.yaml", None, "a\n") == "--- /dev/null\n+++ b/new.yaml\n@@ -0,0 +1 @@\n+a\n"


@pytest.mark.parametrize("text", ["", "a", "a\n"])
def test_equal_texts_have_no_hunk(text: str) -> None:
    assert patch.render("a.yaml", text, text) == "--- a/a.yaml\n+++ b/a.yaml\n"
