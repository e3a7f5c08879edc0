"""Checks of policies, severities and ignore rules that span several fields."""

from __future__ import annotations

from typing import Any

import pytest

from driftcheck.declarations.policy_checks import policy_violations
from driftcheck.declarations.schema import validate

CREDENTIAL = "ghp_" + "Zq7" * 12


@pytest.mark.parametrize(
    ("entry", "rule", "path"),
    [
        (
            {"policies": [{"id": "a", "path": "name", "schema": {"type": 1}}]},
            "invalid-value",
            ("policies", 0, "schema"),
        ),
        ({"policies": [{"id": "a", "path": "name", "schema": True}] * 2}, "invalid-value", ("policies", 1, "id")),
        (
            {"policies": [{"id": "a", "path": "source_config.resource_spec.replicas", "schema": True}]},
            "invalid-value",
            ("policies", 0, "path"),
        ),
        (
            {"policies": [{"id": "a", "path": "name", "where": {"sources": "github"}, "schema": True}]},
            "invalid-value",
            ("policies", 0, "where", "sources"),
        ),
        ({"severities": {"policy:none": "note"}}, "unknown-rule", ("severities", "policy:none")),
        ({"severities": {"drift": "off"}}, "invalid-value", ("severities", "drift")),
        ({"severities": {"yaml-syntax": "off"}}, "invalid-value", ("severities", "yaml-syntax")),
        (
            {"targets": {"a": {"severities": {"drfit": "note"}}}},
            "unknown-rule",
            ("targets", "a", "severities", "drfit"),
        ),
        ({"ignore": [{"rule": "drfit", "reason": "x"}]}, "unknown-rule", ("ignore", 0, "rule")),
        ({"ignore": [{"rule": "policy-changed", "reason": "x"}]}, "invalid-value", ("ignore", 0, "rule")),
        (
            {"ignore": [{"rule": "rollout-pending", "path": "**", "reason": "x"}]},
            "invalid-value",
            ("ignore", 0, "path"),
        ),
        ({"ignore": [{"path": "a", "reason": CREDENTIAL}]}, "literal-secret", ("ignore", 0, "reason")),
        ({"ignore": [{"path": "a", "reason": "x", "owner": CREDENTIAL}]}, "literal-secret", ("ignore", 0, "owner")),
        (
            {"ignore": [{"path": "a", "reason": "x", "live": {"in": ["x", CREDENTIAL]}}]},
            "literal-secret",
            ("ignore", 0, "live"),
        ),
        (
            {"policies": [{"id": "a", "path": "name", "schema": True, "message": CREDENTIAL}]},
            "literal-secret",
            ("policies", 0, "message"),
        ),
    ],
)
def test_defects_of_policies_severities_and_ignore_rules_are_found(entry: Any, rule: str, path: Any) -> None:
    (found,) = policy_violations(entry)
    assert (found.rule, found.path) == (rule, path)
    assert CREDENTIAL not in f"{found.message}{found.hint}"


@pytest.mark.parametrize(
    "entry",
    [
        {
            "policies": [{"id": "a", "path": "name", "schema": True}],
            "severities": {"policy:a": "off", "scale-order": "off"},
        },
        {
            "policies": [
                {"id": str(number), "path": path, "schema": True}
                for number, path in enumerate(
                    [
                        "**.image*",
                        "source_*.*",
                        "source_config.resource_spec.labels.any",
                        "source_config.resource_spec.sidecars[*].image",
                        "source_config.resource_spec.sidecars[name=a].securityContext.runAsUser",
                        "secrets[*]",
                        "status",
                    ]
                )
            ]
        },
        {"ignore": [{"rule": "policy:a", "reason": "x", "owner": "y", "approved_by": "z"}]},
        {"ignore": [{"rule": "scale-order", "deployment": "a", "reason": "x", "expires": "2026-12-31"}]},
        {"targets": {"eu-production": {"workspace": "w", "region": "eu", "paths": ["a"], "name_suffix": "-prod"}}},
    ],
)
def test_policies_targets_and_rules_about_findings_are_accepted(entry: Any) -> None:
    assert (*validate(entry, "config"), *policy_violations(entry)) == ()
