"""YAML text -> values, problems and locations."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from driftcheck.errors import DriftcheckError
from driftcheck.fields import Field, deployment
from driftcheck.yamlfile import reader
from driftcheck.yamlfile.parsed import Parsed
from driftcheck.yamlfile.positions import Text
from driftcheck.yamlfile.reader import parse

CANARY = "canary-5c1d"


def read(text: str) -> Parsed:
    return parse(text.encode())


def value(text: str) -> Any:
    parsed = read(text)
    assert parsed.problems == ()
    (document,) = parsed.documents
    return document


def rules(text: str) -> list[str]:
    return [problem.rule for problem in read(text).problems]


# --- values ---


def test_values_are_json_values_and_dates_stay_text() -> None:
    text = "a: [1, 1.5, true, null, text, 'no', \"1\", 2026-12-31]\nb: {}\nc: |\n  two\n  lines\nd: >-\n  one\n  line\n"
    assert value(text) == {
        "a": [1, 1.5, True, None, "text", "no", "1", "2026-12-31"],
        "b": {},
        "c": "two\nlines\n",
        "d": "one line",
    }


def test_json_is_yaml() -> None:
    data = {"a": [1, {"b": None}, "é\n\"'"], "c": {"d": [[], {}]}}
    assert value(json.dumps(data)) == data


SCALARS = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
PRINTABLE = st.text(st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters="\u2028\u2029\ufffe\uffff"))
VALUES = st.recursive(
    SCALARS | PRINTABLE,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(PRINTABLE, inner, max_size=4),
    max_leaves=25,
)


@given(VALUES, st.sampled_from([True, False, None]))
def test_what_is_written_is_what_is_read(data: Any, flow: bool | None) -> None:
    text = yaml.safe_dump(data, default_flow_style=flow, sort_keys=False)
    parsed = read(text)
    assert not parsed.broken
    assert parsed.documents == (data,)
    assert {problem.rule for problem in parsed.problems} <= {"ambiguous-scalar", "invisible-character"}


@given(st.dictionaries(st.sampled_from("abcdef"), VALUES, max_size=4))
def test_anchors_and_aliases_are_read_as_what_they_stand_for(data: dict[str, Any]) -> None:
    shared = {"first": data, "second": data, "list": [data, data]}
    parsed = read(yaml.safe_dump(shared))
    assert not parsed.broken
    assert parsed.documents == (shared,)


def test_merge_keys_lay_mappings_under_in_order_and_own_keys_win() -> None:
    text = "a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc:\n  z: 3\n  <<: [*a, *b]\n"
    text += "d: {<<: *a, y: 4}\ne: {<<: {q: 5}}\nf: {'<<': 6}\n"
    document = value(text)
    assert document["c"] == {"x": 1, "y": 1, "z": 3}
    assert document["d"] == {"x": 1, "y": 4}
    assert document["e"] == {"q": 5}
    assert document["f"] == {"<<": 6}


def test_a_merged_value_agrees_with_pyyaml() -> None:
    text = "a: &a {k: {x: 1}}\nb: &b {<<: *a, l: 2}\nc: {<<: [*b, *a], m: [*a, *b]}\n"
    assert value(text) == yaml.safe_load(text)


def test_an_anchor_may_be_named_again_and_ends_with_its_document() -> None:
    assert value("[&a 1, *a, &a 2, *a]") == [1, 1, 2, 2]
    assert rules("&a x\n---\n*a\n") == ["yaml-alias"]


def test_an_alias_may_be_a_key() -> None:
    assert value("{a: &a key, *a : 1, &b c: *b }") == {"a": "key", "key": 1, "c": "c"}


def test_several_documents_and_empty_ones() -> None:
    assert read("a: 1\n---\n---\nb: 2\n...\n").documents == ({"a": 1}, None, {"b": 2})
    assert read("").documents == ()


def test_Y16_byte_order_mark_crlf_and_no_final_newline_change_nothing() -> None:
    plain = b"a: 1\nb:\n  - x\n  - y\n"
    for data in (b"\xef\xbb\xbf" + plain, plain.replace(b"\n", b"\r\n"), plain.rstrip()):
        parsed = parse(data)
        assert parsed.documents == parse(plain).documents
        assert places(parsed, data) == places(parse(plain), plain)


def places(parsed: Parsed, data: bytes) -> list[Any]:
    text = Text("", data, parsed)
    return [
        (path, text.position(number, path), text.position(number, path, at_key=True))
        for number, document in enumerate(parsed.documents)
        for path in paths(document)
    ]


def paths(value: Any, above: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The path of each value, and one beyond it."""
    yield above
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in entries:
        yield from paths(child, (*above, key))
    yield (*above, "missing")
    yield (*above, 1000)


# --- problems ---


def test_Y7_duplicate_keys_are_refused_with_both_locations() -> None:
    (problem, other) = read("a: 1\nb:\n  c: 1\n  'c': 2\n  c: 3\n").problems
    assert (problem.rule, problem.position, problem.related) == ("duplicate-key", (4, 3), ((3, 3),))
    assert (other.rule, other.position, other.related) == ("duplicate-key", (5, 3), ((3, 3),))


def test_Y7_duplicate_keys_before_a_syntax_error_have_both_locations_too() -> None:
    for text in ("a: 1\na: 2\nb: [\n", "a: 1\na: [\n", "a: 1\na: ]\n"):
        duplicate, syntax = read(text).problems
        assert (duplicate.position, duplicate.related) == ((2, 1), ((1, 1),))
        assert syntax.rule == "yaml-syntax"


def test_Y9_an_ambiguous_scalar_is_the_text_that_was_written_and_is_to_be_quoted() -> None:
    parsed = read("a: no\nb: [0o17, &x 12:30]\n")
    assert parsed.documents == ({"a": "no", "b": ["0o17", "12:30"]},)
    assert [(problem.rule, problem.position) for problem in parsed.problems] == [
        ("ambiguous-scalar", (1, 4)),
        ("ambiguous-scalar", (2, 5)),
        ("ambiguous-scalar", (2, 11)),
    ]
    assert [problem.hint for problem in parsed.problems][:1] == [
        'Write `false` for the boolean, or `"no"` for the string.'
    ]
    assert all("quotes" in problem.hint for problem in parsed.problems[1:])


def test_Y9_every_location_of_an_ambiguous_scalar_is_reported() -> None:
    assert rules("[no, no, no]") == ["ambiguous-scalar"] * 3


def test_Y9_quoted_scalars_and_blocks_are_never_ambiguous() -> None:
    assert value("['no', \"017\"]") == ["no", "017"]
    assert value("a: |-\n  no\nb: >-\n  017\n") == {"a": "no", "b": "017"}


@pytest.mark.parametrize("key", ["1", "null", "true", "1.5", "? [a]\n", "? {a: b}\n", "9007199254740993"])
def test_Y12_keys_that_are_not_strings_are_reported(key: str) -> None:
    assert rules(f"{key}: x\n") == ["non-string-key"]


def test_Y12_a_key_that_is_not_a_string_is_read_as_written() -> None:
    assert read("1: x\non: y\n? [a]\n: z\n").documents == ({"1": "x", "on": "y"},)


def test_Y6_a_tagged_value_is_read_as_text_and_reported() -> None:
    parsed = read("a: !!int 017\nb: !!python/name:os.system\n")
    assert parsed.documents == ({"a": "017", "b": ""},)
    assert [problem.rule for problem in parsed.problems] == ["yaml-tag", "yaml-tag"]


def test_Y4_an_alias_inside_its_own_value_is_read_as_null() -> None:
    parsed = read("a: &a [1, *a]\nb: *a\n")
    assert parsed.documents == ({"a": [1, None], "b": [1, None]},)
    assert [(problem.rule, problem.position) for problem in parsed.problems] == [("yaml-alias", (1, 11))]


@pytest.mark.parametrize("nested", ["[", "- ", "{a: ", "? ", "a:\n"])
def test_Y1_nesting_is_refused_while_it_is_read(nested: str) -> None:
    text = nested * 100_000 if nested != "a:\n" else "".join(" " * depth + nested for depth in range(100))
    parsed = read(text)
    assert parsed.broken
    assert [problem.rule for problem in parsed.problems] == ["yaml-limit"]


def test_Y1_the_limit_is_64_levels() -> None:
    assert not read("[" * 64 + "]" * 64).broken
    assert read("[" * 65 + "]" * 65).broken


def test_Y2_the_budget_counts_what_aliases_stand_for_not_what_is_written() -> None:
    many = "x: &x [" + "1," * 1000 + "]\ny: [" + "*x," * 400 + "]\n"
    assert not read(many).broken
    bomb = "x: &x [" + "1," * 1000 + "]\ny: &y [" + "*x," * 100 + "]\nz: [" + "*y," * 100 + "]\n"
    assert read(bomb).broken


@pytest.mark.parametrize("entry", ["[a]", "{a: " * 13 + "b" + "}" * 13], ids=["list in a list", "too deep"])
def test_Y1_many_lists_and_mappings_where_no_field_has_any_are_refused(
    entry: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "MAX_UNUSUAL", 2)
    text = f"a:\n- {entry}\n- {entry}\n"
    assert not parse(text.encode()).problems
    (problem,) = parse(f"{text}- {entry}\n".encode()).problems
    assert (problem.rule, problem.position[0]) == ("yaml-limit", 4)


def test_Y1_what_the_schema_describes_is_not_too_deep() -> None:
    def depth(part: Field, around: tuple[Field, ...] = ()) -> int:
        below = [*part.properties.values(), *filter(None, (part.items, part.values))]
        return 1 + max(depth(each, (*around, part)) for each in below) if below and part not in around else 0

    document_and_list = 2
    assert document_and_list + depth(deployment()) <= reader.DEEPEST_FIELD


def test_Y2_an_honest_large_file_without_aliases_has_no_budget_to_keep() -> None:
    assert not read("[" + "1," * 600_000 + "]").broken


def test_a_document_that_breaks_off_leaves_those_before_it() -> None:
    parsed = read("a: 1\n---\nb: [\n")
    assert parsed.documents == ({"a": 1},)
    assert parsed.broken


def test_every_defect_before_a_syntax_error_is_reported() -> None:
    assert rules("a: no\na: !x 1\n1: .nan\nb: [*c\n") == [
        "ambiguous-scalar",
        "duplicate-key",
        "yaml-tag",
        "non-string-key",
        "number-range",
        "yaml-syntax",
        "yaml-alias",
    ]


@pytest.mark.parametrize("text", ["a: 1\nb: [\n", "a: 1\nb: 'c\n\n", "a: 1\nb: [1,\n", "a: 1\nb: {\n"])
def test_the_position_of_a_truncated_text_is_on_one_of_its_lines(text: str) -> None:
    (problem,) = read(text).problems
    assert problem.rule == "yaml-syntax"
    assert problem.position[0] <= len(text.splitlines())


def test_a_syntax_error_says_where_the_open_part_began() -> None:
    (problem,) = read("a: 1\nb: [1,\n  2\nc: 3\n").problems
    assert problem.rule == "yaml-syntax"
    assert problem.related == ((2, 4),)


@pytest.mark.parametrize(
    "text",
    [
        f'a: "{CANARY}',
        f"a: {CANARY}: b",
        f"a: [{CANARY}",
        f"a: {{{CANARY}: [}}",
        f"a: *{CANARY.replace('-', '')}",
        f"a: !{CANARY} b",
        f"{CANARY}: 1\n{CANARY}: 2",
        f"a: @{CANARY}",
        f"%{CANARY}\n---\na: b",
        f"? [{CANARY}]\n: b",
        f'a: "\\{CANARY}"',
        f"a: &a {CANARY}\nb: {{<<: *a}}",
    ],
)
def test_K7_no_message_quotes_the_text(text: str) -> None:
    parsed = read(text)
    assert parsed.problems
    for problem in parsed.problems:
        assert "canary" not in problem.message + problem.hint


@given(st.binary(max_size=200))
def test_no_bytes_make_reading_fail_in_another_way_than_by_problems(data: bytes) -> None:
    parsed = parse(data)
    assert parsed.problems or not parsed.broken
    for _, position, _ in places(parsed, data):
        assert position[0] <= data.count(b"\n") + 1


SOUND = (
    "x-base: &base {source: github, list: [a, 'b', 1.5]}\ndefaults:\n  <<: *base\ndeployments:\n"
    "  - name: one\n    secrets:\n      - name: TOKEN\n  - &two\n    name: two\n    labels: {no: 'yes'}\n  - *two\n"
)


@given(
    st.lists(
        st.tuples(st.integers(0, len(SOUND)), st.integers(0, 5), st.text(":-[]{}&*!%#'\"|>\n\t ,?ab<", max_size=4))
    )
)
def test_no_mutation_of_a_sound_text_does_either(edits: list[tuple[int, int, str]]) -> None:
    text = SOUND
    for start, length, replacement in edits:
        text = text[:start] + replacement + text[start + length :]
    parsed = read(text)
    assert parsed.problems or not parsed.broken
    positions = Text("", text.encode(), parsed)
    for document, node in zip(parsed.documents, parsed.nodes.roots, strict=True):
        agree(document, node, positions)


def texts_in(data: Any) -> set[str]:
    if isinstance(data, dict):
        return {*data, *(text for child in data.values() for text in texts_in(child))}
    if isinstance(data, list):
        return {text for child in data for text in texts_in(child)}
    return {data} if isinstance(data, str) else set()


@given(VALUES, st.sampled_from([True, False, None]), st.sampled_from(["", "- &a !x &b c\n", "k: &a v\n*a : *a\n"]))
def test_all_texts_are_known(data: Any, flow: bool | None, before: str) -> None:
    parsed = read(f"{before}---\n{yaml.safe_dump(data, default_flow_style=flow)}")
    assert texts_in(list(parsed.documents)) <= parsed.texts


def agree(data: Any, node: int | None, text: Text) -> None:
    """There is a node for each value, and none for other keys."""
    assert node is not None
    assert text.child(node, "missing") is None
    assert text.child(node, len(data) if isinstance(data, list) else 0) is None
    entries = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, child in entries:
        agree(child, text.child(node, key), text)


# --- libyaml ---


def test_C4_without_libyaml_nothing_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yaml._yaml", None)
    with pytest.raises(DriftcheckError, match="libyaml") as caught:
        reader.parse(b"a: 1")
    assert caught.value.hint
