"""Every fault at every page, with drift and without, with valid files and a broken one, through the command line.

The one mistake that must not happen is status 0 for something that was not read. So each run is checked against the
endpoint's real list: status 0 requires the whole listing, read correctly, and declarations that agree with it.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.cli.inside import Result, run_inside
from tests.live.conftest import Emulate, emulate
from tests.live.faults import FAULTS, Edit, Fault, Plan, create_app
from tests.live.raw_server import Conversation, answer, endless, saying, serving
from tests.live.samples import KEY, WORKSPACE, deployment, deployments

__all__ = ["emulate"]

COUNT = 120
POSITIONS = {"first": 0, "second": 99, "end": COUNT}
STATES = {"in sync": 0, "drift": 1, "missing": 1, "broken": 2}
"""What is declared, and the status that an undisturbed check has for it."""

SLOW = {"silence", "drip"}
BUDGET = 10.0
"""Seconds within which each run must end, even on a busy machine."""

BASE = {"LANGSMITH_API_KEY": KEY, "LANGSMITH_TENANT_ID": WORKSPACE}


def declared(*numbers: int, repo_ref: str = "main") -> str:
    return json.dumps(
        {
            "deployments": [
                {
                    "name": f"agent-{number:05}",
                    "source": "github",
                    "source_revision_config": {"repo_ref": repo_ref, "langgraph_config_path": "langgraph.json"},
                    "secrets": [{"name": "OPENAI_API_KEY"}],
                }
                for number in numbers
            ]
        }
    )


@pytest.fixture(scope="module")
def trees(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A folder for each state; the declared deployments are on both pages of the listing."""
    files = {
        "in sync": {"agents.yaml": declared(0, 60, COUNT - 1)},
        "drift": {"agents.yaml": declared(0, 60), "last.yaml": declared(COUNT - 1, repo_ref="release")},
        "missing": {"agents.yaml": declared(0, 60, COUNT - 1, 777)},
        "broken": {"agents.yaml": declared(0, 60, COUNT - 1), "broken.yaml": "deployments: [{name: broken"},
    }
    folders = {}
    for state, texts in files.items():
        folders[state] = tmp_path_factory.mktemp(state.replace(" ", "-"))
        for name, text in texts.items():
            (folders[state] / name).write_text(text)
    return folders


def check(folder: Path, url: str, *options: str) -> Result:
    """Check within the budget, without a traceback, and with a report that agrees with the status."""
    start = time.monotonic()
    result = run_inside("check", ".", "--endpoint", url, *options, "-o", "json", cwd=folder, env=BASE)
    assert time.monotonic() - start < BUDGET
    assert "Traceback" not in result.output
    assert result.status in (0, 1, 2, 3), result.err
    assert KEY not in result.output
    assert json.loads(result.out)["outcome"]["status"] == result.status
    return result


def assert_honest(result: Result, state: str, *, count: int = COUNT) -> None:
    """Check a result against the truth: `count` deployments are live, and `state` says what is declared."""
    report = json.loads(result.out)
    statuses = {each["name"]: each["status"] for each in report["deployments"]}
    assert result.status in (STATES[state], max(3, STATES[state]) if state != "broken" else 2)
    if result.status in (0, 1):
        assert report["complete"]
        assert report["live"]["deployments"] == count
        assert {item["name"] for item in deployments(count)} <= statuses.keys()
    else:
        assert not report["complete"]
    missing = {name for name, status in statuses.items() if status == "missing"}
    assert missing <= ({"agent-00777"} if report["live"]["complete"] else set())
    unmanaged = {name for name, status in statuses.items() if status == "unmanaged"}
    assert not unmanaged or report["complete"]
    if state == "in sync":
        assert "drifted" not in statuses.values()


@pytest.mark.slow
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("position", POSITIONS)
@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_never_makes_a_check_pass(
    emulate: Emulate, trees: dict[str, Path], kind: str, position: str, state: str
) -> None:
    fault = Fault(kind, offset=POSITIONS[position], seconds=1.0)
    app = create_app(deployments(COUNT), plan=Plan(faults=(fault,)))
    timeout = "0.25" if kind in SLOW else "60"
    result = check(trees[state], emulate(app), "--retries", "0", "--timeout", timeout)
    assert_honest(result, state)
    assert set(app.state.record.methods) == {"GET"}


@pytest.mark.parametrize("state", STATES)
def test_without_a_fault_each_state_has_its_status(emulate: Emulate, trees: dict[str, Path], state: str) -> None:
    result = check(trees[state], emulate(create_app(deployments(COUNT))))
    assert result.status == STATES[state]
    assert_honest(result, state)


CHANGES: dict[str, tuple[Edit, ...]] = {
    "deleted before": (Edit(1, delete=("agent-00010",)),),
    "deleted behind": (Edit(1, delete=("agent-00110",)),),
    "inserted before": (Edit(1, insert=(deployment(900),), at=0),),
    "turned round": (Edit(1, order="reversed"),),
    "changed each time": tuple(Edit(after, delete=(f"agent-{after:05}",)) for after in range(1, 60)),
}


@pytest.mark.parametrize("state", ["in sync", "drift"])
@pytest.mark.parametrize("change", CHANGES)
def test_a_listing_that_changes_meanwhile_is_read_again_or_reported(
    emulate: Emulate, trees: dict[str, Path], change: str, state: str
) -> None:
    result = check(trees[state], emulate(create_app(deployments(COUNT), plan=Plan(edits=CHANGES[change]))))
    report = json.loads(result.out)
    assert result.status in (STATES[state], 3)
    statuses = {each["name"]: each["status"] for each in report["deployments"]}
    assert "missing" not in statuses.values()
    assert statuses["agent-00060"] in ("in_sync", "unknown")
    if result.status != 3:
        kept = {f"agent-{number:05}" for number in range(60, COUNT)} - {"agent-00110"}
        assert kept <= statuses.keys()


ODD: dict[str, dict[str, Any]] = {
    "no offsets": {"ignore": ("offset",)},
    "no limits": {"ignore": ("limit",)},
    "pages of seven": {"cap": 7},
    "no filters": {"ignore": ("filters",)},
    "offsets of the next page": {"offsets": "limit"},
    "offsets that echo": {"offsets": "echo"},
}
REFUSING: dict[str, dict[str, Any]] = {
    "another workspace": {"workspace": "00000000-0000-4000-8000-00000000000f"},
    "not enabled": {"enabled": False},
    "another key": {"api_key": "lsv2_sk_another00000000"},
    "another order in each answer": {"order": "random"},
}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("plan", ODD)
def test_an_odd_server_does_no_harm_or_is_reported(
    emulate: Emulate, trees: dict[str, Path], plan: str, state: str
) -> None:
    assert_honest(check(trees[state], emulate(create_app(deployments(COUNT), plan=Plan(**ODD[plan])))), state)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("behaviour", REFUSING)
def test_a_service_that_refuses_or_has_no_order_never_makes_a_check_pass(
    emulate: Emulate, trees: dict[str, Path], behaviour: str, state: str
) -> None:
    assert_honest(check(trees[state], emulate(create_app(deployments(COUNT), **REFUSING[behaviour]))), state)


WHOLE = json.dumps({"resources": deployments(COUNT), "offset": COUNT}).encode()
CONVERSATIONS: dict[str, Conversation] = {
    "headers without end": endless(b"HTTP/1.1 200 OK\r\n", b"X-More: 1\r\n", pause=0.001),
    "a body without end": endless(b"HTTP/1.1 200 OK\r\n\r\n", b" " * 65536),
    "interim answers without end": endless(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n", pause=0.001),
    "malformed chunks": saying(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", close=True),
    "a length that is too long": saying(answer(WHOLE)[:-10], close=True),
    "nothing at all": saying(b"", close=True),
    "the same page for ever": saying(answer(WHOLE)),
    "one empty page for ever": saying(answer(b'{"resources": [], "offset": 0}')),
    "another protocol": saying(b"SSH-2.0-OpenSSH_9.6\r\n", close=True),
}


@pytest.mark.parametrize("state", ["in sync", "broken"])
@pytest.mark.parametrize("conversation", CONVERSATIONS)
def test_every_answer_of_a_server_is_reported(trees: dict[str, Path], conversation: str, state: str) -> None:
    with serving(CONVERSATIONS[conversation]) as (url, _):
        result = check(trees[state], url, "--retries", "0", "--timeout", "0.3", "--concurrency", "2")
    assert result.status == (2 if state == "broken" else 3)
    assert_honest(result, state)


def test_no_listener_is_reported(trees: dict[str, Path]) -> None:
    assert check(trees["in sync"], "http://127.0.0.1:9", "--retries", "0").status == 3


def test_the_matrix_is_large_enough() -> None:
    assert len(FAULTS) * len(POSITIONS) * len(STATES) >= 200
