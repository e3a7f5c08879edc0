"""The emulated endpoint answers as the real one is documented to, also to others than driftcheck."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given

from driftcheck.errors import UsageError
from driftcheck.live import snapshot as snapshots
from driftcheck.live.emulator import Behaviour, create_app, serve
from driftcheck.live.endpoint import Connection
from driftcheck.live.fetch import fetch
from tests.live import faults
from tests.live.conftest import Emulate
from tests.live.faults import FAULTS, Edit, Fault, Plan
from tests.live.samples import DATA, KEY, LISTINGS, PAYLOADS, WORKSPACE, deployment, deployments, load
from tests.loopback import running

EVERY_SHAPE = load(PAYLOADS / "4-mixed-newest-shape.json")["resources"]


class Client:
    """Asks an emulated endpoint as any program would."""

    def __init__(self, url: str) -> None:
        self._url = url

    def get(self, path: str = "/v2/deployments", *, key: str | None = KEY, **params: Any) -> httpx.Response:
        headers = {} if key is None else {"X-Api-Key": key}
        if workspace := params.pop("workspace", None):
            headers["X-Tenant-Id"] = workspace
        with httpx.Client(trust_env=False, verify=False, headers=headers) as client:
            return client.get(self._url + path, params=params)

    def names(self, **params: Any) -> list[str]:
        return [item["name"] for item in self.get(**params).json()["resources"]]


def emulated(emulate: Emulate, items: list[dict[str, Any]], **behaviour: Any) -> Client:
    return Client(emulate(create_app(items, Behaviour(**behaviour))))


def misbehaving(emulate: Emulate, items: list[dict[str, Any]], **plan: Any) -> Client:
    return Client(emulate(faults.create_app(items, plan=Plan(**plan))))


@pytest.fixture(scope="session")
def documented(emulate: Emulate) -> str:
    return emulate(create_app(EVERY_SHAPE, Behaviour(api_key=KEY)))


@pytest.mark.slow
def test_every_answer_is_as_the_specification_says(documented: str) -> None:
    import schemathesis
    from schemathesis.specs.openapi.checks import negative_data_rejection

    # The real service ignores unknown query parameters, so they are not an error.
    ignored = [negative_data_rejection]
    for found in schemathesis.openapi.from_path(DATA / "openapi.json").get_all_operations():

        @given(found.ok().as_strategy())
        def ask(case: Any) -> None:
            case.call_and_validate(base_url=documented, headers={"X-Api-Key": KEY}, excluded_checks=ignored)

        ask()


def test_the_vendors_own_client_lists_all_of_it(tmp_path: Path) -> None:
    client = Path(sys.executable).parent / "langgraph"
    if not client.exists():
        pytest.skip("langgraph-cli is not installed")
    with running(create_app(deployments(250))) as url:
        environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LANGGRAPH_CLI_NO_ANALYTICS": "1"}
        environment |= {"LANGGRAPH_HOST_URL": url, "LANGSMITH_API_KEY": KEY}
        command = [str(client), "deploy", "list", "--json"]
        ran = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, timeout=60)
    assert ran.returncode == 0, ran.stderr.decode()
    assert [found["name"] for found in json.loads(ran.stdout)] == [item["name"] for item in deployments(250)]


def test_twenty_items_are_the_default_and_a_hundred_the_most(emulate: Emulate) -> None:
    client = emulated(emulate, deployments(150))
    assert len(client.names()) == 20
    assert len(client.names(limit=100)) == 100
    assert len(client.names(limit=100, offset=100)) == 50
    assert client.names(offset=150) == []


@pytest.mark.parametrize(("offsets", "expected"), [("next", 150), ("limit", 200), ("echo", 100)])
def test_the_offset_of_an_answer_follows_the_plan(emulate: Emulate, offsets: str, expected: int) -> None:
    client = misbehaving(emulate, deployments(150), offsets=offsets)
    assert client.get(limit=100, offset=100).json()["offset"] == expected


@pytest.mark.parametrize(
    ("params", "kinds"),
    [
        ({"limit": "0"}, ["greater_than_equal"]),
        ({"limit": "101"}, ["less_than_equal"]),
        ({"limit": "ten"}, ["int_parsing"]),
        ({"limit": ""}, ["int_parsing"]),
        ({"offset": "-1"}, ["greater_than_equal"]),
        ({"offset": "x", "limit": "x"}, ["int_parsing", "int_parsing"]),
        ({"remote_reconciled": "perhaps"}, ["bool_parsing"]),
        ({"deployment_type": "huge"}, ["enum"]),
    ],
)
def test_a_query_that_is_not_valid_is_a_422(emulate: Emulate, params: dict[str, str], kinds: list[str]) -> None:
    response = emulated(emulate, deployments(3)).get(**params)
    assert response.status_code == 422
    assert [entry["type"] for entry in response.json()["detail"]] == kinds


def test_the_422_is_the_recorded_one(emulate: Emulate) -> None:
    recorded = load(PAYLOADS / "errors.json")["422_limit"]
    assert emulated(emulate, []).get(limit=500).json() == recorded


def test_filters_work_together(emulate: Emulate) -> None:
    items = [
        deployment(1, name="alpha"),
        deployment(2, name="alpha-two", status="UNUSED", image_version="0.7"),
        deployment(3, name="beta", source_config={"deployment_type": "dev", "listener_id": "x"}, url="https://b"),
    ]
    client = emulated(emulate, items, tags={"t1": ("alpha", "beta"), "t2": ("beta",)})
    assert client.names(name="alpha") == ["alpha"]
    assert client.names(name_contains="alpha") == ["alpha", "alpha-two"]
    assert client.names(name_contains="alpha", status="UNUSED") == ["alpha-two"]
    assert client.names(image_version="0.7") == ["alpha-two"]
    assert client.names(deployment_type="dev") == ["beta"]
    assert client.names(deployment_ids=f"{items[0]['id']},{items[2]['id']}") == ["alpha", "beta"]
    assert client.names(tag_value_ids="t1") == ["alpha", "beta"]
    assert client.names(tag_value_ids="t1,t2") == ["beta"]
    assert client.names(tag_value_ids="unknown") == []
    assert client.names(remote_reconciled="true") == ["beta"]
    assert client.names(remote_reconciled="false") == ["alpha", "alpha-two"]
    assert client.names(url="https://b") == ["beta"]
    assert client.names(name="", status="") == ["alpha", "alpha-two", "beta"]


def test_a_key_is_needed_and_the_workspace_where_the_plan_says_so(emulate: Emulate) -> None:
    client = emulated(emulate, [], api_key=KEY, workspace=WORKSPACE, require_workspace=True)
    assert client.get(key=None).status_code == 401
    assert client.get(key="another-key").status_code == 401
    assert "requires workspace specification" in client.get().json()["detail"]
    assert client.get(workspace="another").status_code == 403
    assert client.get(workspace=WORKSPACE.upper()).status_code == 200
    assert "not enabled" in emulated(emulate, [], enabled=False).get().json()["detail"]


def test_only_get_is_answered_unless_it_is_writable(emulate: Emulate) -> None:
    url = emulate(create_app(deployments(1)))
    with httpx.Client(trust_env=False, verify=False) as client:
        for method in ("POST", "PATCH", "DELETE", "PUT", "HEAD"):
            assert client.request(method, f"{url}/v2/deployments").status_code == 405
            assert client.request(method, f"{url}/v2/deployments/{deployment(0)['id']}").status_code == 405
        assert client.get(f"{url}/v1/else").status_code == 404


def test_it_answers_below_the_prefix_of_self_hosted_control_planes(emulate: Emulate) -> None:
    client = emulated(emulate, deployments(3))
    assert client.get("/api-host/v2/deployments").json() == client.get().json()
    assert client.get(f"/api-host/v2/deployments/{deployment(1)['id']}").json()["name"] == "agent-00001"


def test_an_item_without_a_name_is_served_as_the_network_would(emulate: Emulate, tmp_path: Path) -> None:
    (tmp_path / "live.json").write_text(json.dumps({"resources": [deployment(1), {"id": "2", "name": None}, None]}))
    url = emulate(create_app(snapshots.read_items(tmp_path / "live.json")))
    snapshot = fetch(Connection(url, KEY), names=tuple, scope={}, progress=lambda _: None)
    assert not snapshot.complete


def test_a_status_and_a_latency_hold_for_every_response(emulate: Emulate) -> None:
    assert emulated(emulate, deployments(3), status=503).get().status_code == 503
    assert emulated(emulate, deployments(3), latency=0.001).get().status_code == 200


@pytest.mark.parametrize(
    ("order", "names"),
    [("given", "bca"), ("reversed", "acb"), ("name", "abc"), ("newest", "cba")],
)
def test_the_order_follows_the_plan(emulate: Emulate, order: str, names: str) -> None:
    items = [deployment("abc".index(name), name=name) for name in "bca"]
    assert "".join(emulated(emulate, items, order=order).names()) == names


def test_a_random_order_is_another_one_each_time_and_the_same_for_a_seed(emulate: Emulate) -> None:
    one, other = (emulated(emulate, deployments(20), order="random", seed=7) for _ in range(2))
    first, second = one.names(), one.names()
    assert first != second
    assert [other.names(), other.names()] == [first, second]


def test_changes_happen_between_requests(emulate: Emulate) -> None:
    edits = (
        Edit(1, delete=("agent-00000",)),
        Edit(2, insert=(deployment(9),)),
        Edit(2, insert=(deployment(8),), at=-1),
        Edit(3, order="reversed"),
    )
    client = misbehaving(emulate, deployments(2), edits=edits)
    assert client.names() == ["agent-00000", "agent-00001"]
    assert client.names() == ["agent-00001"]
    assert client.names() == ["agent-00009", "agent-00001", "agent-00008"]
    assert client.names() == ["agent-00008", "agent-00001", "agent-00009"]


def test_a_fault_hits_the_request_or_offset_it_names_as_often_as_it_says(emulate: Emulate) -> None:
    planned = (Fault("status", request=2, status=429), Fault("status", offset=5, times=1, headers={"Retry-After": "3"}))
    client = misbehaving(emulate, deployments(9), faults=planned)
    assert [client.get().status_code for _ in range(3)] == [200, 429, 200]
    failed = client.get(offset=5)
    assert failed.status_code == 503
    assert failed.headers["Retry-After"] == "3"
    assert client.get(offset=5).status_code == 200


@pytest.mark.parametrize("kind", sorted(set(FAULTS) - {"drop", "drip", "silence", "gzip", "gzip_cut"}))
def test_a_fault_is_seen_by_a_strict_reader(emulate: Emulate, kind: str) -> None:
    honest = emulated(emulate, deployments(4)).get(offset=2)
    spoiled = misbehaving(emulate, deployments(4), faults=(Fault(kind),))
    try:
        response = spoiled.get(offset=2)
    except httpx.DecodingError:
        return
    assert (response.status_code, response.content) != (honest.status_code, honest.content)


def test_a_snapshot_can_be_emulated_and_fetched_again(emulate: Emulate, tmp_path: Path) -> None:
    for path in LISTINGS:
        snapshot = snapshots.read(path)
        url = emulate(create_app(deployment.value for deployment in snapshot.deployments))
        again = fetch(Connection(url, KEY), names=tuple, scope={}, progress=lambda _: None)
        assert again.deployments == snapshot.deployments
        assert again.complete


def test_it_serves_on_loopback_until_it_is_reported_to_stop() -> None:
    urls: list[str] = []
    asked = threading.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        asked.set()
        await create_app([])(scope, receive, send)

    def ready(url: str) -> None:
        urls.append(url)
        threading.Thread(target=lambda: Client(url).get(), daemon=True).start()

    server = threading.Thread(target=lambda: serve(app, ready=ready), daemon=True)
    server.start()
    assert asked.wait(20)
    assert urls[0].startswith("http://127.0.0.1:")


def test_a_port_that_is_taken_is_a_usage_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"Port {port}"):
            serve(create_app([]), port=port, ready=lambda _: None)
    with pytest.raises(UsageError, match="Port 70000"):
        serve(create_app([]), port=70000, ready=lambda _: None)


def test_without_its_extra_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "starlette.applications", None)
    with pytest.raises(UsageError) as caught:
        create_app([])
    assert "driftcheck[emulator]" in str(caught.value.hint)
