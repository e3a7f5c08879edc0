"""Explanations: every rule and every field has one, which agrees with the annotations."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftcheck import fields
from driftcheck.explanations import explain, overview, suggest
from driftcheck.model import HousePolicy, Location
from driftcheck.rules import RULES
from tests.loops import case


def every_path(field: fields.Field, prefix: str = "") -> list[str]:
    paths = []
    for name, child in field.properties.items():
        path = f"{prefix}.{name}" if prefix else name
        paths += [path, *every_path(child, path)]
    return paths + (every_path(field.items, f"{prefix}[]") if field.items else [])


PATHS = every_path(fields.deployment())


def text(name: str) -> str:
    found = explain(name)
    assert found is not None
    return " ".join(found.split())


def test_every_rule_is_explained_with_its_severity() -> None:
    for rule in RULES:
        with case(rule):
            assert text(rule).startswith(f"{rule} ({RULES[rule].severity}) {RULES[rule].title}. ")


def test_every_field_is_explained() -> None:
    for path in PATHS:
        with case(path):
            explained = text(path)
            assert explained.startswith(path)
            assert "Type:" in explained
            assert "Certainty:" in explained
            assert "  " not in explained


@pytest.mark.parametrize(
    ("name", "facts"),
    [
        (
            "source_config.resource_spec.cpu_limit",
            [
                *("Type: number, or null", "Range: at least 0.1, on Cloud at most 16", "the service uses 2 x cpu"),
                *("Rounded to one decimal", "A change: creates a new revision", "Applies to: external_docker"),
                *("Since: the first known version", "Certainty: documented by the vendor"),
            ],
        ),
        ("redis_memory_limit_mb", ["the service uses redis_memory_mb", "about May 2026", "a multiple of 128"]),
        ("core_cpu", ["about August 2026"]),
        ("template_id", ["Terraform provider"]),
        ("repo_url", ["made in place", "Older self-hosted services may refuse", "trailing .git", "Applies to: github"]),
        ("custom_url", ["Not compared for github, internal_docker", "made in place", "observed by users"]),
        ("repo_ref", ["source_config.repo_branch"]),
        ("k8s_namespace", ["unverifiable", "requires a new deployment"]),
        ("init_containers", ["their order counts"]),
        ("sidecars", ["their order makes no difference", "An empty value equals an unset one"]),
        ("sidecars[].env", ["only where one refers to another"]),
        ("sidecars[].env[].value", ["No report shows the value", "the service uses an empty string"]),
        ("sizeLimit", ["Kubernetes quantity"]),
        ("shareable", ["the service shows false"]),
        ("orchestrator_cpu", ["Deprecated: the service asks not to use it"]),
        ("deployment_tier", ["Values: SERVERLESS_S", "DEDICATED_L"]),
        ("status", ["only the service sets it"]),
        ("secrets", ["by name only"]),
        ("build_on_push", ["true or false, or null", "Certainty: seen only in the vendor's tests"]),
    ],
)
def test_an_explanation_says_what_the_annotations_say(name: str, facts: list[str]) -> None:
    explained = text(name)
    for fact in facts:
        assert fact in explained


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("source_config.resource_spec.max_scale", "To unset it, write resource_spec as a whole without it"),
        ("source_config.listener_id", "create the deployment again without it"),
        ("display_name", "a written null changes nothing"),
        ("secret_references", "To unset it, write an empty list"),
    ],
)
def test_a_declared_null_gets_a_hint(name: str, advice: str) -> None:
    assert advice in text(name)


@pytest.mark.parametrize("name", ["name", "source", "secrets", "shareable"])
def test_null_is_not_mentioned_where_it_can_not_be_declared(name: str) -> None:
    assert "Declared null" not in text(name)


@pytest.mark.parametrize(
    "name",
    [
        "source_config.resource_spec.sidecars[].env",
        "source_config.resource_spec.sidecars[*].env",
        "source_config.resource_spec.sidecars[0].env",
        "source_config.resource_spec.sidecars[name=otel].env",
        'source_config.resource_spec.sidecars[name="a b"].env',
        "resource_spec.sidecars[].env",
        "sidecars[].env",
    ],
)
def test_a_path_may_be_written_as_reports_write_it_and_cut_in_front(name: str) -> None:
    assert explain(name) == explain("source_config.resource_spec.sidecars[].env")


def test_an_entry_of_a_free_map_is_explained_too() -> None:
    assert text("source_config.resource_spec.labels.team").startswith(
        "source_config.resource_spec.labels.team Type: string"
    )


def test_a_short_name_of_one_kind_of_field_names_all_its_places() -> None:
    explained = text("imagePullPolicy")
    assert "init_containers[].imagePullPolicy" in explained
    assert "sidecars[].imagePullPolicy" in explained


def test_an_ambiguous_short_name_lists_the_paths() -> None:
    explained = text("value")
    assert explained.startswith("Several fields have this name:")
    assert explained.endswith(" secrets[].value")
    assert " source_config.resource_spec.sidecars[].env[].value" in explained


@pytest.mark.parametrize("name", ["", "nonsense", "source_config.nonsense", "[", "a..b", "[0]", "x" * 10_000, "cpu[0]"])
def test_what_does_not_exist_is_not_explained(name: str) -> None:
    assert explain(name) is None


@pytest.mark.parametrize(
    ("name", "meant"),
    [("drfit", "drift"), ("cpu_limt", "cpu_limit"), ("source_config.repo_uri", "source_config.repo_url")],
)
def test_close_names_are_suggested(name: str, meant: str) -> None:
    assert meant in suggest(name)


@given(st.text(max_size=40) | st.text('[]*.="name0', max_size=20))
def test_any_text_has_an_answer(name: str) -> None:
    explain(name)
    for suggestion in suggest(name):
        assert explain(suggestion) is not None


POLICY = HousePolicy(
    "owner", "labels.owner", {"type": "string"}, Location("driftcheck.yaml", 2, 5), message="Has an owner."
)


def test_the_overview_lists_every_rule_policy_and_field_that_can_be_declared() -> None:
    listed = overview([POLICY])
    assert all(f"  {rule} " in listed for rule in RULES)
    assert "policy:owner" in listed
    assert "  source_config.resource_spec.cpu_limit\n" in listed
    assert "  tenant_id\n" not in listed


def test_a_policy_is_explained_and_suggested() -> None:
    explained = explain("policy:owner", [POLICY])
    assert explained is not None
    assert explained.startswith("policy:owner (error)\n\nHas an owner.\n")
    assert "driftcheck.yaml:2:5" in explained
    assert explain("policy:owner") is None
    assert "policy:owner" in suggest("policy:ownr", [POLICY])


def test_no_text_refers_to_a_page_that_an_installed_user_lacks() -> None:
    texts = [rule.explanation + (rule.hint or "") for rule in RULES.values()]
    paths = re.findall("^  ([a-z].*)$", overview().split("Fields\n")[-1], re.MULTILINE)
    texts += [explain(path) or "" for path in paths]
    assert len(texts) > 200
    assert [text for text in texts if "API.md" in text or "docs/" in text] == []
