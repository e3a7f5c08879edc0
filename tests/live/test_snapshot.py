"""A saved listing is read as the network's answer would be, and written without what may be secret."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import threading
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftcheck import fields
from driftcheck.comparison.diff import compare_with_live
from driftcheck.errors import InputError, LiveError
from driftcheck.live import snapshot as snapshots
from driftcheck.model import REDACTED_MARKER, Deployment, Snapshot
from tests.live.samples import LISTINGS, WORKSPACE, deployment, deployments, load

MARKER = dict(REDACTED_MARKER)


def saved(folder: Path, value: Any) -> Path:
    path = folder / "live.json"
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return path


def page(items: list[Any], offset: Any = None) -> dict[str, Any]:
    return {"resources": items, "offset": len(items) if offset is None else offset}


@pytest.mark.parametrize("path", LISTINGS, ids=lambda path: path.stem)
def test_a_recorded_answer_is_a_whole_listing(path: Path) -> None:
    snapshot = snapshots.read(path)
    assert snapshot.complete
    assert snapshot.source == str(path)
    assert len(snapshot.deployments) == len(load(path)["resources"])
    assert snapshot.pages == 1
    assert "REDACTED-EXAMPLE" not in repr(snapshot)


@pytest.mark.parametrize("path", LISTINGS, ids=lambda path: path.stem)
def test_what_was_written_is_read_back(path: Path, tmp_path: Path) -> None:
    snapshot = snapshots.read(path)
    text = snapshots.write(snapshot)
    back = snapshots.read(saved(tmp_path, text))
    assert snapshots.write(back) == text
    assert text.isascii()
    jsonschema.validate(json.loads(text), fields.schema("snapshot"))


names = st.text(min_size=1, max_size=8)
free_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text("abc \ud800é"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("xyz", max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(
    listed=st.lists(st.tuples(names, free_values), max_size=5),
    gaps=st.lists(st.text(max_size=20), unique=True, max_size=2),
    workspace=st.none() | st.just(WORKSPACE),
)
def test_what_holds_nothing_secret_comes_back_equal(
    tmp_path_factory: pytest.TempPathFactory, listed: list[Any], gaps: list[str], workspace: str | None
) -> None:
    found = [Deployment(name, {"name": name, "id": f"id-{n}", "x": value}) for n, (name, value) in enumerate(listed)]
    snapshot = Snapshot(
        source="https://api.host.langchain.com",
        deployments=tuple(sorted(found, key=lambda one: (one.name, one.id or ""))),
        workspace=workspace,
        fetched_at="2026-01-08T04:05:34Z",
        pages=3,
        requests=5,
        gaps=tuple(gaps),
        scope={"status": "READY"},
    )
    text = snapshots.write(snapshot)
    jsonschema.validate(json.loads(text), fields.schema("snapshot"))
    assert snapshots.read(saved(tmp_path_factory.mktemp("back"), text)) == snapshot


def test_the_order_of_the_listing_does_not_show() -> None:
    found = [Deployment(item["name"], item) for item in deployments(5)]
    one, other = (Snapshot("s", tuple(order)) for order in (found, found[::-1]))
    assert snapshots.write(one) == snapshots.write(other)
    assert snapshots.write(Snapshot("s", ())).endswith('"deployments": []\n}\n')


def test_K5_K6_no_secret_reaches_a_snapshot_file() -> None:
    container = {
        "name": "otel",
        "image": "otel:1",
        "env": [{"name": "A", "value": "canary"}, {"name": "B", "value": None}],
    }
    value = deployment(
        1,
        source_config={
            "repo_url": "https://canary@github.com/acme/x",
            "resource_spec": {
                "sidecars": [container],
                "annotations": {"token": "sk-ant-api03-canarycanarycanary", "ok": "fine"},
            },
            "brand_new": [["postgres://u:canary@host/db"], {"deeper": {"env": [{"name": "C", "value": "canary"}]}}],
        },
    )
    del value["secrets"]
    text = snapshots.write(Snapshot("https://host", (Deployment(value["name"], value),)))
    assert "canary" not in text
    (kept,) = json.loads(text)["deployments"]
    spec = kept["source_config"]["resource_spec"]
    assert spec["sidecars"][0]["env"] == [{"name": "A", "value": MARKER}, {"name": "B", "value": None}]
    assert spec["annotations"] == {"token": MARKER, "ok": "fine"}
    assert kept["source_config"]["repo_url"] == MARKER


@pytest.mark.parametrize(
    "secrets",
    [["odd", ["canary"], 3, None], {"A": "canary"}, [{"name": ["canary"]}, {"name": None}], "canary", None, []],
)
def test_K5_malformed_secrets_are_read_back_as_they_were(tmp_path: Path, secrets: Any) -> None:
    raw = snapshots.read(saved(tmp_path, page([deployment(1, secrets=secrets)])))
    text = snapshots.write(raw)
    jsonschema.validate(json.loads(text), fields.schema("snapshot"))
    assert "canary" not in text
    assert snapshots.read(saved(tmp_path, text)).deployments == raw.deployments


def test_K6_a_key_that_is_a_credential_reaches_no_snapshot_file() -> None:
    keys = {"postgres://u:canary@h": "1", "//u:canary@h": {"a": "2"}, "a": "3", "[redacted]": "4"}
    value = deployment(1, source_config={"resource_spec": {"labels": keys, "list": [keys]}}, secrets=[])
    text = snapshots.write(Snapshot("https://host", (Deployment(value["name"], value),)))
    (kept,) = json.loads(text)["deployments"]
    assert "canary" not in text
    labels = {"[redacted 3]": MARKER, "[redacted 2]": MARKER, "a": "3", "[redacted]": "4"}
    assert kept["source_config"]["resource_spec"] == {"labels": labels, "list": [labels]}


def test_a_single_answer_is_whole_unless_it_is_a_full_page(tmp_path: Path) -> None:
    for count in (0, 1, 19, 21, 99, 101, 450):
        assert snapshots.read(saved(tmp_path, page(deployments(count)))).complete
    for count in (20, 100):
        (gap,) = snapshots.read(saved(tmp_path, page(deployments(count)))).gaps
        assert f"full page of {count}" in gap


def test_a_list_of_answers_is_whole_when_its_last_is_not_full(tmp_path: Path) -> None:
    items = deployments(145)
    for pages in (
        [page(items[:100], 100), page(items[100:], 145)],
        [page(items[:100], 0), page(items[100:], 100)],
        [page(items[:100], 100), page(items[100:], 200)],
        [page(items[:100], 100), page(items[100:], 145), page([], 145)],
        [page(items[:20], 20), page(items[20:40], 40), page([], 40)],
        [{"resources": items[:100]}, {"resources": items[100:]}],
    ):
        assert snapshots.read(saved(tmp_path, pages)).gaps == ()


def test_the_order_of_answers_does_not_matter_where_their_offsets_show_it(tmp_path: Path) -> None:
    items = deployments(145)
    pages = [page(items[:100], 100), page(items[100:], 145), page([], 145)]
    for order in (pages, pages[::-1], [pages[1], pages[2], pages[0]]):
        snapshot = snapshots.read(saved(tmp_path, order))
        assert snapshot.complete
        assert len(snapshot.deployments) == 145


@pytest.mark.parametrize(
    ("pages", "words"),
    [
        ([page(deployments(100), 100)], "full page of 100"),
        ([page(deployments(100), 100), page([deployment(n) for n in range(100, 120)], 120)], "full page of 20"),
        ([page(deployments(100), 0), page([deployment(n) for n in range(100, 150)], 200)], "hole"),
        ([page(deployments(50), 250)], "not the first page"),
        ([page(deployments(50), 50), page([deployment(n) for n in range(50, 100)], 100)], "full page of 50"),
        ([page([], 0), page(deployments(5), 5)], "empty page before"),
        ([page(deployments(20), 20), page([deployment(n) for n in range(40, 47)], 47)], "hole"),
        ([page(deployments(20), 20), page([deployment(n) for n in range(40, 60)], 60), page([], 60)], "hole"),
        ([page(deployments(5), 5), page(deployments(3), 8)], "same id"),
        ([page(deployments(100), 0), {"resources": [deployment(n) for n in range(200, 230)]}], "whole number"),
        ([page(deployments(100), "0"), page([deployment(n) for n in range(200, 230)], "200")], "whole number"),
        ([page(deployments(30), 300.0)], "whole number"),
        (
            [
                {"resources": deployments(100)},
                {"resources": [deployment(n) for n in range(100, 140)]},
                {"resources": [deployment(n) for n in range(200, 230)]},
            ],
            "differ in size",
        ),
        ([page([deployment(1), None], 2)], "Item 2"),
        ([page([deployment(1), {"name": "a"}], 2)], "no id"),
    ],
)
def test_P3_P8_what_a_saved_listing_lacks_is_a_gap(tmp_path: Path, pages: list[Any], words: str) -> None:
    snapshot = snapshots.read(saved(tmp_path, pages))
    assert words in "".join(snapshot.gaps)
    assert not snapshot.complete


def test_a_size_that_may_have_been_a_limit_is_a_warning(tmp_path: Path) -> None:
    for count in (10, 50, 200):
        snapshot = snapshots.read(saved(tmp_path, page(deployments(count))))
        assert snapshot.complete
        (warning,) = snapshot.warnings
        assert f"exactly {count}" in warning
    assert snapshots.read(saved(tmp_path, page(deployments(21)))).warnings == ()


def test_a_snapshot_keeps_scope_workspace_target_and_warnings(tmp_path: Path) -> None:
    snapshot = Snapshot(
        "https://host", (), workspace=WORKSPACE, scope={"status": "READY"}, warnings=("Odd.",), target="staging"
    )
    text = snapshots.write(snapshot)
    jsonschema.validate(json.loads(text), fields.schema("snapshot"))
    assert snapshots.read(saved(tmp_path, text)) == snapshot


LEAVES = st.one_of(st.booleans(), st.integers(), st.text("abc", min_size=1))
TEXTS = st.dictionaries(st.sampled_from(["env", "secrets", "value", "name", "team"]), st.text("abc"), max_size=3)
FREE = st.dictionaries(st.sampled_from(["env", "secrets", "value", "gpu"]), LEAVES, max_size=3)


@given(
    labels=st.tuples(TEXTS, TEXTS),
    args=st.tuples(*[st.lists(st.text("abc"), max_size=2)] * 2),
    free=st.tuples(FREE, FREE),
)
def test_every_change_outside_of_secrets_shows_in_two_snapshots(
    labels: tuple[Any, Any], args: tuple[Any, Any], free: tuple[Any, Any]
) -> None:
    def written(side: int) -> str:
        sidecar = {"name": "s", "image": "s:1", "args": args[side], "env": [{"name": "A", "value": str(side)}]}
        spec = {"labels": labels[side], "annotations": labels[side], "sidecars": [sidecar]}
        value = {"name": "a", "id": "1", "source_config": {"resource_spec": spec}, **free[side]}
        value["secrets"] = [{"name": "B"}]
        return snapshots.write(Snapshot("s", (Deployment("a", value),)))

    is_equal = labels[0] == labels[1] and args[0] == args[1]
    is_equal = is_equal and json.dumps({**free[0], "secrets": 0}, sort_keys=True) == json.dumps(
        {**free[1], "secrets": 0}, sort_keys=True
    )
    assert (json.loads(written(0)) == json.loads(written(1))) is is_equal


def test_P10_a_saved_listing_of_two_workspaces_is_an_error(tmp_path: Path) -> None:
    path = saved(tmp_path, page([deployment(1), deployment(2, tenant_id="other")]))
    with pytest.raises(LiveError, match=r"live\.json.*several workspaces"):
        snapshots.read(path)


def snapshot_file(**changes: Any) -> dict[str, Any]:
    value = json.loads(snapshots.write(Snapshot("https://host", (Deployment("a", deployment(1, name="a")),))))
    return {key: value for key, value in {**value, **changes}.items() if value is not ...}


def test_an_incomplete_snapshot_stays_incomplete(tmp_path: Path) -> None:
    snapshot = Snapshot("https://host", (), gaps=("It broke off.",))
    assert snapshots.read(saved(tmp_path, snapshots.write(snapshot))).gaps == ("It broke off.",)
    for changes in ({"complete": False}, {"complete": ...}, {"complete": None}):
        assert not snapshots.read(saved(tmp_path, snapshot_file(**changes))).complete


def test_a_later_minor_version_is_read_and_another_major_one_refused(tmp_path: Path) -> None:
    assert snapshots.read(saved(tmp_path, snapshot_file(format_version="1.7", brand_new=1))).complete
    with pytest.raises(InputError, match="another version of driftcheck"):
        snapshots.read(saved(tmp_path, snapshot_file(format_version="2.0")))


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "driftcheck-report"},
        {"format_version": ...},
        {"format_version": 1},
        {"deployments": ...},
        {"deployments": {}},
        {"gaps": "x"},
        {"gaps": [1]},
        {"scope": []},
        {"scope": {"a": 1}},
        {"source": 5},
        {"workspace": []},
        {"fetched_at": 1},
        {"pages": -1},
        {"requests": True},
    ],
)
def test_a_snapshot_that_is_malformed_is_refused_with_the_files_name(tmp_path: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"live\.json is not a saved listing") as caught:
        snapshots.read(saved(tmp_path, snapshot_file(**changes)))
    assert caught.value.hint


@pytest.mark.parametrize(
    "content",
    [
        "",
        "null",
        "[]",
        "5",
        '{"detail": "Forbidden"}',
        '[{"name": "a"}]',
        '{"resources": null, "offset": 0}',
        '{"resources": [], "offset": NaN}',
        '{"resources": [], "resources": []}',
        '{"resources": [' + "[" * 100_000,
        "<html>",
        "deployments:\n  - name: canary\n",
    ],
)
def test_D1_a_file_that_is_not_a_listing_is_reported_and_not_quoted(tmp_path: Path, content: str) -> None:
    with pytest.raises(InputError, match=r"live\.json") as caught:
        snapshots.read(saved(tmp_path, content))
    assert "canary" not in str(caught.value)


def test_R5_devices_and_folders_are_refused(tmp_path: Path) -> None:
    for path in (Path("/dev/zero"), tmp_path, tmp_path / "absent", Path("nul\0")):
        with pytest.raises(InputError, match="can't be read"):
            snapshots.read(path)


def test_a_pipe_and_standard_input_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = json.dumps(page(deployments(3))).encode()
    os.mkfifo(tmp_path / "fifo")
    threading.Thread(target=(tmp_path / "fifo").write_bytes, args=(data,), daemon=True).start()
    assert len(snapshots.read(tmp_path / "fifo").deployments) == 3
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
    snapshot = snapshots.read("-")
    assert len(snapshot.deployments) == 3
    assert snapshot.source == "standard input"


def test_a_file_too_large_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "MAX_FILE_BYTES", 1024)
    with pytest.raises(InputError, match="larger than"):
        snapshots.read(saved(tmp_path, page(deployments(10))))


def test_other_saved_texts_are_read_by_the_same_rules(tmp_path: Path) -> None:
    assert snapshots.read_text(saved(tmp_path, "text")) == "text"
    (tmp_path / "latin").write_bytes(b"\xe9")
    for path in (tmp_path, tmp_path / "absent", tmp_path / "latin"):
        with pytest.raises(InputError, match="can't be read"):
            snapshots.read_text(path)


def test_a_snapshot_says_where_it_came_from_as_the_network_would(tmp_path: Path) -> None:
    snapshot = Snapshot("https://host", (), workspace=WORKSPACE, fetched_at="2026-01-08T04:05:34Z", pages=1, requests=2)
    assert snapshots.read(saved(tmp_path, snapshots.write(snapshot))) == dataclasses.replace(snapshot)


def test_K5_secrets_of_unknown_fields_are_not_saved() -> None:
    value = {"id": "1", "name": "a", "unknown": {"secrets": [{"name": "X", "value": "canary"}]}}
    text = snapshots.write(Snapshot("somewhere", (Deployment("a", value),)))
    assert "canary" not in text
    assert '"X"' in text


CREDENTIAL = "https://user:canary@host/x"


@pytest.mark.parametrize(
    ("change", "shows"),
    [
        ({"source_config": {"resource_spec": "odd"}}, "drift"),
        ({"source_config": {"resource_spec": {"sidecars": {}}}}, "in_sync"),
        ({"source_config": {"resource_spec": {"sidecars": [{"name": "s", "image": "i", "env": {}}]}}}, "drift"),
        ({"source_config": {"repo_branch": CREDENTIAL}, "source_revision_config": {"repo_ref": "main"}}, "drift"),
        ({"display_name": CREDENTIAL}, "drift"),
        ({"source_config": {"env": {"a": [CREDENTIAL]}}}, "in_sync"),
    ],
)
def test_a_strict_check_of_a_snapshot_ends_as_one_of_the_listing(
    tmp_path: Path, change: dict[str, Any], shows: str
) -> None:
    """A redacted value of a snapshot was set, and an empty one is not redacted; written again, the file is the same."""
    value = {"name": "a", "id": "1", "source": "github", "secrets": [], **change}
    declared = {"name": "a", "source": "github"}
    listed = Snapshot("s", (Deployment("a", value),))
    text = snapshots.write(listed)
    again = snapshots.read(saved(tmp_path, text))
    for seen in (listed, again):
        found = compare_with_live(declared, seen.deployments[0].value, strict=True)
        assert ("drift" if found.differences else "in_sync") == shows
    assert snapshots.write(again) == text
    assert "canary" not in text


def test_a_redacted_branch_is_unverifiable(tmp_path: Path) -> None:
    value = {"name": "a", "id": "1", "source": "github", "source_config": {"repo_branch": CREDENTIAL}}
    value["source_revision_config"] = {"repo_ref": "main"}
    text = snapshots.write(Snapshot("s", (Deployment("a", value),)))
    (seen,) = snapshots.read(saved(tmp_path, text)).deployments
    declared = {"name": "a", "source_revision_config": {"repo_ref": "main"}}
    found = compare_with_live(declared, seen.value)
    assert found.unverifiable == [("source_revision_config", "repo_ref")]


def test_an_empty_file_is_reported_as_empty(tmp_path: Path) -> None:
    (tmp_path / "empty.json").write_text(" \n")
    with pytest.raises(InputError, match="is empty") as raised:
        snapshots.read(tmp_path / "empty.json")
    assert "driftcheck snapshot" in str(raised.value.hint)
    with pytest.raises(InputError, match="no such file") as raised:
        snapshots.read_text(tmp_path / "missing.json")
    assert "-o json=FILE" in str(raised.value.hint)
