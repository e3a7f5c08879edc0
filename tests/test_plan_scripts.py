"""Every kind of change, reverted as a user does it: plan as a script, sent with curl, and checked again."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from driftcheck.live.emulator import Behaviour, create_app
from tests.cli.inside import run_inside
from tests.comparison.declarations import declaration
from tests.comparison.echo import echo
from tests.comparison.mutations import KINDS, mutations
from tests.loopback import running

WANTED = 3
"""Deployments of each kind."""
ID = "11111111-1111-4111-8111-11111111111{}"


def examples(kind: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield declarations, each with a live deployment that differs in one thing of a kind."""
    for seed in range(3000):
        random = Random(seed)
        declared = declaration(random)
        if "template_id" in (declared.get("source_config") or {}):  # not in every version of the API
            continue
        found = mutations(declared, echo(declared, "C", random), random)
        live = next((each.live for each in found if each.what == kind), None)
        if live is not None and isinstance(live.get("source_config"), dict):
            yield declared, live


def filled(script: str) -> str:
    """Fill in every placeholder and remove what refuses to run, as the script asks for."""
    script = re.sub(r"<fill in [^>]*>", "filled-in", script)
    return re.sub(r"(?m)^say .*unsafe until you fill in.* unsafe=1$", "", script)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_script_brings_every_kind_of_change_back(kind: str, tmp_path: Path) -> None:
    reverted = 0
    for number, (declared, live) in enumerate(examples(kind)):
        if reverted == WANTED or number == 10 * WANTED:
            break
        live = {**live, "id": ID.format(number % 10), "name": declared["name"]}
        (tmp_path / "a.yaml").write_text(json.dumps({"deployments": [declared]}))
        with running(create_app([live], Behaviour(writable=True))) as url:
            reverted += is_reverted(tmp_path, {"LANGGRAPH_HOST_URL": url, "LANGSMITH_API_KEY": "lsv2_sk_0"})
    assert reverted


def is_reverted(folder: Path, env: dict[str, str]) -> bool:
    """Plan, send and check; returns whether the service took every request."""
    plan = run_inside("plan", "a.yaml", "-o", "json=plan.json", "-o", "sh", cwd=folder, env=env)
    assert plan.status == 1, plan.output
    record = json.loads((folder / "plan.json").read_text())
    if not record["steps"] or any(step["effect"] == "recreate" for step in record["steps"]):
        return False
    sent = subprocess.run(
        ["sh"], input=filled(plan.out), text=True, capture_output=True, env={"PATH": os.environ["PATH"], **env}
    )
    if "error: 422" in sent.stderr:  # the rest of a generated declaration may break a rule of the service
        return False
    assert sent.returncode == 0, sent.stderr
    check = json.loads(run_inside("check", "a.yaml", "-o", "json", cwd=folder, env=env).out)
    reasons = [each["reason"] for each in record["not_planned"]]
    reasons += [warning for step in record["steps"] for warning in step["warnings"]]
    left = [change["path"] for each in check["deployments"] for change in each["changes"]]
    for path in left:
        assert any(name in " ".join(reasons) for name in re.findall(r"[a-z_]{4,}", path)[-1:]), (path, record)
    return not left
