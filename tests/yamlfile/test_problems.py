"""Defects of a text, in words that say what to do and quote nothing."""

from __future__ import annotations

import pytest

from driftcheck.yamlfile.problems import MAX_DIRECTIVES, invisible_characters, unreadable
from driftcheck.yamlfile.reader import parse

SOUND = b"deployments: []\n"


@pytest.mark.parametrize(
    ("data", "rule", "position"),
    [
        (b"a: 1\nb: \xff\n", "text-encoding", (2, 4)),
        ("é: \xe9\n".encode("latin-1"), "text-encoding", (1, 1)),
        ("a: 1\n".encode("utf-16"), "text-encoding", (1, 1)),
        ("a: 1\n".encode("utf-32-be"), "text-encoding", (1, 1)),
        (b"a: 1\rb: 2\n", "line-separator", (1, 5)),
        ("a: é\u2028b: 2\n".encode(), "line-separator", (1, 5)),
        (b"version https://git-lfs.github.com/spec/v1\noid x\n", "unreadable-file", (1, 1)),
        (b"%YAML 1.2\n" * (MAX_DIRECTIVES + 1), "yaml-directive", (1, 1)),
    ],
)
def test_what_keeps_a_text_from_being_read_is_one_problem(data: bytes, rule: str, position: tuple[int, int]) -> None:
    found = unreadable(data)
    assert found is not None
    assert (found.rule, found.position) == (rule, position)
    assert found.hint


@pytest.mark.parametrize(
    "data", [b"", SOUND, SOUND.replace(b"\n", b"\r\n"), b"\xef\xbb\xbf" + SOUND, "a: é\n".encode()]
)
def test_a_sound_text_has_none(data: bytes) -> None:
    assert unreadable(data) is None
    assert list(invisible_characters(data)) == []


def test_an_invisible_character_is_a_problem_at_its_position() -> None:
    found = list(invisible_characters("a: é\n# x\u200by\u202e\n".encode()))
    assert [(problem.rule, problem.position) for problem in found] == [
        ("invisible-character", (2, 4)),
        ("invisible-character", (2, 6)),
    ]


def test_a_byte_order_mark_is_invisible_only_inside_of_a_text() -> None:
    assert list(invisible_characters("\ufeffa: é\n".encode())) == []
    assert len(list(invisible_characters("a: \ufeffb\n".encode()))) == 1


@pytest.mark.parametrize(
    ("text", "message", "position"),
    [
        ("a: b: c\n", "unexpected colon", (1, 5)),
        ("a: [1, 2\nb: 3\n", "unclosed list in brackets", (2, 2)),
        ("a: {b: 1\nc: 2\n", "unclosed mapping in braces", (2, 2)),
        ("a: 'b\n", "the file ends inside quotes", (1, 4)),
        ('a: "\\q"\n', "unknown escape in double quotes", (1, 5)),
        ("a:\n\tb: 1\n", "tab in the indentation", (2, 1)),
        ("a: `b`\n", "a value cannot begin with this character", (1, 4)),
        ("a: &\n", "the anchor (`&`) or alias (`*`) has no name", (1, 5)),
        ("a: !x!y z\n", "tags (words that begin with `!`) are not supported", (1, 4)),
        ("- a\nb: c\n", "expected a list entry (`- `)", (2, 1)),
    ],
)
def test_a_syntax_error_says_what_is_wrong_and_where(text: str, message: str, position: tuple[int, int]) -> None:
    (found,) = parse(text.encode()).problems
    assert (found.rule, found.message, found.position) == ("yaml-syntax", message, position)


@pytest.mark.parametrize(
    ("text", "rule", "hint"),
    [
        ("a: yes\n", "ambiguous-scalar", 'Write `true` for the boolean, or `"yes"` for the string.'),
        ("a: Off\n", "ambiguous-scalar", 'Write `false` for the boolean, or `"Off"` for the string.'),
        ("a: 1_000\n", "ambiguous-scalar", "Put it in quotes"),
        (f"a: {'9' * 500}\n", "number-range", ""),
    ],
)
def test_a_scalar_that_is_misread_has_advice_of_its_own(text: str, rule: str, hint: str) -> None:
    (found,) = parse(text.encode()).problems
    assert found.rule == rule
    assert hint in found.hint
    assert "1_000" not in f"{found.message}{found.hint}"
