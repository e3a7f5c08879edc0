"""The audit of a large workspace: 1,200 live deployments, 600 declared, and every number that is reported of them."""

from __future__ import annotations

import html
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.cli.inside import run_inside
from tests.cli.workspace import external, github, holds_no_secret, identity, serving
from tests.live.faults import Plan

DECLARED, DRIFTED, MISSING, RENAMED, LEAVING, HIDDEN = 600, 20, 5, 3, 4, 10
PREVIEWS, MANAGED, LEFT, LISTED = 40, 6, 8, 1_200
PENDING, PENDING_UNDECLARED = 7, 2
IN_SYNC = DECLARED - DRIFTED - MISSING - RENAMED - LEAVING - 1
UNDECLARED = LISTED - (DECLARED - MISSING + 1) - PREVIEWS - MANAGED - LEFT
OLDEST = "2025-12-24T00:00:00Z"


def declaration(number: int) -> dict[str, Any]:
    """Every third has a repository, the others an image; ten declare a field that the service does not report."""
    name = f"agent-{number:03}"
    common = {"name": name, "secrets": [{"name": "OPENAI_API_KEY"}]}
    if number % 3 == 0:
        config: dict[str, Any] = {"integration_id": identity(1), "repo_url": f"https://github.com/example/{name}"}
        config |= {"deployment_type": "prod", "build_on_push": True}
        if number in range(402, 402 + 3 * HIDDEN):
            config["install_command"] = "npm ci"
        revision = {"repo_ref": "main", "langgraph_config_path": "langgraph.json"}
        return {**common, "source": "github", "source_config": config, "source_revision_config": revision}
    config = {"resource_spec": {"min_scale": 1, "max_scale": 2, "cpu": 1, "memory_mb": 1024}}
    revision = {"image_uri": f"registry.example.com/{name}:1.0.0"}
    return {**common, "source": "external_docker", "source_config": config, "source_revision_config": revision}


def live(number: int) -> dict[str, Any]:
    name = f"agent-{number:03}"
    return github(name, number) if number % 3 == 0 else external(name, number)


def pend(value: dict[str, Any], since: str) -> dict[str, Any]:
    return {**value, "active_revision_id": identity(1), "updated_at": since}


def listing(*, twin: bool) -> list[dict[str, Any]]:
    """By number: 0 to 19 drifted, then missing, renamed, being deleted, and the twin; the others are in sync."""
    found = [live(number) for number in range(DECLARED)]
    for number in range(DRIFTED):
        revision = found[number]["source_revision_config"]
        key = "repo_ref" if number % 3 == 0 else "image_uri"
        revision[key] = f"{revision[key]}-hotfix"
        if number % 3 == 0:
            found[number]["source_config"]["repo_branch"] = revision[key]
        if number % 3 == 1:
            found[number]["source_config"]["resource_spec"]["cpu"] = 4
    found[2]["source_config"]["resource_spec"]["labels"] = {"added": "by hand"}
    start = DRIFTED + MISSING
    for number in range(start, start + RENAMED):
        found[number]["name"] = f"renamed-{number:03}"
    for number in range(start + RENAMED, start + RENAMED + LEAVING):
        found[number]["status"] = "AWAITING_DELETE"
    second = {**live(start + RENAMED + LEAVING), "id": identity(70_000)}
    for number in range(100, 100 + PENDING):
        found[number] = pend(found[number], "2026-01-02T00:00:00Z")
    others = [external(f"other-{number:03}", 10_000 + number) for number in range(UNDECLARED)]
    others[0] = pend(others[0], OLDEST)
    others[1] = pend(others[1], "2026-01-03T00:00:00Z")
    previews = [
        pend({**github(f"agent-pr-{number}", 20_000 + number), "is_preview": True}, "2025-01-01T00:00:00Z")
        for number in range(PREVIEWS)
    ]
    managed = [
        {**github(f"deep-{number}", 30_000 + number), "is_managed_deep_agent": True} for number in range(MANAGED)
    ]
    left = [
        {**external(f"left-{number}", 40_000 + number), "status": "AWAITING_FINAL_DELETE"} for number in range(LEFT)
    ]
    kept = found[:DRIFTED] + found[DRIFTED + MISSING :]
    return [*kept, *others, *previews, *managed, *left, *([second] if twin else [])]


@dataclass
class Audit:
    status: int
    err: str
    document: dict[str, Any]
    text: str
    page: str

    @property
    def summary(self) -> dict[str, Any]:
        found: dict[str, Any] = self.document["summary"]
        return found

    @property
    def rules(self) -> Counter[str]:
        return Counter(f["rule"] for f in self.document["findings"] if f["suppressed"] is None)


def audit(folder: Path, *, twin: bool) -> Audit:
    declared = [declaration(number) for number in range(DECLARED)]
    ignore = [
        {"deployment": "agent-001", "path": "source_config.resource_spec.cpu", "reason": "load test"},
        {"deployment": "other-00*", "unmanaged": True, "reason": "another team's"},
    ]
    (folder / "deployments.yaml").write_text(json.dumps({"deployments": declared, "ignore": ignore[:1]}, indent=1))
    (folder / "driftcheck.yaml").write_text(json.dumps({"paths": ["deployments.yaml"], "ignore": ignore[1:]}))
    outputs = ("-o", "json=audit.json", "-o", "text=audit.txt", "-o", "html=audit.html")
    with serving(listing(twin=twin), order="newest") as env:
        result = run_inside("audit", *outputs, cwd=folder, env=env)
    page = re.sub(r"<(style|script)\b.*?</\1>", " ", (folder / "audit.html").read_text(), flags=re.DOTALL)
    return Audit(
        result.status,
        result.output,
        json.loads((folder / "audit.json").read_text()),
        (folder / "audit.txt").read_text(),
        " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split()),
    )


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Audit:
    return audit(tmp_path_factory.mktemp("whole"), twin=False)


@pytest.fixture(scope="module")
def with_twin(tmp_path_factory: pytest.TempPathFactory) -> Audit:
    return audit(tmp_path_factory.mktemp("twin"), twin=True)


CHANGES = DRIFTED + 7 + 1 - 1
"""An image or branch in each, the cpu of every third, a label; one of these is ignored."""
IGNORED = 1 + 10
ABSENT = MISSING + RENAMED + LEAVING
UNMANAGED = UNDECLARED + RENAMED


def test_every_number_of_the_json_report(whole: Audit) -> None:
    assert (whole.status, whole.document["outcome"]) == (1, {"status": 1, "name": "drift"})
    assert whole.summary == {
        "in_sync": IN_SYNC + 1,
        "drifted": DRIFTED,
        "proposed": 0,
        "missing": ABSENT,
        "unmanaged": UNMANAGED + PREVIEWS + MANAGED,
        "unknown": 0,
        "changes": CHANGES,
        "suppressed": IGNORED,
        "unverifiable": HIDDEN,
        "by_name_only": whole.summary["by_name_only"],
        "coverage": round((DECLARED - MISSING - RENAMED) / (LISTED - 1 - PREVIEWS), 4),
        "findings": {
            "error": ABSENT + UNMANAGED - 10,
            "warning": LEAVING + LEFT + PENDING + PENDING_UNDECLARED + RENAMED,
            "note": PREVIEWS + MANAGED + 8,
        },
    }
    assert whole.rules == {
        "missing-deployment": ABSENT,
        "unmanaged-deployment": UNMANAGED - 10,
        "missing-listener": 8,
        "unmanaged-preview": PREVIEWS,
        "unmanaged-managed-agent": MANAGED,
        "being-deleted": LEAVING + LEFT,
        "rollout-pending": PENDING + PENDING_UNDECLARED,
        "probable-rename": RENAMED,
    }
    assert (whole.document["declared"]["deployments"], whole.document["live"]["deployments"]) == (DECLARED, LISTED - 1)
    assert whole.document["live"]["inventory"] == {
        "source": {"external_docker": 955, "github": 244},
        "type": {"prod": LISTED - 1},
        "status": {"READY": LISTED - 1 - LEAVING - LEFT, "AWAITING_FINAL_DELETE": LEFT, "AWAITING_DELETE": LEAVING},
    }
    pending = [
        d["facts"]["pending_since"] for d in whole.document["deployments"] if "pending_since" in d.get("facts", {})
    ]
    assert (len(pending), min(pending)) == (PENDING + PENDING_UNDECLARED, OLDEST)


def test_renames_say_from_what_to_what(whole: Audit) -> None:
    renames = {f["deployment"]: f["message"] for f in whole.document["findings"] if f["rule"] == "probable-rename"}
    assert renames.keys() == {"agent-025", "agent-026", "agent-027"}
    assert all(name.replace("agent", "renamed") in message for name, message in renames.items())


def test_every_number_of_the_text_report(whole: Audit) -> None:
    compared = sum(d["compared"] for d in whole.document["deployments"])
    for line in (
        "  live          1,199 deployments",
        "  by source     external_docker 955, github 244",
        "  by type       prod 1,199",
        "  by status     READY 1,187, AWAITING_FINAL_DELETE 8, AWAITING_DELETE 4",
        "  coverage      51.0% of the 1,159 live deployments that can be declared are declared",
        f"  fields        {compared:,} declared fields compared, 10 unverifiable (0.2%), 1 live but not declared",
        f"  rollouts      9 pending, the oldest since {OLDEST} (other-000)",
    ):
        assert line in whole.text.split("\n")
    assert whole.text.startswith("Inventory: Workspace ")
    assert whole.text.count("\ndrifted  ") == DRIFTED
    assert whole.text.count("\nmissing  ") == ABSENT
    assert whole.text.count("Probably renamed to renamed-") == RENAMED
    assert (
        f"(600 declared, 1,199 live (599 unmanaged, 12 being deleted), {compared:,} fields compared, 11 suppressed, "
        "10 unverifiable)" in " ".join(whole.text.split())
    )
    assert "A live deployment is not declared (543 deployments" in whole.text
    assert "A pull-request preview is live (40 deployments" in whole.text
    assert "A managed deep agent is live (6 deployments" in whole.text
    assert f"{DRIFTED} deployments drifted ({CHANGES} fields), 12 missing, 599 unmanaged; 24 warnings." in whole.text


def test_every_number_of_the_html_report(whole: Audit) -> None:
    compared = sum(d["compared"] for d in whole.document["deployments"])
    for words in (
        f"{DRIFTED} deployments drifted ({CHANGES} fields), 12 missing, 599 unmanaged; 24 warnings.",
        "600 declared · 1,199 live (599 unmanaged, 12 being deleted)",
        f"Drifted {DRIFTED} Missing 12 Unmanaged 599 Matches {IN_SYNC + 1}",
        "51.0 % of the 1,159 live deployments that can be declared are declared",
        f"Changes {CHANGES} Suppressed 11 Fields compared {compared:,} Unverifiable 10",
        "external_docker 955 github 244",
        "prod 1,199",
        "READY 1,187 AWAITING_FINAL_DELETE 8 AWAITING_DELETE 4",
        f"9 rollouts are pending; the oldest since {OLDEST}",
        "Error findings 555",
        "Warning findings 24",
        "Note findings 54",
    ):
        assert words.replace(" ", "") in whole.page.replace(" ", "").replace("\u202f", ""), words


def test_one_name_twice_leaves_the_audit_incomplete_and_the_rest_reported(with_twin: Audit) -> None:
    assert (with_twin.status, with_twin.document["outcome"]["name"]) == (3, "incomplete")
    assert with_twin.document["live"]["deployments"] == LISTED
    summary = with_twin.summary
    assert (summary["in_sync"], summary["unknown"], summary["drifted"]) == (IN_SYNC, 1, DRIFTED)
    assert (summary["missing"], summary["unmanaged"]) == (ABSENT, UNMANAGED + PREVIEWS + MANAGED)
    assert summary["coverage"] is None
    assert with_twin.rules["ambiguous-name"] == 1
    assert "  coverage      unknown" in with_twin.text
    assert "unknown  agent-032" in with_twin.text
    assert "1 could not be checked" in with_twin.page


def test_no_output_of_the_audit_holds_a_secret(whole: Audit) -> None:
    assert holds_no_secret(json.dumps(whole.document), whole.text, whole.page, whole.err)


def small() -> Iterator[dict[str, Any]]:
    yield external("claims-agent", 1)
    yield github("claims-web", 2)
    yield github("support-agent", 3)


def test_a_scope_says_nothing_of_what_lies_outside(tmp_path: Path) -> None:
    declared = [{"name": name, "source": "github"} for name in ("claims-web", "claims-gone", "billing-gone")]
    (tmp_path / "deployments.yaml").write_text(json.dumps({"deployments": declared}))
    with serving(small()) as env:
        result = run_inside("audit", "--no-strict", "--name-contains", "claims", "-o", "json", cwd=tmp_path, env=env)
        text = run_inside("audit", "--no-strict", "--name-contains", "claims", cwd=tmp_path, env=env).out
    report = json.loads(result.out)
    assert {d["name"]: d["status"] for d in report["deployments"]} == {
        "claims-agent": "unmanaged",
        "claims-gone": "missing",
        "claims-web": "in_sync",
    }
    assert report["live"]["scope"] == {"name_contains": "claims"}
    assert "outside-scope" in {f["rule"] for f in report["findings"]}
    assert "  only where name_contains = claims" in text


def test_a_service_that_ignores_filters_is_checked_again_on_our_side(tmp_path: Path) -> None:
    """P11."""
    with serving(small(), plan=Plan(ignore=("filters",))) as env:
        result = run_inside(
            "audit", "--deployment-type", "prod", "--name-contains", "web", "-o", "json", cwd=tmp_path, env=env
        )
    assert [d["name"] for d in json.loads(result.out)["deployments"]] == ["claims-web"]


@pytest.mark.parametrize(
    "option",
    [("--status", "READY"), ("--image-version", "3"), ("--tag-value-ids", "t-1"), ("--remote-reconciled", "false")],
)
def test_under_a_scope_of_any_other_filter_no_declaration_is_missing(tmp_path: Path, option: tuple[str, str]) -> None:
    (tmp_path / "deployments.yaml").write_text('{"deployments": [{"name": "gone", "source": "github"}]}')
    with serving(small(), tags={"t-1": ("claims-web",)}) as env:
        result = run_inside("audit", *option, "-o", "json", cwd=tmp_path, env=env)
    report = json.loads(result.out)
    assert report["summary"]["missing"] == 0
    assert report["live"]["scope"] == {option[0][2:].replace("-", "_"): option[1]}


def test_without_declarations_an_audit_is_an_inventory(tmp_path: Path) -> None:
    with serving(small()) as env:
        result = run_inside("audit", cwd=tmp_path, env=env)
    assert result.status == 0
    assert "  by source     github 2, external_docker 1" in result.out
    assert "  coverage      0.0% of the " in result.out
