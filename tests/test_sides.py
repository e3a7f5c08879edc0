"""Both sides of a run: read at the same time; a live side that can't be read is a value, not an end."""

from __future__ import annotations

import io
import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from driftcheck import sides
from driftcheck.errors import DriftcheckError, LiveError, UsageError
from driftcheck.model import Declarations, Snapshot
from driftcheck.settings import Access, Settings, Workspace
from tests.cli.workspace import external, serving

NOTHING_TO_ASK = Access("http://127.0.0.1:9", None)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.yaml").write_text("deployments: [{name: a, source: external_docker}]\n")
    (tmp_path / "live.json").write_text(json.dumps({"resources": [{"name": "a", "id": "1"}], "offset": 1}))
    return tmp_path


def settings(*paths: str, live: str | None = "live.json", access: Access | None = None, **terms: object) -> Settings:
    return replace(Settings("check", paths=paths, live=live, access=access), **terms)  # type: ignore[arg-type]


def access(environment: dict[str, str]) -> Access:
    return Access(environment["LANGGRAPH_HOST_URL"], environment["LANGSMITH_API_KEY"], allow_http=True)


def read(*chosen: Settings) -> list[tuple[Declarations, Snapshot | DriftcheckError]]:
    return sides.read([(each, None) for each in chosen], lambda _deployments: None)


def names(side: Declarations | Snapshot | DriftcheckError) -> list[str]:
    assert isinstance(side, Declarations | Snapshot)
    return [each.name for each in side.deployments]


def test_each_run_gets_its_own_two_sides(folder: Path) -> None:
    (folder / "b.yaml").write_text("deployments: [{name: b, source: github}]\n")
    (folder / "other.json").write_text(json.dumps({"resources": [{"name": "c", "id": "1"}], "offset": 1}))
    first, second = read(settings("a.yaml"), settings("b.yaml", live="other.json"))
    assert [names(side) for side in first] == [["a"], ["a"]]
    assert [names(side) for side in second] == [["b"], ["c"]]


def test_a_run_without_paths_declares_nothing(folder: Path) -> None:
    ((declared, live),) = read(settings())
    assert declared == Declarations()
    assert names(live) == ["a"]


def test_a_live_side_that_can_not_be_read_is_returned_as_its_error(folder: Path) -> None:
    ((declared, live), (_, other)) = read(settings("a.yaml", live=None, access=NOTHING_TO_ASK), settings("a.yaml"))
    assert names(declared) == ["a"]
    assert isinstance(live, LiveError)
    assert "no API key" in live.message
    assert names(other) == ["a"]


def test_declarations_that_can_not_be_read_end_the_run(folder: Path) -> None:
    with pytest.raises(UsageError, match=r"missing\.yaml"):
        read(settings("a.yaml"), settings("missing.yaml"))


def test_the_listing_counts_for_the_progress(folder: Path) -> None:
    seen: list[int] = []
    with serving([external(name, number) for number, name in enumerate("ab", 1)]) as environment:
        asking = settings("a.yaml", live=None, access=access(environment))
        ((_, live), (_, again)) = sides.read([(asking, None), (asking, None)], seen.append)
    assert names(live) == names(again) == ["a", "b"]
    assert max(seen) == 4


def test_a_saved_listing_of_another_workspace_is_refused(folder: Path) -> None:
    saved = json.loads((folder / "live.json").read_text())
    saved["resources"][0]["tenant_id"] = "11111111-1111-4111-8111-111111111111"
    (folder / "live.json").write_text(json.dumps(saved))
    asked = Workspace("22222222-2222-4222-8222-222222222222", "--workspace", "Name another workspace.")
    ((_, live),) = read(settings("a.yaml", workspace=asked))
    assert isinstance(live, DriftcheckError)
    assert "--workspace" in f"{live.message} {live.hint}"


def test_standard_input_is_a_file_of_declarations(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stdin = io.TextIOWrapper(io.BytesIO((folder / "a.yaml").read_bytes()))
    monkeypatch.setattr(sys, "stdin", stdin)
    assert names(sides.read_declarations(settings("-"))) == ["a"]


def test_a_closed_standard_input_is_a_usage_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(UsageError, match="standard input is closed"):
        sides.read_declarations(settings("-"))


def test_a_live_side_that_was_not_read_is_one_gap_with_the_reason(folder: Path) -> None:
    error = LiveError("the API key is not accepted (401).", hint="Create another one.")
    error.requests = 2
    unread = sides.unread_snapshot(settings(live=None, access=NOTHING_TO_ASK), error)
    assert unread.gaps == ("the API key is not accepted (401). Create another one.",)
    assert (unread.source, unread.requests, unread.deployments) == ("http://127.0.0.1:9", 2, ())
    assert not unread.complete
