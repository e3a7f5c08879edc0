"""House policies: what they judge, what they ignore, and that they can't hang a check."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from driftcheck.declarations.schema import fragment_problem
from driftcheck.model import Declaration, Declarations, Deployment, Finding, HousePolicy, Location, Severity
from driftcheck.paths import format_path
from driftcheck.policies import judge_policies
from tests.cli.inside import run_inside

EXAMPLE = Path(__file__).parent.parent / "examples" / "policies.yaml"
HERE = Location("driftcheck.yaml", 2, 5)
THERE = Location("agents.yaml", 7, 9)
SPEC = "source_config.resource_spec"
DIGEST = "@sha256:" + "0" * 64
CREDENTIAL = "ghp_" + "Zq7" * 12


def declared(name: str = "claims", **value: Any) -> Declarations:
    return Declarations(deployments=(Declaration(name, {"name": name, **value}, lambda _: THERE),))


def external(**spec: Any) -> dict[str, Any]:
    return {"source": "external_docker", "source_config": {"resource_spec": spec}}


def live(name: str = "claims", **value: Any) -> list[Deployment]:
    return [Deployment(name, {"name": name, "latest_revision_id": "r", "source_revision_config": {}, **value})]


def policy(path: str, schema: Any, **values: Any) -> HousePolicy:
    return HousePolicy("rule", path, schema, HERE, **values)


def judged(one: HousePolicy, declarations: Declarations, listed: Any = None, **terms: Any) -> tuple[Finding, ...]:
    return judge_policies([one], declarations, listed, **terms).findings


TWO = policy(f"{SPEC}.min_scale", {"type": "integer", "minimum": 2}, message="Runs at least two replicas.")


# --- what is judged ----------------------------------------------------------------------------------------------


def test_a_declared_violation_is_reported_at_its_line_with_message_and_value() -> None:
    (found,) = judged(TWO, declared(**external(min_scale=1)))
    assert (found.rule, found.severity, found.deployment) == ("policy:rule", Severity.ERROR, "claims")
    assert (found.message, found.location, found.related) == (
        "Runs at least two replicas (declared: 1).",
        THERE,
        (HERE,),
    )
    assert judged(TWO, declared(**external(min_scale=2))) == ()


def test_one_finding_names_both_sides() -> None:
    (found,) = judged(TWO, declared(**external(min_scale=1)), live(**external(min_scale=0)))
    assert found.message == "Runs at least two replicas (declared: 1, live: 0)."


def test_an_undeclared_value_is_judged_on_live_alone() -> None:
    assert judged(TWO, declared(**external()), live(**external(min_scale=2))) == ()
    (found,) = judged(TWO, declared(**external()), live(**external(min_scale=1)))
    assert found.message.endswith("(live: 1).")
    (offline,) = judged(TWO, declared(**external()))
    assert offline.message.endswith("(declared: null).")


def test_an_undeclared_deployment_is_judged_too() -> None:
    (found,) = judged(TWO, Declarations(), live("scratch", **external(min_scale=1)))
    assert (found.deployment, found.location) == ("scratch", None)


@pytest.mark.parametrize(
    ("path", "source", "advice"),
    [
        (f"{SPEC}.min_scale", "github", "`resource_spec` applies to the source `external_docker` only"),
        (f"{SPEC}.min_scale", "internal_source", "add `where: {source: external_docker}` to the policy"),
        ("source_revision_config.image_uri", "github", "add `where: {source: [external_docker, internal_docker]}`"),
        ("source_config.repo_url", "external_docker", "add `where: {source: github}`"),
        (f"{SPEC}.min_scale", "external_docker", None),
        ("display_name", "github", None),
    ],
)
def test_a_field_that_is_not_for_the_source_leads_to_where(path: str, source: str, advice: str | None) -> None:
    one = policy(path, {"type": "integer", "minimum": 2}, reason="We decided so.")
    for sides in ((declared(source=source), None), (Declarations(), live(source=source))):
        for found in judged(one, *sides):
            assert (found.hint == "We decided so.") is (advice is None)
            assert advice is None or advice in (found.hint or "")
    assert judged(one, declared(source=source))


def test_the_effective_value_is_judged() -> None:
    ceiling = policy(f"{SPEC}.memory_limit_mb", {"type": "integer", "maximum": 4096})
    assert judged(ceiling, declared(**external(memory_mb=2048))) == ()
    (found,) = judged(ceiling, declared(**external(memory_mb=3072)))
    assert "declared: 6144" in found.message


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (f"{SPEC}.sidecars[*].image", ["sidecars[name=a].image", "sidecars[name=b].image"]),
        (f"{SPEC}.sidecars[name=b].image", ["sidecars[name=b].image"]),
        ("**.image", ["sidecars[name=a].image", "sidecars[name=b].image"]),
        (f"{SPEC}.labels.owner", ["labels.owner"]),
        (f"{SPEC}.labels.*", ["labels.team"]),
        (f"{SPEC}.sidecars[name=c].image", ["sidecars[name=c].image"]),
    ],
)
def test_a_pattern_selects_what_is_there_and_a_full_name_what_is_not_there_as_null(
    path: str, expected: list[str]
) -> None:
    spec = {"sidecars": [{"name": "a", "image": "x"}, {"name": "b", "image": "y"}], "labels": {"team": "t"}}
    found = judged(policy(path, False), declared(**external(**spec)))
    assert [format_path(each.path or ()) for each in found] == [f"{SPEC}.{each}" for each in expected]


@pytest.mark.parametrize(
    ("terms", "applies"),
    [
        ({"deployment": "cl*"}, True),
        ({"deployment": "billing"}, False),
        ({"target": "prod*"}, True),
        ({"target": "staging"}, False),
        ({"where": {"source": "external_docker"}}, True),
        ({"where": {"source": ["github", "external_docker"]}}, True),
        ({"where": {"source": "github"}}, False),
        ({"where": {f"{SPEC}.labels.tier": "gold*"}}, True),
        ({"where": {f"{SPEC}.labels.tier": "silver"}}, False),
        ({"where": {"source": "external_docker", f"{SPEC}.labels.tier": "silver"}}, False),
        ({"applies_to": frozenset({"live"})}, False),
    ],
)
def test_target_deployment_where_and_side_narrow_a_policy(terms: dict[str, Any], applies: bool) -> None:
    one = policy(f"{SPEC}.min_scale", {"minimum": 2}, **terms)
    value = external(min_scale=1, labels={"tier": "gold-1"})
    assert bool(judged(one, declared(**value), target="production")) is applies


# --- what is not judged ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("source_revision_config.image_uri", {"latest_revision_id": None, "source_revision_config": None}),
        ("secrets[name=A].value", {"secrets": [{"name": "A"}]}),
        (f"{SPEC}.min_scale", {"source_config": None}),
        ("route_through_gateway", {}),
    ],
)
def test_what_the_listing_can_not_show_is_counted_and_not_judged(path: str, value: dict[str, Any]) -> None:
    found = judge_policies([policy(path, False)], Declarations(), live(source="external_docker", **value))
    assert found.findings == ()
    assert [format_path(each) for each in found.unverifiable["claims"]] == [path]


def test_K5_a_value_that_may_not_be_shown_is_not_in_the_message() -> None:
    spec = {
        "sidecars": [{"name": "a", "env": [{"name": "TOKEN", "value": "hunter2hunter2"}]}],
        "labels": {"a": CREDENTIAL},
    }
    for path in (f"{SPEC}.sidecars[*].env[*].value", f"{SPEC}.labels.a", f"{SPEC}.sidecars[*]", SPEC):
        (found,) = judged(policy(path, False), declared(**external(**spec)))
        assert "hunter2" not in found.message
        assert CREDENTIAL not in found.message


def test_with_a_base_only_what_the_change_violates_is_as_severe_as_the_policy() -> None:
    old, new = declared(**external(min_scale=1)), declared(**external(min_scale=2))
    (found,) = judged(TWO, old, base=new)
    assert found.severity is Severity.ERROR
    (found,) = judged(TWO, old, base=old)
    assert (found.severity, "not caused by this change" in found.message) == (Severity.WARNING, True)
    (found,) = judged(TWO, new, live(**external(min_scale=1)), base=new)
    assert found.severity is Severity.WARNING


# --- schemas that can't be used ----------------------------------------------------------------------------------

DOUBLING = {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(40)} | {"d40": {"type": "integer"}}


NESTED: Any = {"type": "integer"}
for _ in range(11):
    NESTED = {"allOf": [NESTED, NESTED]}


@pytest.mark.parametrize(
    ("schema", "problem"),
    [
        ({"type": "nope"}, "is not a valid JSON Schema"),
        ({"pattern": "(a"}, "is not a valid JSON Schema"),
        ({"pattern": "(?=a)b"}, "is not a valid JSON Schema"),
        ({"$ref": "https://example.com/schema.json"}, "refers to another document"),
        ({"$ref": "file:///etc/passwd"}, "refers to another document"),
        ({"$ref": "#"}, "refers to itself"),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"not": {"$ref": "#/$defs/a"}}}}, "refers to itself"),
        ({"$ref": "#/$defs/none"}, "does not contain"),
        ({"$id": "https://example.com/x"}, "can't use `$id`"),
        ({"$defs": DOUBLING, "$ref": "#/$defs/d0"}, "parts"),
        ({"properties": {"enum": {"$defs": DOUBLING, "$ref": "#/properties/enum/$defs/d0"}}}, "does not contain"),
        ({"properties": {"enum": NESTED}}, "parts"),
        ({"properties": {"const": {"$ref": "#"}}}, "refers to itself"),
        ({"minimun": 2}, "has `minimun`, which is not a keyword"),
        ({"not": {"anyOf": [{"Type": "string"}]}}, "has `Type`, which is not a keyword"),
        ({"properties": {"a": {"items": {"patern": "x"}}}}, "has `patern`, which is not a keyword"),
        ({"sk-ant-api03-AAAAAAAAAAAAAAAAAAAAAAAA": 1}, "has (hidden)"),
        ({"format": "uuid"}, "can't use `format`"),
        ({"$schema": "http://json-schema.org/draft-04/schema#"}, "has `$schema`"),
        ({"$schema": "https://json-schema.org/draft/2020-12/schema", "x-by": 1, "description": "d"}, None),
        ({"properties": {"format": {"type": "string"}, "minimun": True}}, None),
        ({"required": ["format"], "dependentRequired": {"format": ["minimun"]}}, None),
        ({"const": {"$ref": "https://example.com"}}, None),
        ({"$defs": {"a": {"type": "integer"}}, "$ref": "#/$defs/a"}, None),
        (True, None),
    ],
)
def test_S1_a_schema_that_is_wrong_refers_outside_or_multiplies_is_refused(schema: Any, problem: str | None) -> None:
    found = fragment_problem(schema)
    assert found is None if problem is None else found is not None and problem in found


@pytest.mark.parametrize("pattern", ["^(a+)+$", "^(a|a)*$", "(.*)*x", "^(a|b|ab)*c"])
def test_Y21_no_pattern_can_hang_a_check(pattern: str) -> None:
    begin = time.process_time()
    judged(policy("display_name", {"pattern": pattern}), declared(display_name="a" * 50_000 + "b"))
    assert time.process_time() - begin < 2


def test_Y21_no_path_can_hang_a_check() -> None:
    value: dict[str, Any] = {}
    for _ in range(60):
        value = {"a": value, "b": 1}
    begin = time.process_time()
    judged(policy(".".join(["**", "*"] * 30 + ["a"]), True), declared(display_name=value))
    assert time.process_time() - begin < 2


def test_policies_that_look_at_everything_again_and_again_end_in_a_finding() -> None:
    values = declared(source_config={f"k{n}": n for n in range(60_000)})
    begin = time.process_time()
    found = judge_policies([policy("**.zz", False)] * 256, values, None).findings
    assert [each.rule for each in found] == ["yaml-limit"]
    assert time.process_time() - begin < 5


@pytest.mark.slow
def test_many_policies_on_many_deployments_take_bounded_time() -> None:
    policies = [policy(f"{SPEC}.min_scale", {"minimum": 2}, deployment=f"a{n}-*") for n in range(256)]
    many = Declarations(deployments=tuple(Declaration(f"b{n}", external(), lambda _: THERE) for n in range(8_000)))
    begin = time.process_time()
    assert judge_policies(policies, many, None).findings == ()
    assert time.process_time() - begin < 5


# --- the examples ------------------------------------------------------------------------------------------------

IMAGE = "registry.example.com/agents/claims"


def revision(image: str, **more: Any) -> dict[str, Any]:
    return {"source": "external_docker", "source_revision_config": {"image_uri": image}, **more}


EXAMPLES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "two-replicas-in-production": (external(min_scale=2), external(min_scale=1)),
    "replicas-have-a-ceiling": (external(max_scale=20), external(max_scale=21)),
    "image-by-digest": (revision(IMAGE + DIGEST), revision(f"{IMAGE}:1.0")),
    "no-latest": (revision(f"{IMAGE}:1.0"), revision(f"{IMAGE}:latest")),
    "own-registry": (revision(IMAGE), revision("docker.io/a/b:1")),
    "sidecars-from-own-registry": (
        external(sidecars=[{"name": "a", "image": IMAGE}]),
        external(sidecars=[{"name": "a", "image": "a:1"}]),
    ),
    "memory-limit-set": (external(memory_mb=1024), external()),
    "memory-ceiling": (external(memory_mb=8192), external(memory_mb=8320)),
    "owner": (external(labels={"owner": "claims-team"}), external(labels={})),
    "cost-centre": (external(labels={"cost-centre": "4711"}), external(labels={"cost-centre": "x"})),
    "not-shareable": ({}, {"shareable": True}),
    "tracked-branch": (
        {"source": "github", "source_revision_config": {"repo_ref": "main"}},
        {"source": "github", "source_revision_config": {"repo_ref": "feature"}},
    ),
    "no-preemptible-types": (
        {"source_config": {"deployment_type": "prod"}},
        {"source_config": {"deployment_type": "dev"}},
    ),
    "images-stay-in-the-region": (revision(f"eu.{IMAGE}"), revision(IMAGE)),
}


def example_policies() -> dict[str, HousePolicy]:
    entries = yaml.safe_load(EXAMPLE.read_text())["policies"]
    return {
        entry["id"]: HousePolicy(
            **{**entry, "location": HERE, "severity": Severity(entry.get("severity", "error"))}
            | ({"applies_to": frozenset(entry["applies_to"])} if "applies_to" in entry else {})
        )
        for entry in entries
    }


@pytest.mark.parametrize("name", EXAMPLES)
def test_each_example_accepts_what_it_asks_for_and_refuses_the_rest(name: str) -> None:
    one = example_policies()[name]
    target = one.target.replace("*", "1")
    good, bad = EXAMPLES[name]
    assert judged(one, declared(**good), target=target) == ()
    assert len(judged(one, declared(**bad), target=target)) == 1


def test_every_example_is_tested() -> None:
    assert EXAMPLES.keys() == example_policies().keys()


# --- through the command -----------------------------------------------------------------------------------------


def test_violations_count_by_fail_on_and_can_be_suppressed_and_turned_off(tmp_path: Path) -> None:
    (tmp_path / "deployments.yaml").write_text(
        "deployments:\n  - name: claims\n    source: external_docker\n"
        "    source_config: {resource_spec: {min_scale: 1, max_scale: 2}}\n"
        f"    source_revision_config: {{image_uri: '{IMAGE}:1.0'}}\n"
    )
    rules = f"policies:\n  - {{id: two, path: {SPEC}.min_scale, schema: {{minimum: 2}}}}\n"
    for more, status, word in (
        ("", 1, "policy:two"),
        ("severities: {'policy:two': note}\n", 0, "policy:two"),
        ("severities: {'policy:two': 'off'}\n", 0, "turned off"),
        ("ignore:\n  - {rule: 'policy:two', reason: agreed, owner: ops}\n", 0, "agreed"),
    ):
        (tmp_path / "driftcheck.yaml").write_text(rules + more)
        result = run_inside("validate", cwd=tmp_path)
        assert (result.status, word in result.out) == (status, True), (more, result.out, result.err)
