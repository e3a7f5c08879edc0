"""New values in an old text: only changed values are written, and every other byte stays."""

from __future__ import annotations

import copy
import difflib
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftcheck.yamlfile import writing
from driftcheck.yamlfile.edit import EditError, rewrite, same
from driftcheck.yamlfile.reader import parse

NAMES = st.sampled_from(["name", "cpu", "labels", "args", "team", "x-y", "k1", "k2", "image"])
TEXTS = st.sampled_from(
    ["a", "b c", "--x", "no", "1", "1.0", "x: y", "# no", "it's", 'say "hi"', "l1\nl2\n", " lead", "é", "", "a,b", "*a"]
)
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.sampled_from([0.5, 1.5, 2.0]), TEXTS)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(NAMES, inner, max_size=3),
        st.lists(inner.map(lambda value: value), max_size=2).map(
            lambda values: [{"name": f"n{index}", "value": value} for index, value in enumerate(values)]
        ),
    ),
    max_leaves=12,
)
ROOTS = st.dictionaries(NAMES, VALUES, min_size=1, max_size=4).map(lambda root: {**root, "last": 1})


class Writer:
    """Writes a value as YAML with odd but valid layout; every choice is drawn."""

    def __init__(self, draw: st.DrawFn, newline: str) -> None:
        self.draw = draw
        self.newline = newline
        self.comments = 0

    def document(self, value: dict[str, Any]) -> str:
        lines = list(self.mapping(value, 0, self.draw(st.sampled_from([2, 2, 3, 4]))))
        if self.draw(st.booleans()):
            lines = ["---", *lines]
        return self.newline.join(lines) + (self.newline if self.draw(st.booleans()) else "")

    def comment(self) -> str:
        self.comments += 1
        return f"# comment {self.comments}\twith: [odd, 'signs"

    def above(self, margin: str) -> list[str]:
        choice = self.draw(st.integers(0, 5))
        return {0: [f"{margin}{self.comment()}"], 1: [""], 2: ["", f"{margin}{self.comment()}"]}.get(choice, [])

    def behind(self) -> str:
        return f"  {self.comment()}" if self.draw(st.integers(0, 4)) == 0 else ""

    def mapping(self, value: dict[str, Any], column: int, step: int) -> list[str]:
        lines = []
        for key, child in value.items():
            lines += self.above(" " * column)
            lines += self.entry(f"{' ' * column}{self.key(key)}:", child, column, step, is_key=True)
        return lines

    def key(self, key: str) -> str:
        if not re.fullmatch("[A-Za-z_][A-Za-z0-9_-]*", key):
            return writing.text(key, quote='"')
        return self.draw(st.sampled_from([key, key, key, f'"{key}"', f"'{key}'", f"{key} "]))

    def entry(self, head: str, child: Any, column: int, step: int, *, is_key: bool) -> list[str]:
        is_collection = isinstance(child, dict | list) and child
        if not is_collection or self.draw(st.integers(0, 3)) == 0:
            is_lines = isinstance(child, str) and "\n" in child and child.replace("\n", "").isprintable()
            if is_lines and not child.startswith((" ", "\n")):
                body = child.rstrip("\n").split("\n")
                style = "|" if child.endswith("\n") else "|-"
                return [f"{head} {style}{self.behind()}", *(f"{' ' * (column + step)}{line}" for line in body)]
            if child is None and is_key and self.draw(st.booleans()):
                return [f"{head}{self.behind()}"]
            return [f"{head} {self.flow(child)}{self.behind()}"]
        lines = [f"{head}{self.behind()}"]
        if isinstance(child, dict):
            return lines + self.mapping(child, column + step, step)
        offset = self.draw(st.sampled_from([0, 2])) if is_key else 2
        return lines + self.sequence(child, column + offset, step)

    def sequence(self, value: list[Any], column: int, step: int) -> list[str]:
        lines = []
        for child in value:
            lines += self.above(" " * column)
            if isinstance(child, dict) and child and self.draw(st.integers(0, 3)):
                inner = self.mapping(child, column + 2, step)
                while inner and not inner[0].strip():
                    inner.pop(0)
                if inner[0].lstrip().startswith("#"):
                    lines += [f"{' ' * column}-", *inner]
                else:
                    lines += [f"{' ' * column}- {inner[0][column + 2 :]}", *inner[1:]]
            else:
                lines += self.entry(f"{' ' * column}-", child, column, step, is_key=False)
        return lines

    def quoted(self, key: str) -> str:
        return writing.text(key, quote='"')

    def flow(self, value: Any) -> str:
        if isinstance(value, dict):
            return "{" + ", ".join(self.quoted(key) + ": " + self.flow(child) for key, child in value.items()) + "}"
        if isinstance(value, list):
            return "[" + ", ".join(map(self.flow, value)) + "]"
        if isinstance(value, str):
            if value.isprintable() and self.draw(st.booleans()):
                return "'" + value.replace("'", "''") + "'"
            return writing.text(value, quote='"')
        return json.dumps(value)


@st.composite
def texts(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A text with odd layout, and what it holds."""
    value = draw(ROOTS)
    return Writer(draw, draw(st.sampled_from(["\n", "\n", "\r\n"]))).document(value), value


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    children: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        children = list(value.items())
    elif isinstance(value, list):
        children = list(enumerate(value))
    return [below for key, child in children for below in [(*path, key), *paths(child, (*path, key))]]


def at(value: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        value = value[key]
    return value


@given(texts(), st.data())
def test_any_value_is_replaced_in_any_layout(drawn: tuple[str, dict[str, Any]], data: st.DataObject) -> None:
    text, value = drawn
    parsed = parse(text.encode())
    assert not parsed.problems
    assert same(parsed.documents[0], value)
    path = data.draw(st.sampled_from(paths(value)))
    new = copy.deepcopy(value)
    holder = at(new, path[:-1])
    match data.draw(st.sampled_from(["set", "remove", "add"])):
        case "set":
            holder[path[-1]] = data.draw(VALUES)
        case "remove":
            del holder[path[-1]]
        case _:
            if isinstance(holder, dict):
                holder["added"] = data.draw(VALUES)
            else:
                holder.insert(path[-1], data.draw(VALUES))

    written = rewrite(text.encode(), [new], keys=("name",))[0].decode()

    assert same(parse(written.encode()).documents[0], new)
    if path[-1] != "name":  # an entry of another name is another entry
        _check_other_bytes(text, written, at(value, path))


def _check_other_bytes(text: str, written: str, changed: Any) -> None:
    """No line is removed but those of the value and its comments; a comment elsewhere is never lost."""
    before, after = text.splitlines(), written.splitlines()
    blocks = [
        op for op in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes() if op[0] != "equal"
    ]
    assert len(blocks) <= 3
    if not isinstance(changed, dict | list):
        lost = {line.partition("# comment")[2] for line in before} - {line.partition("# comment")[2] for line in after}
        assert len(lost) <= 2  # behind the value, and attached above it


@given(texts(), st.data())
def test_a_changed_scalar_changes_its_own_characters_only(
    drawn: tuple[str, dict[str, Any]], data: st.DataObject
) -> None:
    text, value = drawn
    scalars = [path for path in paths(value) if isinstance(at(value, path), int | float) or at(value, path) == "a"]
    if not scalars:
        return
    path = data.draw(st.sampled_from(scalars))
    new = copy.deepcopy(value)
    at(new, path[:-1])[path[-1]] = 777
    written = rewrite(text.encode(), [new], keys=("name",))[0].decode()
    position = written.index("777")
    assert text.startswith(written[:position])
    assert text.endswith(written[position + 3 :])


def test_nothing_changes_where_nothing_is_to_change() -> None:
    text = b"\xef\xbb\xbfa: 1 # one\r\nb:   [ x ,y ]\r\n"
    assert rewrite(text, [{"b": ["x", "y"], "a": 1}])[0] == text


SHARED = """\
defaults: &d
  cpu: 1   # base
  labels: {team: a}
deployments:
  - &one
    name: one
    spec: &spec
      cpu: 2
      memory: 4
  - name: two
    spec: *spec
  - name: three
    <<: *d
  - name: four
    spec: {<<: *spec, cpu: 3}
"""


@pytest.mark.parametrize(
    ("change", "added"),
    [
        (lambda d: d[1].__setitem__("spec", {"cpu": 9, "memory": 4}), ["    spec:", "      <<: *spec", "      cpu: 9"]),
        (lambda d: d[1].__setitem__("spec", {"cpu": 9}), ["    spec:", "      cpu: 9"]),
        (lambda d: d[2].__setitem__("cpu", 7), ["    cpu: 7"]),
        (lambda d: d[3].__setitem__("spec", {"cpu": 3, "memory": 8}), ["    spec: {<<: *spec, cpu: 3, memory: 8}"]),
        (
            lambda d: d[0].__setitem__("spec", {"cpu": 5, "memory": 4}),
            ["    spec:", "      cpu: 5", "    spec: &spec {cpu: 2, memory: 4}"],
        ),
        (lambda d: d.pop(0), ["    spec: &spec {cpu: 2, memory: 4}"]),
    ],
    ids=["alias", "alias-less", "merge", "merge-in-flow", "definition", "removed-definition"],
)
def test_what_others_share_keeps_its_value(change: Callable[[Any], Any], added: list[str]) -> None:
    documents = copy.deepcopy(parse(SHARED.encode()).documents)
    new = [json.loads(json.dumps(document)) for document in documents]
    change(new[0]["deployments"])
    written = rewrite(SHARED.encode(), new, keys=("name",))[0].decode()
    diff = [line for line in difflib.ndiff(SHARED.splitlines(), written.splitlines()) if line.startswith("+ ")]
    assert diff == [f"+ {line}" for line in added]


def test_a_text_with_defects_is_refused() -> None:
    with pytest.raises(EditError, match="defects"):
        rewrite(b"a: 1\na: 2\n", [{"a": 3}])


def test_an_anchor_below_a_key_that_is_an_alias_is_not_moved() -> None:
    with pytest.raises(EditError, match="anchor"):
        rewrite(b"top:\n  a: &x b\n  *x : {c: &y [1, 2]}\nd: *y\n", [{"top": 1, "d": [1, 2]}])


@pytest.mark.parametrize(
    ("text", "new", "expected"),
    [
        ("a: |  # why\n  x\n  y\nb: 1\n", {"a": "z", "b": 1}, "a: z  # why\nb: 1\n"),
        ("a: >-\t# why \r\n  x\r\nb: 1", {"a": 5, "b": 1}, "a: 5\t# why\r\nb: 1"),
        ("a: |2-  # why\n  x # y\nb: 1\n", {"a": [1], "b": 1}, "a:  # why\n  - 1\nb: 1\n"),
        ("a: |  # why\n  x\nb: 1\n", {"a": {"c": 1}, "b": 1}, "a:  # why\n  c: 1\nb: 1\n"),
        ("a:\n  # one\n  |  # two\n  x\nb: 1\n", {"a": "q", "b": 1}, "a:\n  # one\n  q  # two\nb: 1\n"),
        ("a: &x |  # why\n  x\nb: *x\n", {"a": "z", "b": "z"}, "a: &x z  # why\nb: *x\n"),
        ("a:\n- |  # why\n  x\n- b\n", {"a": ["q", "b"]}, "a:\n- q  # why\n- b\n"),
    ],
)
def test_the_comment_behind_a_block_indicator_stays(text: str, new: Any, expected: str) -> None:
    assert rewrite(text.encode(), [new])[0].decode() == expected
