"""The library: load, fetch, check and render."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import driftcheck
from driftcheck.errors import LiveError, UsageError
from tests.cli.test_exit_status import IN_SYNC, declare, listing
from tests.cli.workspace import KEY, external, serving


@pytest.fixture
def declared(tmp_path: Path) -> str:
    (tmp_path / "deployments.yaml").write_text(declare(cpu=2))
    (tmp_path / "live.json").write_text(listing(IN_SYNC))
    return str(tmp_path / "deployments.yaml")


def test_a_saved_listing_is_checked_and_rendered(declared: str, tmp_path: Path) -> None:
    report = driftcheck.check(driftcheck.load([declared]), driftcheck.fetch(str(tmp_path / "live.json")))
    assert report.outcome.value == "drift"
    assert json.loads(driftcheck.render(report, "json"))["summary"]["changes"] == 1
    assert "agent" in driftcheck.render(report)
    with pytest.raises(ValueError, match="unknown format"):
        driftcheck.render(report, "yaml")


def test_a_service_is_asked(declared: str) -> None:
    declarations = driftcheck.load([declared])
    with serving([external("agent", 1)]) as env:
        connection = driftcheck.Connection(endpoint=env["LANGGRAPH_HOST_URL"], api_key=KEY)
        snapshot = driftcheck.fetch(connection, declared=declarations)
        audit = driftcheck.check(declarations, snapshot, audit=True)
        with pytest.raises(LiveError):
            driftcheck.fetch(driftcheck.Connection(endpoint=env["LANGGRAPH_HOST_URL"], api_key="another-key"))
    assert snapshot.complete
    assert audit.command == "audit"


def test_errors_are_raised(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        driftcheck.load([str(tmp_path / "nothing")])
    with pytest.raises(AttributeError):
        driftcheck.nothing  # noqa: B018


def test_names_are_those_promised_and_nothing_is_imported_early() -> None:
    program = "import sys, driftcheck; print(*(name for name in sys.modules if name.startswith('driftcheck.')))"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.split() in ([], ["driftcheck._version"])
    assert all(callable(getattr(driftcheck, name)) for name in driftcheck.__all__)
