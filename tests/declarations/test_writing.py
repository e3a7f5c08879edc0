"""Writing YAML: every version of YAML reads back what was written, and people can read the layout."""

from __future__ import annotations

from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from driftcheck.declarations.export import Exported, Note
from driftcheck.declarations.writing import write
from driftcheck.paths import Item
from driftcheck.yamlfile import reader
from tests.declarations.live_deployments import odd_texts

writable = st.one_of(odd_texts, st.text(st.characters(codec="utf-8"))).filter(
    lambda text: not any("\ud800" <= character <= "\udfff" for character in text)
)
scalars = st.one_of(
    writable,
    st.integers(-(2**53), 2**53),
    st.booleans(),
    st.none(),
    st.floats(allow_nan=False, allow_infinity=False),
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(writable, inner, max_size=3), max_leaves=10
)


@given(value=st.dictionaries(writable, values, min_size=1, max_size=4))
def test_what_is_written_comes_back_in_yaml_1_1_and_1_2(value: dict[str, Any]) -> None:
    text = write([Exported("agent", value)])
    parsed = reader.parse(text.encode())
    assert [problem.rule for problem in parsed.problems] == []
    assert parsed.documents == ({"deployments": [value]},)
    assert yaml.load(text, yaml.CSafeLoader) == {"deployments": [value]}


@given(value=st.dictionaries(writable, values, min_size=1, max_size=4))
def test_no_line_steers_a_terminal_or_a_runner(value: dict[str, Any]) -> None:
    text = write([Exported("agent", value)])
    assert all(line.isprintable() for line in text.split("\n"))
    assert "##[" not in text
    assert not any(line.lstrip().startswith("::") for line in text.split("\n"))


def test_the_layout_is_for_people() -> None:
    env = [{"name": "LEVEL"}]
    value = {"name": "agent", "secrets": [], "spec": {"args": ["--x=1", "a b"], "env": env, "cpu": 1.5}}
    notes = (
        Note(("spec", "env", Item("name", "LEVEL"), "value"), "it may hold a secret"),
        Note(("source_revision_config", "repo_ref"), "it is a commit"),
        Note(("secrets", 0), "it may hold a secret"),
    )
    ignores = (Note(("secrets", 0), "it may hold a secret"),)
    exports = [Exported("agent", value, notes, ignores), Exported("other", {"name": "other"})]
    assert (
        write(exports, notices=["Exported today."])
        == """\
# yaml-language-server: $schema=declaration.schema.json
# Exported today.
deployments:
  - name: agent
    secrets: []
      # [0] is not exported: it may hold a secret
    spec:
      args:
        - --x=1
        - a b
      env:
        - name: LEVEL
          # value is not exported: it may hold a secret
      cpu: 1.5
    # source_revision_config.repo_ref is not exported: it is a commit

  - name: other

ignore:
  - deployment: agent
    path: "secrets[0]"
    reason: "not exported: it may hold a secret"
"""
    )


def test_nothing_to_write_is_a_document_too() -> None:
    assert write([]) == "# yaml-language-server: $schema=declaration.schema.json\ndeployments: []\n"
