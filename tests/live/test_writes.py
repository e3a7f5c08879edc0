"""The writes of the emulator do what docs/API.md documents of the service."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from driftcheck.live.emulator import Behaviour, create_app
from tests.live.conftest import Emulate
from tests.live.samples import KEY, PAYLOADS, deployment, deployments, load

EVERY_SHAPE = load(PAYLOADS / "4-mixed-newest-shape.json")["resources"]
EXTERNAL: dict[str, Any] = {
    "name": "claims",
    "source": "external_docker",
    "source_config": {"resource_spec": {}},
    "source_revision_config": {"image_uri": "registry.example.com/claims:1"},
    "secrets": [{"name": "A", "value": "1"}],
}


class Writer:
    """Sends requests to a writable emulator."""

    def __init__(self, emulate: Emulate, items: list[Any]) -> None:
        self._url = emulate(create_app(items, Behaviour(writable=True))) + "/v2/deployments"

    def send(self, method: str, path: str = "", body: Any = None) -> httpx.Response:
        with httpx.Client(trust_env=False, verify=False, headers={"X-Api-Key": KEY}) as client:
            return client.request(method, self._url + path, json=body)

    def get(self, identity: str) -> Any:
        return self.send("GET", f"/{identity}").json()

    def patch(self, identity: str, **body: Any) -> Any:
        response = self.send("PATCH", f"/{identity}", body)
        assert response.status_code == 200, response.text
        assert response.json() == self.get(identity)
        return response.json()

    def create(self, **body: Any) -> Any:
        response = self.send("POST", "", body)
        assert response.status_code == 201, response.text
        return response.json()


@pytest.fixture
def external(emulate: Emulate) -> tuple[Writer, Any]:
    writer = Writer(emulate, [])
    return writer, writer.create(**EXTERNAL)


def test_a_created_deployment_is_listed_with_the_defaults_of_the_service(external: tuple[Writer, Any]) -> None:
    writer, made = external
    assert [item["id"] for item in writer.send("GET").json()["resources"]] == [made["id"]]
    spec = made["source_config"]["resource_spec"]
    assert {key: value for key, value in spec.items() if value is not None} == {
        "min_scale": 1,
        "max_scale": 1,
        "cpu": 1,
        "memory_mb": 2048,
    }
    assert made["source_config"]["deployment_type"] == "prod"
    assert made["latest_revision_id"] == made["active_revision_id"] is not None


def test_a_resource_spec_is_replaced_as_a_whole(external: tuple[Writer, Any]) -> None:
    writer, made = external
    first = {"max_scale": 4, "cpu": 0.25, "labels": {"team": "a"}}
    changed = writer.patch(made["id"], source_config={"resource_spec": first})
    assert changed["source_config"]["resource_spec"]["cpu"] == 0.2
    changed = writer.patch(made["id"], source_config={"resource_spec": {"max_scale": 5}})
    spec = changed["source_config"]["resource_spec"]
    assert (spec["max_scale"], spec["cpu"], spec["labels"]) == (5, 1, None)


def test_null_does_not_clear(external: tuple[Writer, Any]) -> None:
    writer, made = external
    writer.patch(made["id"], display_name="Claims", source_config={"custom_url": "https://claims.example.com"})
    changed = writer.patch(
        made["id"],
        display_name=None,
        secrets=None,
        source_config={"custom_url": None, "build_on_push": None, "resource_spec": None},
        source_revision_config={"image_uri": None},
    )
    assert changed["display_name"] == "Claims"
    assert changed["source_config"]["custom_url"] == "https://claims.example.com"
    assert changed["source_config"]["build_on_push"] is False
    assert changed["source_revision_config"]["image_uri"] == EXTERNAL["source_revision_config"]["image_uri"]
    assert [secret["name"] for secret in changed["secrets"]] == ["A"]


def test_secrets_are_replaced_as_a_whole_and_an_empty_list_keeps_them(external: tuple[Writer, Any]) -> None:
    writer, made = external
    changed = writer.patch(made["id"], secrets=[{"name": "B", "value": "2"}])
    assert changed["secrets"] == [{"name": "B", "value": "2"}]
    assert writer.patch(made["id"], secrets=[])["secrets"] == changed["secrets"]
    reference = {"name": "C", "secret_name": "s", "secret_key": "k"}
    assert writer.patch(made["id"], secret_references=[reference])["secret_references"] == [reference]
    assert writer.patch(made["id"])["secret_references"] == [reference]
    assert writer.patch(made["id"], secret_references=[])["secret_references"] == []


@pytest.mark.parametrize(
    ("body", "creates_revision"),
    [
        ({}, False),
        ({"display_name": "Claims"}, False),
        ({"route_through_gateway": True}, False),
        ({"source_config": {"custom_url": "https://claims.example.com"}}, False),
        ({"source_config": {"resource_spec": {"max_scale": 3}}}, True),
        ({"source_revision_config": {"image_uri": "registry.example.com/claims:2"}}, True),
        ({"secrets": [{"name": "A", "value": "2"}]}, True),
    ],
)
def test_a_revision_is_created_where_it_is_documented_and_updated_at_always_moves(
    external: tuple[Writer, Any], body: dict[str, Any], creates_revision: bool
) -> None:
    writer, made = external
    changed = writer.patch(made["id"], **body)
    assert (changed["latest_revision_id"] != made["latest_revision_id"]) is creates_revision
    assert changed["updated_at"] > made["updated_at"]


def test_github_in_place_changes(emulate: Emulate) -> None:
    writer = Writer(emulate, EVERY_SHAPE)
    before = EVERY_SHAPE[0]
    changed = writer.patch(before["id"], source_config={"build_on_push": True}, tracked_repo_ref="release")
    assert changed["source_config"]["repo_branch"] == "release"
    changed = writer.patch(before["id"], source_config={"repo_url": "https://github.com/acme-ai/other"})
    assert changed["latest_revision_id"] == before["latest_revision_id"]
    changed = writer.patch(before["id"], source_revision_config={"repo_ref": "v2"})
    assert changed["latest_revision_id"] != before["latest_revision_id"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"name": "other"}, 422),
        ({"source": "github"}, 422),
        ({"deployment_tier": "DEDICATED_L"}, 422),
        ({"source_config": {"deployment_type": "dev"}}, 400),
        ({"source_config": {"listener_id": "5c2e9f60-0d4b-4d53-9a76-2b1f7f2b6c11"}}, 400),
        ({"source_config": {"listener_config": {"k8s_namespace": "x"}}}, 400),
        ({"source_config": {"unheard_of": 1}}, 422),
        ({"source_config": {"resource_spec": {"unheard_of": 1}}}, 422),
        ({"source_config": {"resource_spec": {"cpu": "2"}}}, 422),
        ({"source_config": {"resource_spec": {"min_scale": 4, "max_scale": 2}}}, 422),
        ({"source_config": {"resource_spec": {"cpu": 2, "cpu_limit": 1}}}, 422),
        ({"source_revision_config": {"langgraph_config_path": "a.json"}}, 400),
        ({"secrets": [{"name": "A"}]}, 422),
        ({"secrets": [{"name": "A", "value": None}]}, 422),
        ({"secrets": {"A": "1"}}, 422),
        ({"display_name": ""}, 422),
        ({"tracked_repo_ref": "main"}, 400),
        ([], 422),
    ],
)
def test_what_the_service_does_not_take_is_refused_and_changes_nothing(
    external: tuple[Writer, Any], body: Any, status: int
) -> None:
    writer, made = external
    assert writer.send("PATCH", f"/{made['id']}", body).status_code == status
    assert writer.get(made["id"]) == made


def test_type_words_are_equal(emulate: Emulate) -> None:
    writer = Writer(emulate, EVERY_SHAPE)
    writer.patch(EVERY_SHAPE[0]["id"], source_config={"deployment_type": "dedicated"})


def test_names_are_unique_and_deployments_in_deletion_are_left_alone(emulate: Emulate) -> None:
    writer = Writer(emulate, [deployment(1), deployment(2, status="AWAITING_DELETE")])
    for number in (1, 2):
        assert writer.send("POST", "", {**EXTERNAL, "name": f"agent-0000{number}"}).status_code == 409
    assert writer.send("PATCH", f"/{deployment(2)['id']}", {}).status_code == 409
    assert writer.send("PATCH", "/nowhere", {}).status_code == 404
    assert writer.send("DELETE", f"/{deployment(1)['id']}").status_code == 405


def test_agents_have_one_deployment_in_each_environment(emulate: Emulate) -> None:
    writer = Writer(emulate, [])
    body = {key: value for key, value in EXTERNAL.items() if key != "name"}
    agent = {"agent_id": "claims", "environment": "staging"}
    assert writer.create(**body, agent=agent)["agent"] == agent
    assert writer.send("POST", "", {**body, "agent": agent}).status_code == 409


def test_before_its_first_revision_a_built_deployment_has_no_revision_config(emulate: Emulate) -> None:
    writer = Writer(emulate, [])
    body = {"name": "a", "source": "internal_source", "source_config": {"deployment_type": "serverless"}}
    made = writer.create(**body, source_revision_config={}, secrets=[{"name": "A", "value": "1"}])
    assert (made["source_revision_config"], made["secrets"], made["latest_revision_id"]) == (None, [], None)
    assert writer.patch(made["id"], display_name="A")["source_revision_config"] is None
    revision = {"source_tarball_path": "x", "langgraph_config_path": "langgraph.json"}
    changed = writer.patch(made["id"], source_revision_config=revision, secrets=[{"name": "A", "value": "1"}])
    assert changed["latest_revision_id"]
    assert [secret["name"] for secret in changed["secrets"]] == ["A"]


def test_tiers_have_endpoints_of_their_own(emulate: Emulate) -> None:
    writer = Writer(emulate, EVERY_SHAPE)
    before = EVERY_SHAPE[0]
    path = f"/{before['id']}/resource-tiers"
    response = writer.send("PATCH", path, {"compute_tier": "DEDICATED_L", "database_tier": None})
    assert response.status_code == 200
    assert (response.json()["compute_tier"], response.json()["database_tier"]) == ("DEDICATED_L", "DEDICATED_S")
    assert response.json()["latest_revision_id"] != before["latest_revision_id"]
    assert writer.send("PATCH", path, {"compute_tier": "SERVERLESS_S"}).status_code == 400
    assert writer.send("PATCH", path, {"compute_tier": "HUGE"}).status_code == 422
    response = writer.send("PATCH", f"/{before['id']}/deployment-tier", {"deployment_tier": "DEDICATED_L"})
    assert response.json()["deployment_tier"] == "DEDICATED_L"
    assert writer.send("PATCH", f"/{before['id']}/unheard-of", {}).status_code == 404


def test_a_body_that_is_not_json_is_a_422(emulate: Emulate) -> None:
    url = emulate(create_app(deployments(1), Behaviour(writable=True)))
    with httpx.Client(trust_env=False, verify=False, headers={"X-Api-Key": KEY}) as client:
        assert client.post(f"{url}/v2/deployments", content=b"{").status_code == 422
