"""Lint: what each rule reports, where it does not apply, and that no shape of data stops it.

That every rule can be triggered, alone, is shown by `examples/invalid/` (tests/test_rules.py).
"""

from __future__ import annotations

import copy
import time
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftcheck.declarations.lint import accepted_by_live, lint, lint_in_context
from driftcheck.declarations.schema import Violation
from driftcheck.model import Change, ChangeKind, Comparison, Finding, Severity, Status
from driftcheck.rules import LINT_RULES, RULES
from tests.declarations.test_schema import DEPLOYMENT, JSON_VALUES

CLOUD = ("github", "internal_docker", "internal_source", "internal_template")
SPEC = ("source_config", "resource_spec")


def violations(value: dict[str, Any]) -> list[Violation]:
    return list(lint(value.get("name", "claims-agent"), value))


def rules(value: dict[str, Any]) -> list[str]:
    return [violation.rule for violation in violations(value)]


def of_spec(spec: dict[str, Any], source: str = "external_docker", **config: Any) -> list[str]:
    return rules({"source": source, "source_config": {"resource_spec": spec, **config}})


def of_revision(revision: dict[str, Any], source: str) -> list[str]:
    found = rules({"source": source, "source_revision_config": revision})
    return [rule for rule in found if rule != "incomplete-for-create"]


def of_config(config: dict[str, Any], source: str) -> list[str]:
    return [rule for rule in rules({"source": source, "source_config": config}) if rule != "incomplete-for-create"]


def test_a_valid_deployment_breaks_no_rule() -> None:
    assert rules(DEPLOYMENT) == []


def test_what_is_not_declared_is_not_wrong() -> None:
    for source in ("external_docker", *CLOUD):
        assert rules({"source": source}) == []


def test_nulls_break_no_rule() -> None:
    nothing = {"resource_spec": {"cpu": None, "orchestrator_cpu": None}, "listener_id": None, "custom_url": None}
    for source in CLOUD:
        found = rules(
            {"source": source, "source_config": {"deployment_type": "dev", **nothing}, "secret_references": []}
        )
        assert set(found) <= {"incomplete-for-create", "field-not-applicable"}


DIGEST = f"sha256:{'0' * 64}"


class TestSources:
    def test_a_resource_spec_on_cloud_is_a_warning_only(self) -> None:
        found = violations({"source": "github", "source_config": {"resource_spec": {"cpu": 1}}})
        assert "field-not-applicable" in {violation.rule for violation in found}
        assert {RULES[violation.rule].severity for violation in found} == {Severity.WARNING}

    @pytest.mark.parametrize(
        ("source", "field", "value"),
        [
            ("external_docker", "repo_url", "https://github.com/acme/agent"),
            ("external_docker", "integration_id", "3f0f7a5e-2f3c-4a3b-8b0c-0a54d2f0c1aa"),
            ("internal_docker", "build_command", "yarn build"),
            ("github", "listener_id", "3f0f7a5e-2f3c-4a3b-8b0c-0a54d2f0c1aa"),
            ("internal_source", "template_id", "t"),
        ],
    )
    def test_fields_documented_for_other_sources_are_warned_of(self, source: str, field: str, value: str) -> None:
        assert of_config({field: value}, source) == ["field-not-applicable"]

    @pytest.mark.parametrize("source", ["github", "internal_docker", "internal_source", "internal_template"])
    def test_a_deployment_type_is_for_all_cloud_sources(self, source: str) -> None:
        assert of_config({"deployment_type": "prod"}, source) == []

    def test_an_outer_field_is_named_and_not_its_parts_as_well(self) -> None:
        assert of_config({"listener_config": {"k8s_namespace": "a"}, "listener_id": "x"}, "github") == [
            *("field-not-applicable", "field-not-applicable"),
        ]

    @pytest.mark.parametrize("source", ["external_docker", "internal_docker", "internal_template"])
    def test_a_config_path_is_refused_where_nothing_is_built(self, source: str) -> None:
        found = of_revision({"langgraph_config_path": "langgraph.json", "image_uri": None}, source)
        assert found == ["config-path-not-allowed"]
        assert RULES["config-path-not-allowed"].severity is Severity.ERROR

    @pytest.mark.parametrize("source", CLOUD)
    def test_a_custom_url_is_refused_on_cloud_unless_it_is_the_platforms_own(self, source: str) -> None:
        assert of_config({"custom_url": "https://agents.example.com"}, source) == ["custom-url-not-allowed"]
        assert of_config({"custom_url": "https://a-0a1b.us.langgraph.app"}, source) == ["platform-set-value"]
        assert of_config({"custom_url": "https://a.langgraph.app.evil.example"}, source) == ["custom-url-not-allowed"]

    def test_a_custom_url_is_fine_for_external_images(self) -> None:
        assert of_config({"custom_url": "https://agents.example.com"}, "external_docker") == []

    def test_an_image_is_refused_for_github_unless_it_is_what_the_platform_built(self) -> None:
        assert of_revision({"image_uri": "registry.example.com/a:1"}, "github") == ["image-not-allowed"]
        assert of_revision({"image_uri": f"us-docker.pkg.dev/a@{DIGEST}"}, "github") == ["platform-set-value"]

    def test_what_creation_needs_is_asked_for_in_declared_sections_only(self) -> None:
        (found,) = violations({"source": "github", "source_revision_config": {"repo_ref": "main"}})
        assert (found.rule, found.path) == ("incomplete-for-create", ("source_revision_config",))
        assert "`langgraph_config_path`" in found.message

    def test_an_external_image_needs_a_resource_spec_that_may_be_empty(self) -> None:
        assert rules({"source": "external_docker", "source_config": {"resource_spec": {}}}) == []
        assert rules({"source": "external_docker", "source_config": {"resource_spec": None}}) == [
            "incomplete-for-create"
        ]

    def test_an_unknown_source_is_left_to_validation(self) -> None:
        assert rules({"source": "mainframe", "source_config": {"repo_url": "x"}}) == []


class TestRepository:
    @pytest.mark.parametrize("ref", ["main", "feature/refund", "refs/tags/v1", "v1.0"])
    def test_documented_forms_of_a_ref(self, ref: str) -> None:
        assert of_revision({"repo_ref": ref}, "github") == []

    @pytest.mark.parametrize("ref", ["refs/heads/main", "heads/main", "tags/v1", "refs/remotes/origin/main"])
    def test_other_forms_of_a_ref(self, ref: str) -> None:
        assert of_revision({"repo_ref": ref}, "github") == ["repo-ref-form"]

    @pytest.mark.parametrize(("push", "found"), [(True, ["tag-built-on-push"]), (False, []), (None, [])])
    def test_a_tag_is_not_built_on_push(self, push: bool | None, found: list[str]) -> None:
        value = {
            "source": "github",
            "source_config": {"build_on_push": push},
            "source_revision_config": {"repo_ref": "refs/tags/v1"},
        }
        assert [rule for rule in rules(value) if rule != "incomplete-for-create"] == found

    @pytest.mark.parametrize("command", ["yarn build", "yarn install && yarn build", "npm run build --if-present"])
    def test_commands_that_the_service_takes(self, command: str) -> None:
        assert of_config({"build_command": command}, "github") == []

    @pytest.mark.parametrize("character", list('"`\\\n\r\0\t|;$<>&'))
    def test_commands_that_the_service_refuses(self, character: str) -> None:
        assert of_config({"install_command": f"yarn {character} build"}, "github") == ["command-characters"]

    @pytest.mark.parametrize("command", ["a &&& b", "a & b && c"])
    def test_a_single_ampersand_beside_a_double_one_is_refused(self, command: str) -> None:
        assert of_config({"install_command": command}, "github") == ["command-characters"]


class TestSizes:
    @pytest.mark.parametrize(
        ("spec", "found"),
        [
            ({"min_scale": 2, "max_scale": 2}, []),
            ({"min_scale": 3, "max_scale": 2}, ["scale-order"]),
            ({"min_scale": 2, "max_scale": 6, "queue_min_scale": None, "queue_max_scale": 1}, ["scale-order"]),
            ({"min_scale": 2, "max_scale": 6, "queue_max_scale": 1}, []),
            ({"max_scale": 2, "queue_min_scale": 3, "queue_max_scale": None}, ["scale-order"]),
            ({"max_scale": 2, "queue_min_scale": 3}, []),
            ({"queue_min_scale": 3}, []),
            ({"min_scale": 1, "max_scale": 0}, ["scale-order"]),
            ({"max_scale": 0}, ["scale-zero"]),
        ],
    )
    def test_scales_are_ordered_after_inheritance(self, spec: dict[str, Any], found: list[str]) -> None:
        assert of_spec(spec) == found

    @pytest.mark.parametrize("kind", ["dev_zero", "dev_free_zero", "serverless"])
    def test_serverless_types_scale_to_zero(self, kind: str) -> None:
        assert "scale-zero" not in of_spec({"min_scale": 0}, deployment_type=kind)
        assert "scale-zero" in of_spec({"min_scale": 0}, deployment_type="prod")

    @pytest.mark.parametrize(
        ("spec", "found"),
        [
            ({"cpu": 1, "cpu_limit": 1}, []),
            ({"cpu": 2, "cpu_limit": 1}, ["cpu_limit"]),
            ({"cpu_limit": 1}, []),
            ({"memory_mb": 256, "memory_limit_mb": 128}, ["memory_limit_mb"]),
            ({"cpu": 2, "queue_cpu": None, "queue_cpu_limit": 1}, ["queue_cpu_limit"]),
            ({"cpu": 2, "queue_cpu_limit": 1}, []),
            ({"cpu": 2, "queue_cpu": 1, "queue_cpu_limit": 1}, []),
            ({"memory_mb": 512, "queue_memory_mb": None, "queue_memory_limit_mb": 256}, ["queue_memory_limit_mb"]),
            ({"redis_memory_mb": 256, "redis_memory_limit_mb": 128}, ["redis_memory_limit_mb"]),
            ({"core_cpu": 2, "core_cpu_limit": 1}, ["core_cpu_limit"]),
            ({"db_memory_mb": 2, "db_memory_limit_mb": 1}, ["db_memory_limit_mb"]),
        ],
    )
    def test_limits_are_not_below_requests_after_inheritance(self, spec: dict[str, Any], found: list[str]) -> None:
        broken = violations({"source": "external_docker", "source_config": {"resource_spec": spec}})
        assert [(violation.rule, violation.path[-1]) for violation in broken] == [
            ("request-above-limit", key) for key in found
        ]

    @pytest.mark.parametrize(
        ("key", "most"), [("cpu", 8), ("queue_cpu", 8), ("redis_cpu", 8), ("cpu_limit", 16), ("queue_cpu_limit", 16)]
    )
    def test_the_maxima_of_cloud(self, key: str, most: int) -> None:
        assert of_spec({key: most}) == []
        assert of_spec({key: most + 1}) == ["above-cloud-maximum"]

    @pytest.mark.parametrize("key", ["core_cpu", "db_cpu"])
    def test_no_maximum_where_none_is_known(self, key: str) -> None:
        assert of_spec({key: 100}) == []

    @pytest.mark.parametrize(("cpu", "found"), [(0.1, []), (0.3, []), (1.5, []), (2, []), (0.25, ["cpu-rounded"])])
    def test_decimals(self, cpu: float, found: list[str]) -> None:
        assert of_spec({"cpu": cpu}) == found

    @pytest.mark.parametrize("key", ["memory_mb", "queue_memory_limit_mb", "redis_memory_mb"])
    def test_granularity(self, key: str) -> None:
        assert of_spec({key: 1920}) == []
        assert of_spec({key: 2000}) == ["memory-granularity"]

    @pytest.mark.parametrize("key", ["orchestrator_min_scale", "orchestrator_memory_limit_mb", "executor_cpu_limit"])
    def test_internal_fields_are_deprecated(self, key: str) -> None:
        assert of_spec({key: 1}) == ["deprecated-field"]


class TestTiers:
    @pytest.mark.parametrize(
        ("kind", "tiers", "found"),
        [
            ("prod", {"deployment_tier": "DEDICATED_M", "database_tier": "DEDICATED_S"}, []),
            ("dev_zero", {"deployment_tier": "SERVERLESS_S"}, []),
            ("prod", {"deployment_tier": "SERVERLESS_S"}, ["tier-family"]),
            ("prod", {"compute_tier": "SERVERLESS_S"}, ["tier-family"]),
            ("dev_free_zero", {"deployment_tier": "DEDICATED_S"}, ["tier-family"]),
            ("dev_zero", {"database_tier": "SERVERLESS_S"}, ["database-tier-not-allowed"]),
            ("dev", {"deployment_tier": "DEDICATED_S", "database_tier": "DEDICATED_S"}, []),
            (None, {"deployment_tier": "DEDICATED_S"}, []),
        ],
    )
    def test_tiers_fit_the_type(self, kind: str | None, tiers: dict[str, str], found: list[str]) -> None:
        value = {"source": "github", "source_config": {"deployment_type": kind}, **tiers}
        assert [rule for rule in rules(value) if rule != "incomplete-for-create"] == found


class TestSecrets:
    @pytest.mark.parametrize("source", ["external_docker", *CLOUD])
    def test_names_of_the_platform_are_reserved(self, source: str) -> None:
        assert rules({"source": source, "secrets": [{"name": "DATABASE_URI"}]}) == ["reserved-secret-name"]

    @pytest.mark.parametrize(
        "name", ["LANGSMITH_API_KEY", "LANGSMITH_ENDPOINT", "POSTGRES_URI_CUSTOM", "REDIS_URI_CUSTOM"]
    )
    def test_some_names_are_reserved_on_cloud_only(self, name: str) -> None:
        assert rules({"source": "external_docker", "secrets": [{"name": name}]}) == []
        assert rules({"source": "github", "secrets": [{"name": name}]}) == ["reserved-secret-name"]

    def test_settings_of_an_unused_datastore_are_one_finding(self) -> None:
        value = {
            "source": "external_docker",
            "source_config": {"resource_spec": {"db_cpu": 1, "db_storage_gi": 10, "redis_cpu": 1}},
            "secrets": [{"name": "POSTGRES_URI_CUSTOM"}],
        }
        (found,) = violations(value)
        assert (found.rule, found.path) == ("datastore-settings-unused", (*SPEC, "db_cpu"))
        assert "`db_storage_gi`" in found.message

    @pytest.mark.parametrize(
        "path",
        [
            ("source_config", "custom_url"),
            ("source_config", "resource_spec", "labels", "team"),
            ("source_config", "resource_spec", "sidecars", 0, "args", 0),
            ("source_config", "resource_spec", "sidecars", 0, "env", 0, "value"),
            ("source_revision_config", "image_uri"),
        ],
    )
    @pytest.mark.parametrize(
        "credential", ["--token=lsv2_sk_0123456789abcdef", "postgres://agent:hunter2hunter2@db/agent"]
    )
    def test_a_credential_is_found_anywhere_and_never_shown(self, path: tuple[str | int, ...], credential: str) -> None:
        value = copy.deepcopy(DEPLOYMENT)
        node: Any = value
        for segment in path[:-1]:
            node = node[segment]
        node[path[-1]] = credential
        found = [violation for violation in violations(value) if violation.rule == "literal-secret"]
        assert [violation.path for violation in found] == [path]
        assert credential not in repr(violations(value))

    def test_a_key_that_is_a_credential_is_reported_at_its_mapping(self) -> None:
        key = "lsv2_sk_0123456789abcdef"
        value = {"source": "external_docker", "source_config": {"resource_spec": {"labels": {key: "x"}}}}
        (found,) = violations(value)
        assert (found.rule, found.path) == ("literal-secret", (*SPEC, "labels"))

    def test_a_random_text_is_not_a_credential(self) -> None:
        assert of_spec({"labels": {"build": "9b1c7e0d5a2f4c3b8e7d6a5f4c3b2a1908f7e6d5c4b3a29180716253443526170"}}) == []


class TestPods:
    def test_duplicates_are_reported_at_the_second_entry(self) -> None:
        mounts = [{"name": "a", "mountPath": "/a"}, {"name": "b", "mountPath": "/b"}, {"name": "b", "mountPath": "/a"}]
        (found,) = violations(
            {"source": "external_docker", "source_config": {"resource_spec": {"volume_mounts": mounts}}}
        )
        assert (found.rule, found.path) == ("duplicate-entry", (*SPEC, "volume_mounts", 2, "mountPath"))

    @pytest.mark.parametrize("key", ["volumes", "sidecars", "init_containers"])
    def test_names_of_a_list_are_unique(self, key: str) -> None:
        entry = {"name": "a", "image": "a:1", "emptyDir": {}}
        assert of_spec({key: [entry, entry]}) == ["duplicate-entry"]

    def test_one_path_may_be_mounted_in_two_containers(self) -> None:
        mounts = [{"name": "a", "mountPath": "/a"}]
        spec = {
            "volumes": [{"name": "a", "emptyDir": {}}],
            "volume_mounts": mounts,
            "sidecars": [{"name": "s", "image": "s:1", "volumeMounts": mounts}],
        }
        assert of_spec(spec) == []

    def test_mounts_are_checked_in_containers_too_where_volumes_are_declared(self) -> None:
        containers = [{"name": "s", "image": "s:1", "volumeMounts": [{"name": "b", "mountPath": "/b"}]}]
        assert of_spec({"sidecars": containers}) == []
        assert of_spec({"volumes": [], "init_containers": containers}) == ["unknown-volume"]

    @pytest.mark.parametrize(
        "volume", [{"emptyDir": {}}, {"configMap": {"name": "a"}, "secret": None}, {"csi": {"driver": "a"}}]
    )
    def test_a_volume_with_one_source(self, volume: dict[str, Any]) -> None:
        assert of_spec({"volumes": [{"name": "a", **volume}]}) == []

    @pytest.mark.parametrize(
        ("entry", "found"),
        [
            ({"value": "a"}, []),
            ({"valueFrom": {"fieldRef": {}}}, []),
            ({"value": "", "valueFrom": {"fieldRef": {}}}, []),
            ({"value": "a", "valueFrom": {"fieldRef": {}}}, ["env-value-and-source"]),
        ],
    )
    def test_a_variable_has_a_value_or_a_source(self, entry: dict[str, Any], found: list[str]) -> None:
        assert of_spec({"sidecars": [{"name": "s", "image": "s:1", "env": [{"name": "A", **entry}]}]}) == found

    @pytest.mark.parametrize("name", ["A B", "1A", "A-B", "A.B", "\u00c4", "A\n"])
    def test_variables_are_c_identifiers(self, name: str) -> None:
        assert of_spec({"sidecars": [{"name": "s", "image": "s:1", "env": [{"name": name}]}]}) == ["env-name"]

    @pytest.mark.parametrize("image", ["a:1", "registry:5000/a:1", f"a@{DIGEST}", f"a:latest@{DIGEST}", "a:1-latest"])
    def test_pinned_images(self, image: str) -> None:
        assert of_revision({"image_uri": image}, "external_docker") == []

    @pytest.mark.parametrize("image", ["a", "a:latest", "registry:5000/a", "registry:5000/a:latest"])
    def test_unpinned_images(self, image: str) -> None:
        assert of_revision({"image_uri": image}, "external_docker") == ["unpinned-image"]
        assert of_spec({"init_containers": [{"name": "s", "image": image}]}) == ["unpinned-image"]


def test_no_text_of_a_violation_holds_a_value_of_the_data() -> None:
    canary = "canaryvalue"
    value: dict[str, Any] = {
        "source": "github",
        "source_config": {
            "custom_url": canary,
            "repo_url": canary,
            "build_command": canary + ";",
            "listener_id": canary,
        },
        "source_revision_config": {"repo_ref": "heads/" + canary, "image_uri": canary},
        "secrets": [{"name": canary}, {"name": canary}],
        "secret_references": [{"name": canary}],
    }
    value["source_config"]["resource_spec"] = {
        "sidecars": [
            {
                "name": canary,
                "image": canary,
                "imagePullPolicy": canary,
                "restartPolicy": canary,
                "env": [{"name": canary + " ", "value": canary, "valueFrom": {canary: canary}}],
                "volumeMounts": [{"name": canary, "subPath": canary, "subPathExpr": canary}],
            }
        ],
        "init_containers": [{"name": canary}],
        "volumes": [{"name": canary + "2"}],
    }
    found = violations(value)
    assert len({violation.rule for violation in found}) > 12
    for violation in found:
        assert canary not in f"{violation.message} {violation.hint}", violation.rule


def holes(value: Any) -> list[tuple[str | int, ...]]:
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path for key, child in entries for path in [(key,), *((key, *below) for below in holes(child))]]


@given(st.sampled_from(holes(DEPLOYMENT)), JSON_VALUES)
def test_no_shape_of_the_data_stops_the_rules(path: tuple[str | int, ...], other: Any) -> None:
    value = copy.deepcopy(DEPLOYMENT)
    node: Any = value
    for segment in path[:-1]:
        node = node[segment]
    node[path[-1]] = other
    for violation in lint("claims-agent", value):
        assert violation.rule in LINT_RULES | {"literal-secret": None, "missing-field": None}


def test_a_thousand_deployments_are_linted_in_a_moment() -> None:
    def seconds() -> float:
        start = time.process_time()
        for _ in range(1000):
            assert not list(lint("claims-agent", DEPLOYMENT))
        return time.process_time() - start

    assert min(seconds() for _ in range(3)) < 0.5


# --- images, texts, names, tiers ---


@pytest.mark.parametrize(
    "image",
    [
        "registry.example.com/agents/claims:1.2",
        "localhost:5000/a",
        "a",
        f"a/b-c__d.e:V1@sha256:{'0123abcd' * 8}",
        f"a@sha512:{'0123abcd' * 16}",
        f"a@example+form:{'0123ABCD' * 4}",
        "[::1]:5000/a:1",
        "REGISTRY.example.com/a:1",
    ],
)
def test_image_references_are_accepted(image: str) -> None:
    assert "invalid-image" not in of_image(image)


@pytest.mark.parametrize(
    "image",
    [
        "registry.example.com/a:1\n",
        " a:1",
        "a b:1",
        '"a:1"',
        "'a:1'",
        "https://registry.example.com/a:1",
        "docker://a:1",
        "registry.example.com/$TEAM/a:1",
        "${IMAGE}",
        "a:",
        "a@sha256",
        "registry.example.com/Agents/a:1",
        "a//b",
        "a:1:2",
        "a@sha256:12",
        f"a@sha256:{'a' * 63}",
        f"a@sha256:{'a' * 65}",
        f"a@sha256:{'A' * 64}",
        f"a@sha512:{'a' * 64}",
        f"a@example:{'a' * 31}",
        f"{'a/' * 130}b:1",
    ],
)
def test_what_is_not_an_image_reference_is_an_error(image: str) -> None:
    assert of_image(image) == ["invalid-image"]


def of_image(image: str) -> list[str]:
    return [
        found.rule
        for found in lint(
            "a",
            {
                "name": "a",
                "source": "external_docker",
                "source_config": {"resource_spec": {}},
                "source_revision_config": {"image_uri": image},
            },
        )
    ]


@pytest.mark.parametrize(
    "path",
    [
        ("display_name",),
        ("source_config", "repo_url"),
        ("source_config", "template_id"),
        ("source_revision_config", "image_uri"),
        ("source_revision_config", "repo_ref"),
        ("source_revision_config", "langgraph_config_path"),
    ],
)
@pytest.mark.parametrize("text", ["", " ", "\n"])
def test_empty_texts_are_errors(path: tuple[str, ...], text: str) -> None:
    value: Any = text
    for key in reversed(path):
        value = {key: value}
    found = [(v.rule, v.path) for v in lint("a", {"name": "a", **value}) if v.rule == "empty-value"]
    assert found == [("empty-value", path)]


@pytest.mark.parametrize(
    ("name", "valid"),
    [
        ("a.b-c.d", True),
        ("a" * 253, True),
        ("a" * 254, False),
        ("a_b", False),
        ("A", False),
        ("a.", False),
        ("-a", False),
    ],
)
def test_pull_secrets_are_dns_subdomains(name: str, valid: bool) -> None:
    spec = {"image_pull_secrets": [{"name": name}]}
    found = [v.rule for v in lint("a", {"name": "a", "source_config": {"resource_spec": spec}})]
    assert ("invalid-dns-subdomain" in found) is not valid


def test_long_names_are_warned_of_for_self_hosted_deployments_only() -> None:
    for source, length, expected in (
        ("external_docker", 22, True),
        ("external_docker", 21, False),
        ("github", 22, False),
    ):
        found = [v.rule for v in lint("a" * length, {"name": "a" * length, "source": source})]
        assert ("long-name" in found) is expected


@pytest.mark.parametrize(
    ("tier", "spec", "keys"),
    [
        ("SERVERLESS_S", {"max_scale": 2}, ["max_scale"]),
        ("SERVERLESS_M", {"max_scale": 2}, []),
        ("DEDICATED_M", {"max_scale": 21}, ["max_scale"]),
        ("DEDICATED_L", {"min_scale": 1, "max_scale": 40}, ["min_scale"]),
        (None, {"max_scale": 100}, []),
    ],
)
def test_replicas_fit_the_tier(tier: str | None, spec: dict[str, int], keys: list[str]) -> None:
    value = {"name": "a", "deployment_tier": tier, "source_config": {"resource_spec": spec}}
    assert [v.path[-1] for v in lint("a", value) if v.rule == "tier-replicas"] == keys


@pytest.mark.parametrize(
    ("tier", "spec", "keys"),
    [
        ("SERVERLESS_S", {"cpu": 1.1, "memory_mb": 2816}, []),
        ("SERVERLESS_S", {"cpu": 1.2, "queue_memory_mb": 2944}, ["cpu", "queue_memory_mb"]),
        ("SERVERLESS_L", {"cpu": 9.2, "queue_cpu": 9.3}, ["queue_cpu"]),
        ("DEDICATED_S", {"memory_mb": 6144, "core_memory_mb": 6272, "db_memory_mb": 16384}, ["core_memory_mb"]),
        ("DEDICATED_L", {"core_cpu": 11, "cpu_limit": 20}, ["core_cpu"]),
        (None, {"cpu": 100}, []),
    ],
)
def test_requests_fit_the_tier(tier: str | None, spec: dict[str, float], keys: list[str]) -> None:
    value = {"name": "a", "compute_tier": tier, "source_config": {"resource_spec": spec}}
    assert [v.path[-1] for v in lint("a", value) if v.rule == "tier-size"] == keys


@pytest.mark.parametrize("kind", ["dev_zero", "serverless"])
def test_serverless_types_are_refused_in_aws_only(kind: str) -> None:
    value = {"name": "a", "source_config": {"deployment_type": kind}}
    for region in ("us", "eu", "apac", None):
        assert list(lint_in_context(value, region=region, is_new=True)) == []
    (found,) = lint_in_context(value, region="aws", is_new=False)
    assert (found.rule, found.path) == ("type-not-in-region", ("source_config", "deployment_type"))


def test_a_warning_about_what_live_holds_is_a_note() -> None:
    warning = Finding("unpinned-image", Severity.WARNING, "m", deployment="a", path=("x", "image"))
    change = Change(ChangeKind.MODIFIED, ("x", "image"), "a", "b")
    for comparison, expected in (
        (Comparison("a", Status.IN_SYNC, id="1"), Severity.NOTE),
        (Comparison("a", Status.DRIFTED, id="1", changes=(change,)), Severity.WARNING),
        (Comparison("a", Status.DRIFTED, id="1", changes=(replace(change, path=("y",)),)), Severity.NOTE),
        (Comparison("a", Status.IN_SYNC, id="1", unverifiable=(("x",),)), Severity.WARNING),
        (Comparison("a", Status.MISSING), Severity.WARNING),
        (Comparison("b", Status.IN_SYNC, id="1"), Severity.WARNING),
    ):
        assert [found.severity for found in accepted_by_live([warning], [comparison])] == [expected]
    error = replace(warning, severity=Severity.ERROR)
    assert list(accepted_by_live([error], [Comparison("a", Status.IN_SYNC, id="1")])) == [error]


def test_many_warnings_and_changes_are_weighed_in_linear_time() -> None:
    number = 20_000
    changes = tuple(Change(ChangeKind.MODIFIED, (*SPEC, "labels", f"k{n}"), 1, 2) for n in range(number))
    compared = Comparison("a", Status.DRIFTED, id="1", changes=changes)
    rule = next(rule for rule, each in LINT_RULES.items() if each.severity is Severity.WARNING)
    paths = [path for n in range(number) for path in ((*SPEC, "labels", f"k{n}", "below"), (*SPEC, "volumes", n))]
    warnings = [Finding(rule, Severity.WARNING, "", deployment="a", path=path) for path in [*paths, SPEC, (*SPEC, "x")]]
    begin = time.process_time()
    found = [each.severity for each in accepted_by_live(warnings, [compared])]
    assert time.process_time() - begin < 2
    assert found == [Severity.WARNING, Severity.NOTE] * number + [Severity.WARNING, Severity.NOTE]
