"""Overlays: the merged value of layers, where each value is set, and what is reported about them."""

from __future__ import annotations

import copy
import time
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from driftcheck.declarations import loader
from driftcheck.declarations.discovery import SourceText
from driftcheck.model import Declaration, Declarations, Severity
from driftcheck.paths import Item, parse_path
from driftcheck.paths import Path as FieldPath


def declare(*texts: str, suffix: str = "") -> Declarations:
    """Each text is the file of its own path."""
    sources = [SourceText(f"{number}.yaml", text.encode(), number) for number, text in enumerate(texts)]
    return loader.declare(sources, name_suffix=suffix)


def only(declared: Declarations) -> Declaration:
    (found,) = declared.deployments
    return found


BASE = """\
defaults:
  source_config: {listener_id: 5c2e9f60-0d4b-4d53-9a76-2b1f7f2b6c11}
deployments:
  - name: agent
    source: external_docker
    source_config:
      resource_spec:
        min_scale: 2
        max_scale: 6
        labels: {team: core, tier: one}
        sidecars:
          - {name: proxy, image: "example.com/proxy:1"}
          - {name: otel, image: "example.com/otel:1"}
    source_revision_config: {image_uri: "example.com/agent:1"}
    secrets: [{name: A}, {name: B}]
"""
OVERLAY = """\
overlay:
  - name: agent
    source_config:
      resource_spec:
        min_scale: 1
        labels: {tier: two}
        sidecars:
          - name: otel
            image: example.com/otel:2
          - {name: extra, image: "example.com/extra:1"}
    secrets: [{name: C}]
"""


def test_mappings_and_lists_with_an_identity_merge_and_the_rest_replaces() -> None:
    declared = declare(BASE, OVERLAY)
    assert [f for f in declared.findings if f.severity is Severity.ERROR] == []
    assert declared.complete
    value = only(declared).value
    spec = value["source_config"]["resource_spec"]
    assert value["source_config"]["listener_id"] == "5c2e9f60-0d4b-4d53-9a76-2b1f7f2b6c11"
    assert (spec["min_scale"], spec["max_scale"], spec["labels"]) == (1, 6, {"team": "core", "tier": "two"})
    assert [(s["name"], s["image"]) for s in spec["sidecars"]] == [
        ("proxy", "example.com/proxy:1"),
        ("otel", "example.com/otel:2"),
        ("extra", "example.com/extra:1"),
    ]
    assert [secret["name"] for secret in value["secrets"]] == ["A", "B", "C"]


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("", "0.yaml:4:5"),
        ("name", "1.yaml:2:11"),
        ("source_config.listener_id", "0.yaml:2:32"),
        ("source_config.resource_spec.min_scale", "1.yaml:5:20"),
        ("source_config.resource_spec.max_scale", "0.yaml:9:20"),
        ("source_config.resource_spec.labels.team", "0.yaml:10:24"),
        ("source_config.resource_spec.labels.tier", "1.yaml:6:24"),
        ("source_config.resource_spec.sidecars[name=proxy].image", "0.yaml:12:34"),
        ("source_config.resource_spec.sidecars[name=otel].image", "1.yaml:9:20"),
        ("source_config.resource_spec.sidecars[1].image", "1.yaml:9:20"),
        ("source_config.resource_spec.sidecars[2].image", "1.yaml:10:34"),
        ("secrets[name=B]", "0.yaml:15:26"),
        ("secrets[name=C]", "1.yaml:11:15"),
    ],
)
def test_a_location_is_at_the_layer_that_sets_the_value(path: str, location: str) -> None:
    assert str(only(declare(BASE, OVERLAY)).locate(parse_path(path))) == location


def test_a_suffix_is_part_of_the_resulting_name_and_not_of_the_declared_one() -> None:
    declared = declare(BASE, OVERLAY + "ignore: [{path: display_name, reason: x}]\n", suffix="-staging")
    assert (only(declared).name, only(declared).value["name"]) == ("agent-staging", "agent-staging")
    assert declared.ignores[0].scope == frozenset({"agent-staging"})


def test_a_name_that_is_too_long_with_its_suffix_is_an_error() -> None:
    declared = declare(BASE.replace("name: agent", f"name: {'a' * 60}"), suffix="-staging")
    assert [(f.rule, f.deployment) for f in declared.findings if f.severity is Severity.ERROR] == [
        ("invalid-name", f"{'a' * 60}-staging")
    ]


@pytest.mark.parametrize(
    "texts", [(OVERLAY,), (OVERLAY, BASE), (BASE + OVERLAY,), (BASE, OVERLAY.replace("nt\n", "x\n"))]
)
def test_an_overlay_of_a_name_that_no_earlier_path_declares_is_an_error(texts: tuple[str, ...]) -> None:
    declared = declare(*texts)
    assert [f.rule for f in declared.findings if f.severity is Severity.ERROR] == ["overlay-without-deployment"]
    assert not declared.complete


def test_an_overlay_that_changes_nothing_is_a_note() -> None:
    declared = declare(BASE, "overlay: [{name: agent, source: external_docker, secrets: [{name: B}]}]\n")
    assert [(f.rule, str(f.location)) for f in declared.findings if f.severity is Severity.NOTE] == [
        ("overlay-without-effect", "1.yaml:1:18")
    ]


def test_two_overlays_of_one_name_in_a_document_are_duplicates() -> None:
    entry = "  - {name: agent, display_name: x}\n"
    declared = declare(BASE, "overlay:\n" + entry + entry)
    assert [f.rule for f in declared.findings if f.severity is Severity.ERROR] == ["duplicate-name"]


def test_a_rule_across_fields_names_the_layers_of_both_values() -> None:
    declared = declare(BASE, OVERLAY.replace("min_scale: 1", "min_scale: 7"))
    (found,) = [f for f in declared.findings if f.rule == "scale-order"]
    assert {str(found.location), *map(str, found.related)} == {"0.yaml:9:20", "1.yaml:5:20"}


def test_a_defect_that_an_overlay_repairs_is_not_reported() -> None:
    declared = declare(BASE.replace("min_scale: 2", "min_scale: 9"), OVERLAY)
    assert [f for f in declared.findings if f.severity is Severity.ERROR] == []


def test_a_partial_entry_is_an_error_where_nothing_completes_it() -> None:
    declared = declare(BASE, OVERLAY.replace('{name: extra, image: "example.com/extra:1"}', "{name: extra}"))
    assert [(f.rule, str(f.location)) for f in declared.findings if f.severity is Severity.ERROR] == [
        ("missing-field", "1.yaml:10:13")
    ]


def test_a_deployment_whose_overlay_is_broken_is_not_compared() -> None:
    declared = declare(BASE, OVERLAY.replace("min_scale: 1", "min_scael: 1"))
    assert declared.deployments == ()
    assert not declared.complete


NAMES = st.sampled_from(["a", "b", "c"])
TEXTS = st.integers(0, 10**6).map(lambda number: f"v{number}")
LABELS = st.dictionaries(st.sampled_from(["ka", "kb", "kc"]), TEXTS, max_size=3)
SIDECARS = st.dictionaries(
    NAMES, st.fixed_dictionaries({"image": TEXTS}, optional={"workingDir": TEXTS}), max_size=3
).map(lambda entries: [{"name": name, **entry} for name, entry in entries.items()])
LAYERS = st.fixed_dictionaries(
    {},
    optional={
        "display_name": TEXTS,
        "source_config": st.fixed_dictionaries(
            {},
            optional={
                "resource_spec": st.fixed_dictionaries(
                    {}, optional={"labels": LABELS, "sidecars": SIDECARS, "service_account_name": TEXTS}
                )
            },
        ),
    },
)


def merged(under: Any, over: Any, key: str | None = None) -> Any:
    """The meaning of an overlay over a value, in the simplest form."""
    if isinstance(under, dict) and isinstance(over, dict):
        result = copy.deepcopy(under)
        for name, value in over.items():
            result[name] = merged(under[name], value, name) if name in under else value
        return result
    if key == "sidecars" and isinstance(under, list) and isinstance(over, list):
        result = copy.deepcopy(under)
        for entry in over:
            known = [index for index, other in enumerate(result) if other["name"] == entry["name"]]
            if known:
                result[known[0]] = merged(result[known[0]], entry)
            else:
                result.append(entry)
        return result
    return over


def entry_of(value: dict[str, Any]) -> dict[str, Any]:
    return {"name": "agent", "source": "external_docker", **value}


@given(LAYERS, st.lists(LAYERS, max_size=4))
def test_layers_in_any_number_merge_as_by_hand_with_every_value_located(
    base: dict[str, Any], overlays: list[dict[str, Any]]
) -> None:
    texts = [yaml.safe_dump({"deployments": [entry_of(base)]}, sort_keys=False)]
    texts += [yaml.safe_dump({"overlay": [{"name": "agent", **over}]}, sort_keys=False) for over in overlays]
    expected: Any = entry_of(base)
    for over in overlays:
        expected = merged(expected, over)
    declaration = only(declare(*texts))
    assert declaration.value == expected

    lines = {f"{number}.yaml": text.splitlines() for number, text in enumerate(texts)}

    def check(node: Any, path: FieldPath) -> None:
        if isinstance(node, dict):
            for key, child in node.items():
                check(child, (*path, key))
        elif isinstance(node, list):
            for child in node:
                check(child, (*path, Item("name", child["name"])))
        else:
            location = declaration.locate(path)
            assert location is not None
            assert lines[location.file][location.line - 1][location.column - 1 :] == node

    check(expected, ())


@pytest.mark.slow
def test_locations_in_long_lists_take_time_in_proportion() -> None:
    def seconds(count: int) -> float:
        texts = [
            f"{key}:\n- name: agent\n  secrets:\n" + "".join(f"  - name: {prefix}{n}\n" for n in range(count))
            for key, prefix in (("deployments", "A"), ("overlay", "B"))
        ]
        declaration = only(declare(*texts))
        start = time.process_time()
        for secret in declaration.value["secrets"]:
            declaration.locate(("secrets", Item("name", secret["name"])))
        return time.process_time() - start

    assert seconds(8000) < 10 * seconds(2000) + 0.2
