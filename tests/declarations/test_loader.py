"""Files -> declarations, ignore rules and findings, each with its location."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from driftcheck.declarations import loader
from driftcheck.declarations.discovery import SourceText
from driftcheck.declarations.overlays import Layer, Layers, Merging
from driftcheck.model import Declaration, Declarations, Finding, Guard, Location, Severity
from driftcheck.paths import Item, parse_path
from driftcheck.paths import Path as FieldPath
from driftcheck.yamlfile.positions import Text
from driftcheck.yamlfile.reader import parse


def declare(*texts: str) -> Declarations:
    return loader.declare([SourceText(f"{number}.yaml", text.encode()) for number, text in enumerate(texts)])


def only(declarations: Declarations, name: str) -> Declaration:
    (found,) = (declaration for declaration in declarations.deployments if declaration.name == name)
    return found


def errors(declarations: Declarations) -> list[tuple[str, str]]:
    return [
        (finding.rule, str(finding.location)) for finding in declarations.findings if finding.severity is Severity.ERROR
    ]


EXAMPLE = """\
# yaml-language-server: $schema=schemas/declaration.schema.json
defaults:
  source: external_docker
  source_config:
    listener_id: 5c2e9f60-0d4b-4d53-9a76-2b1f7f2b6c11
    resource_spec:
      min_scale: 1
      labels: {team: core, tier: one}
x-resources: &large
  cpu: 4
  memory_mb: 8192
deployments:
  - name: claims-agent
    source_config:
      resource_spec:
        <<: *large
        min_scale: 2
        max_scale: 6
        sidecars:
          - name: proxy
            image: example.com/proxy:1
          - name: otel
            image: example.com/otel:0.104.0
    source_revision_config:
      image_uri: registry.example.com/agents/claims-agent:1.14.2
    secrets:
      - name: OPENAI_API_KEY
  - name: plain
    source_config:
      resource_spec: {labels: {team: other}}
    source_revision_config: {image_uri: "example.com/plain:1"}
"""


# --- values ---


def test_defaults_lie_under_each_deployment_mappings_merge_lists_and_scalars_replace() -> None:
    declared = declare(EXAMPLE)
    claims = only(declared, "claims-agent").value
    assert claims["source"] == "external_docker"
    assert claims["source_config"]["listener_id"] == "5c2e9f60-0d4b-4d53-9a76-2b1f7f2b6c11"
    spec = claims["source_config"]["resource_spec"]
    assert (spec["min_scale"], spec["max_scale"], spec["cpu"]) == (2, 6, 4)
    assert spec["labels"] == {"team": "core", "tier": "one"}
    assert only(declared, "plain").value["source_config"]["resource_spec"]["labels"] == {"team": "other", "tier": "one"}
    assert declared.complete
    assert errors(declared) == []


def test_a_list_of_a_deployment_replaces_that_of_the_defaults_and_null_replaces_too() -> None:
    declared = declare(
        "defaults: {secrets: [{name: A}, {name: B}], display_name: x, source_config: {resource_spec: {cpu: 1}}}\n"
        "deployments: [{name: one, secrets: [{name: C}], source_config: {resource_spec: null}}, {name: two}]\n"
    )
    assert only(declared, "one").value["secrets"] == [{"name": "C"}]
    assert only(declared, "one").value["source_config"] == {"resource_spec": None}
    assert only(declared, "two").value["secrets"] == [{"name": "A"}, {"name": "B"}]


def test_defaults_reach_their_own_document_only() -> None:
    declared = declare("defaults: {source: github}\ndeployments: [{name: one}]\n---\ndeployments: [{name: two}]\n")
    assert only(declared, "one").value == {"source": "github", "name": "one"}
    assert only(declared, "two").value == {"name": "two"}


DEEP = st.recursive(
    st.none() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)


def merged(under: Any, over: Any) -> Any:
    """The meaning of defaults below a value, in the simplest form."""
    if not isinstance(under, dict) or not isinstance(over, dict):
        return over
    return {
        key: merged(under[key], over[key]) if key in under and key in over else over.get(key, under.get(key))
        for key in under.keys() | over.keys()
    }


@given(st.dictionaries(st.sampled_from("abc"), DEEP), st.dictionaries(st.sampled_from("abc"), DEEP))
def test_laying_defaults_under_is_merging_and_changes_neither_side(under: dict[str, Any], over: dict[str, Any]) -> None:
    before = repr((under, over))
    assert Merging().merge(under, over) == merged(under, over)
    assert repr((under, over)) == before


# --- locations ---


def place(declared: Declarations, name: str, path: str) -> str:
    return str(only(declared, name).locate(parse_path(path)))


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("", "0.yaml:13:5"),
        ("name", "0.yaml:13:11"),
        ("source", "0.yaml:3:11"),
        ("source_config.listener_id", "0.yaml:5:18"),
        ("source_config.resource_spec.min_scale", "0.yaml:17:20"),
        ("source_config.resource_spec.cpu", "0.yaml:10:8"),
        ("source_config.resource_spec.labels.tier", "0.yaml:8:34"),
        ("source_config.resource_spec.sidecars[name=otel].image", "0.yaml:23:20"),
        ("source_config.resource_spec.sidecars[1].image", "0.yaml:23:20"),
        ("secrets[name=OPENAI_API_KEY]", "0.yaml:27:9"),
        ("source_config.resource_spec.redis_cpu", "0.yaml:16:9"),
        ("source_config.resource_spec.sidecars[name=gone].image", "0.yaml:20:11"),
        ("source_revision_config.repo_ref", "0.yaml:25:7"),
        ("display_name", "0.yaml:13:5"),
        ("name.deeper[0].still", "0.yaml:13:11"),
    ],
)
def test_a_path_leads_to_where_its_value_is_written_or_to_the_nearest_node(path: str, expected: str) -> None:
    assert place(declare(EXAMPLE), "claims-agent", path) == expected


def test_locations_lead_through_aliases_to_where_the_value_is_written() -> None:
    declared = declare(
        "x-spec: &spec\n  cpu: 1\ndeployments:\n  - &one\n    name: one\n    source_config: {resource_spec: *spec}\n"
        "  - <<: *one\n    name: two\n"
    )
    assert place(declared, "one", "source_config.resource_spec.cpu") == "0.yaml:2:8"
    assert place(declared, "two", "source_config.resource_spec.cpu") == "0.yaml:2:8"
    assert place(declared, "two", "name") == "0.yaml:8:11"
    assert place(declared, "one", "") == "0.yaml:5:5"


VALUES = st.recursive(
    st.integers(0, 10**6).map(lambda number: f"v{number}"),
    lambda inner: st.dictionaries(st.sampled_from(["ka", "kb", "kc"]), inner, min_size=1, max_size=3),
    max_leaves=8,
)


@given(VALUES, VALUES)
def test_every_location_of_a_deployment_over_defaults_holds_the_value(default: Any, own: Any) -> None:
    labels = {"source_config": {"resource_spec": {"labels": {"x": default}}}}
    entry = {"name": "one", "source_config": {"resource_spec": {"labels": {"x": own}}}}
    text = yaml.safe_dump({"defaults": labels, "deployments": [entry]}, sort_keys=False)
    lines = text.splitlines()
    source = Text("a.yaml", text.encode(), parse(text.encode()))
    value = Merging().merge(labels, entry)
    own = Layer(source, 0, ("deployments", 0), entry)
    layers = Layers((own, Layer(source, 0, ("defaults",), labels)), own, value)

    def check(node: Any, path: FieldPath) -> None:
        if isinstance(node, dict):
            for key, child in node.items():
                check(child, (*path, key))
        else:
            location = layers.locate(path)
            assert lines[location.line - 1][location.column - 1 :] == node

    check(value, ())


# --- findings ---


def test_findings_say_deployment_path_by_identity_and_place() -> None:
    declared = declare(EXAMPLE.replace("image: example.com/otel:0.104.0", "imgae: example.com/otel:0.104.0"))
    unknown = next(finding for finding in declared.findings if finding.rule == "unknown-field")
    assert unknown.deployment == "claims-agent"
    assert unknown.path == ("source_config", "resource_spec", "sidecars", Item("name", "otel"), "imgae")
    assert str(unknown.location) == "0.yaml:23:13"
    assert unknown.hint is not None
    assert "`image`" in unknown.hint


def test_an_ambiguous_value_is_not_also_reported_as_of_the_wrong_type() -> None:
    declared = declare("deployments:\n  - name: one\n    source_config: {resource_spec: {cpu: 1_0}}\n")
    assert errors(declared) == [("ambiguous-scalar", "0.yaml:3:42")]
    assert declared.deployments == ()
    assert not declared.complete


def test_defects_of_the_text_name_the_deployment_they_lie_in() -> None:
    declared = declare("deployments:\n- name: one\n  display_name: no\n- name: two\n  display_name: 017\n")
    assert [finding.deployment for finding in declared.findings if finding.rule == "ambiguous-scalar"] == ["one", "two"]


def test_Y7_a_duplicate_key_has_both_locations_and_invalidates_only_its_deployment() -> None:
    declared = declare("deployments:\n- name: one\n  source: github\n  source: github\n- name: two\n  source: github\n")
    found = next(finding for finding in declared.findings if finding.rule == "duplicate-key")
    assert found.location == Location("0.yaml", 4, 3)
    assert found.related == (Location("0.yaml", 3, 3),)
    assert [declaration.name for declaration in declared.deployments] == ["two"]
    assert not declared.complete


def test_a_duplicate_key_that_aliases_may_repeat_invalidates_the_document() -> None:
    declared = declare(
        "deployments:\n- name: one\n  source_config: &c {x: 1, x: 2}\n- name: two\n  source_config: *c\n"
    )
    assert declared.deployments == ()


def test_Y8_a_name_declared_twice_is_reported_with_both_locations() -> None:
    one = "deployments:\n  - name: one\n    source: github\n"
    for declared in (declare(one + "  - name: one\n"), declare(one + "---\n" + one), declare(one, one)):
        found = next(finding for finding in declared.findings if finding.rule == "duplicate-name")
        assert found.deployment == "one"
        assert found.related == (Location("0.yaml", 2, 11),)
        assert found.location is not None
        assert found.location != found.related[0]
        assert only(declared, "one").value["source"] == "github"
        assert not declared.complete


def test_Y8_a_name_that_a_broken_deployment_has_counts_too() -> None:
    declared = declare("deployments:\n  - {name: one, bad: 1}\n  - {name: one}\n")
    assert ("duplicate-name", "0.yaml:3:12") in errors(declared)
    assert declared.deployments == ()


def test_Y8_of_several_files_the_first_counts_even_where_it_is_broken() -> None:
    declared = declare("deployments: [{name: one, bad: 1}]\n", "deployments: [{name: one}, {name: two}]\n")
    assert [declaration.name for declaration in declared.deployments] == ["two"]


def test_Y17_several_documents_are_all_read() -> None:
    declared = declare("deployments: [{name: one}]\n---\ndeployments: [{name: two, bad: 1}]\n---\n- x\n")
    assert [declaration.name for declaration in declared.deployments] == ["one"]
    assert errors(declared) == [("unknown-field", "0.yaml:3:27"), ("wrong-type", "0.yaml:5:1")]


def test_Y18_every_defect_of_every_file_is_reported_in_one_run() -> None:
    declared = declare(
        "deployments: [\n",
        "deployments: [{name: one}]\n",
        "deployments: [{name: Two}, {name: three, x: 1}]\n",
        "nope\n",
    )
    assert errors(declared) == [
        ("yaml-syntax", "0.yaml:1:1"),
        ("invalid-name", "2.yaml:1:22"),
        ("unknown-field", "2.yaml:1:42"),
        ("wrong-type", "3.yaml:1:1"),
    ]
    assert [declaration.name for declaration in declared.deployments] == ["one"]
    assert declared.files == ("0.yaml", "1.yaml", "2.yaml", "3.yaml")
    assert not declared.complete


def test_a_defect_of_the_defaults_invalidates_the_document() -> None:
    declared = declare("defaults: {bad: 1}\ndeployments: [{name: one}]\n---\ndeployments: [{name: two}]\n")
    assert [declaration.name for declaration in declared.deployments] == ["two"]
    assert not declared.complete


def test_a_defect_beside_the_deployments_leaves_them_as_they_are() -> None:
    declared = declare("endpoint: https://example.com\ndeployments: [{name: one, source: github}]\n")
    assert errors(declared) == [("unknown-field", "0.yaml:1:1")]
    assert [declaration.name for declaration in declared.deployments] == ["one"]
    assert declared.complete


def test_findings_of_lint_have_locations_and_leave_the_deployment_in() -> None:
    declared = declare(
        "defaults: {source_config: {resource_spec: {max_scale: 1}}}\n"
        "deployments:\n- name: one\n  source: github\n  source_config: {resource_spec: {min_scale: 3}}\n"
    )
    found = next(finding for finding in declared.findings if finding.rule == "scale-order")
    assert found.deployment == "one"
    assert found.location in (Location("0.yaml", 5, 46), Location("0.yaml", 1, 55))
    assert [declaration.name for declaration in declared.deployments] == ["one"]
    assert declared.complete


def test_a_finding_about_a_default_is_reported_once_without_a_deployment() -> None:
    declared = declare(
        "defaults: {source: github, source_config: {resource_spec: {min_scale: 3, max_scale: 1}}}\n"
        "deployments: [{name: one}, {name: two}, {name: three}]\n"
    )
    assert [finding.deployment for finding in declared.findings if finding.rule == "scale-order"] == [None]


def test_Y19_empty_files_are_reported_and_declare_nothing() -> None:
    declared = declare("", "# only a comment\n---\n", "deployments: []\n")
    assert [(f.rule, f.severity, str(f.location)) for f in declared.findings] == [
        ("empty-file", Severity.WARNING, "0.yaml:1:1"),
        ("empty-file", Severity.WARNING, "1.yaml:1:1"),
    ]
    assert declared.deployments == ()
    assert declared.complete


def test_an_empty_document_beside_others_is_not_reported() -> None:
    assert declare("---\n---\ndeployments: [{name: one, source: github}]\n---\n").complete


# --- ignore rules ---


def test_ignore_rules_reach_the_deployments_of_their_file() -> None:
    declared = declare(
        "deployments: [{name: one, source: github}]\n"
        "---\n"
        "deployments: [{name: two, source: github}]\n"
        "ignore:\n"
        "  - deployment: t*\n"
        "    path: source_config.**\n"
        "    reason: load test, OPS-123\n"
        "    expires: 2026-12-31\n"
        "    live: {between: [6, 20]}\n",
        "deployments: [{name: three, source: github}]\nignore: [{path: display_name, reason: x}]\n",
    )
    first, second = declared.ignores
    assert first.scope == frozenset({"one", "two"})
    assert (first.deployment, first.path, first.reason) == ("t*", "source_config.**", "load test, OPS-123")
    assert (first.expires, first.guard) == ("2026-12-31", Guard(between=(6, 20)))
    assert first.location == Location("0.yaml", 5, 5)
    assert (second.scope, second.deployment, second.guard) == (frozenset({"three"}), "*", None)


# --- files ---


def test_load_reads_folders_and_standard_input_and_sorts(tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_text("deployments: [{name: b, source: github}]\n")
    (tmp_path / "a.yml").write_text("deployments: [{name: a, source: github}]\n")
    declared = loader.load([".", "-"], stdin=lambda: b"deployments: [{name: c, source: github}]\n", here=str(tmp_path))
    assert declared.files == ("<stdin>", "a.yml", "b.yaml")
    assert [declaration.name for declaration in declared.deployments] == ["c", "a", "b"]
    assert declared.complete


def test_Y18_a_refused_file_makes_the_declarations_incomplete_and_hides_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("deployments: [{name: a, source: github}]\n")
    (tmp_path / "b.yaml").symlink_to("/etc/passwd")
    declared = loader.load(["."], here=str(tmp_path))
    assert declared.files == ("a.yaml", "b.yaml")
    assert errors(declared) == [("unreadable-file", "b.yaml:1:1")]
    assert [declaration.name for declaration in declared.deployments] == ["a"]
    assert not declared.complete


def test_the_order_of_paths_changes_nothing(tmp_path: Path) -> None:
    for name in "cab":
        (tmp_path / f"{name}.yaml").write_text(f"deployments: [{{name: {name}, source: github}}, {{name: x}}]\n")
    first = loader.load(["a.yaml", "b.yaml", "c.yaml"], here=str(tmp_path))
    again = loader.load(["c.yaml", ".", "a.yaml"], here=str(tmp_path))
    assert first == again


def test_Y22_locations_are_found_in_what_was_read(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("\n\ndeployments:\n  - name: a\n    source: github\n")
    declared = loader.load(["a.yaml"], here=str(tmp_path))
    file.write_text("other\n")
    assert place(declared, "a", "source") == "a.yaml:5:13"


def test_the_findings_are_sorted_by_place() -> None:
    declared = declare("deployments:\n- {name: B, x: 1}\n- {name: A, y: no}\n", "x\n")
    locations = [finding.location for finding in declared.findings if finding.location]
    assert locations == sorted(locations)
    assert all(isinstance(finding, Finding) for finding in declared.findings)


def test_a_deployment_without_a_name_is_known_by_its_agent() -> None:
    text = "deployments:\n- {source: internal_source, agent: {agent_id: claims, environment: staging}}\n"
    declared = loader.declare([SourceText("0.yaml", text.encode())], name_suffix="-x")
    assert [(each.name, "name" in each.value) for each in declared.deployments] == [("claims/staging", False)]
    assert declared.complete
    assert str(declared.deployments[0].locate(())) == "0.yaml:2:3"


def test_a_deployment_with_neither_name_nor_agent_is_an_error() -> None:
    for entry in ("{source: github}", "{source: github, agent: null}"):
        declared = declare(f"deployments: [{entry}]\n")
        assert [rule for rule, _ in errors(declared)] == ["missing-field"]
        assert not declared.complete
