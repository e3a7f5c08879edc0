"""Which commits a change is compared with, in real repositories: names, merge refs, clones, checkouts, environments."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from driftcheck.errors import BaseError
from tests.cli.inside import Result, run_inside
from tests.repositories import Repository

GATED = ("--gate", "drift,conflict,elsewhere")


def agent(name: str, maximum: int = 1, cpu: int = 1) -> str:
    return (
        f"deployments:\n  - name: {name}\n    source: external_docker\n    source_config:\n      resource_spec:\n"
        f"        max_scale: {maximum}\n        cpu: {cpu}\n"
        "    source_revision_config:\n      image_uri: registry.example.com/agent:1.0.0\n"
    )


def live_agent(name: str, maximum: int = 1, cpu: int = 1) -> dict[str, Any]:
    return {
        "name": name,
        "id": f"id-of-{name}",
        "source": "external_docker",
        "source_config": {"resource_spec": {"max_scale": maximum, "cpu": cpu}},
        "source_revision_config": {"image_uri": "registry.example.com/agent:1.0.0"},
        "secrets": [],
    }


def check(folder: Path, base: str, *live: dict[str, Any], options: tuple[str, ...] = ()) -> Result:
    file = folder.parent / "live.json"
    file.write_text(json.dumps({"resources": list(live), "offset": len(live)}))
    return run_inside("check", "--live", str(file), "--base", base, "-o", "json", *options, cwd=folder)


def classes(result: Result) -> dict[str, str]:
    """Return the class of each change, and the rule of each deployment that is missing or not declared."""
    report = json.loads(result.out)
    found = {f"{d['name']}.{c['path'].split('.')[-1]}": c["class"] for d in report["deployments"] for c in d["changes"]}
    return found | {f["deployment"]: f["rule"] for f in report["findings"] if f["deployment"] and not f["path"]}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two agents on `main`; `change`, checked out, alters the second one."""
    folder = tmp_path_factory.mktemp("prepared")
    made = Repository(folder / "repository")
    made.write("deployments/a.yaml", agent("a"))
    made.write("deployments/b.yaml", agent("b"))
    made.commit()
    made.git("switch", "--quiet", "--create", "change")
    made.write("deployments/b.yaml", agent("b", cpu=2))
    made.commit()
    return made.folder


@pytest.fixture
def repository(prepared: Path, tmp_path: Path) -> Repository:
    return Repository(tmp_path / "repository", copied_from=prepared)


def move_main(repository: Repository, text: str, file: str = "deployments/a.yaml") -> None:
    repository.git("switch", "--quiet", "main")
    repository.write(file, text)
    repository.commit()
    repository.git("switch", "--quiet", "change")


# --- names ---


@pytest.mark.parametrize(
    ("refs", "base", "named"),
    [
        (["refs/tags/main"], "main", ["refs/heads/main", "refs/tags/main"]),
        (
            ["refs/remotes/origin/main", "refs/tags/origin/main"],
            "origin/main",
            ["refs/remotes/origin/main", "refs/tags"],
        ),
        (
            ["refs/remotes/origin/main", "refs/heads/origin/main"],
            "origin/main",
            ["refs/remotes/origin/main", "refs/heads"],
        ),
        (["refs/tags/origin/main"], "origin/main", ["looks like a branch of origin", "refs/tags/origin/main"]),
        (["refs/heads/origin/main"], "origin/main", ["looks like a branch of origin", "refs/heads/origin/main"]),
        (["refs/remotes/main/HEAD"], "main", ["refs/heads/main", "refs/remotes/main/HEAD"]),
        (["refs/tags/main"], "main~0", ["refs/heads/main", "refs/tags/main"]),
        (["refs/main"], "main^{commit}", ["refs/heads/main", "refs/main"]),
        (["refs/tags/FETCH_HEAD"], "FETCH_HEAD", ["git uses itself", "refs/tags/FETCH_HEAD"]),
        (["refs/heads/ORIG_HEAD"], "ORIG_HEAD~1", ["git uses itself", "refs/heads/ORIG_HEAD"]),
    ],
)
def test_a_name_of_several_refs_is_a_usage_error_that_names_them(
    repository: Repository, refs: list[str], base: str, named: list[str]
) -> None:
    for ref in refs:
        repository.git("update-ref", ref, "HEAD")
    result = check(repository.folder, base, live_agent("a"), live_agent("b"))
    assert result.status == 2
    assert all(each in result.err for each in named), result.err


@pytest.mark.parametrize("ref", ["refs/tags/origin/main", "refs/heads/origin/main"])
def test_what_the_author_pushed_is_not_recommended(repository: Repository, ref: str) -> None:
    for each in ("refs/remotes/origin/main", ref):
        repository.git("update-ref", each, "HEAD")
    assert "such as --base refs/remotes/origin/main." in check(repository.folder, "origin/main").err


def test_a_branch_behind_a_change_of_policy_is_not_blamed_for_it(repository: Repository) -> None:
    rule = "ignore: [{deployment: a, path: source_config.resource_spec.cpu, reason: load test}]\n"
    repository.git("switch", "--quiet", "main")
    repository.write("driftcheck.yaml", "paths: [deployments]\nstrict: true\n" + rule)
    repository.write("deployments/c.yaml", rule)
    repository.commit()
    repository.git("switch", "--quiet", "change")
    behind = check(repository.folder, "main", live_agent("a"), live_agent("b"))
    assert "policy-changed" not in behind.out
    repository.git("merge", "--quiet", "--no-edit", "main")
    assert "policy-changed" not in check(repository.folder, "main", live_agent("a"), live_agent("b")).out
    repository.write("driftcheck.yaml", "paths: [deployments]\n")
    assert behind.out.count("policy-changed") == 0
    found = json.loads(check(repository.folder, "main", live_agent("a"), live_agent("b")).out)["findings"]
    assert sorted(each["message"].split(",")[0] for each in found if each["rule"] == "policy-changed") == [
        "The change under review alters driftcheck.yaml.",
        "The change under review removes ignore rules",
    ]


def test_a_sparse_checkout_without_declarations_is_not_a_change_of_policy(
    repository: Repository, tmp_path: Path
) -> None:
    repository.write("other/readme.txt", "text")
    repository.commit()
    repository.git("sparse-checkout", "set", "--cone", "other")
    result = check(repository.folder, "main", live_agent("a"), live_agent("b"))
    assert (result.status, classes(result)) == (0, {"b.cpu": "proposed"})
    assert "policy-changed" not in result.out


def test_a_link_to_the_declarations_makes_none_of_them_new(repository: Repository) -> None:
    (repository.folder / "link").symlink_to("deployments")
    file = repository.folder.parent / "live.json"
    file.write_text(json.dumps({"resources": [live_agent("a", maximum=9), live_agent("b")], "offset": 2}))
    result = run_inside("check", "link", "--live", str(file), "--base", "main", "-o", "json", cwd=repository.folder)
    assert classes(result) == {"a.max_scale": "elsewhere", "b.cpu": "proposed"}


def test_a_commit_that_a_shallow_clone_lacks_is_not_a_usage_error(repository: Repository, tmp_path: Path) -> None:
    old = repository.git("rev-parse", "main").strip()
    clone = tmp_path / "clone"
    repository.git("clone", "--quiet", "--depth=1", f"file://{repository.folder}", str(clone))
    result = check(clone, old, live_agent("a"))
    assert result.status == 3
    assert "git fetch --unshallow" in result.err


def test_an_abbreviated_commit_that_is_also_a_branch_is_ambiguous(repository: Repository) -> None:
    short = repository.git("rev-parse", "--short=8", "main")
    repository.git("branch", short, "HEAD")
    result = check(repository.folder, short, live_agent("a"), live_agent("b"))
    assert result.status == 2
    assert f"refs/heads/{short}" in result.err


@pytest.mark.parametrize("base", ["refs/heads/main", "refs/remotes/origin/main", "origin/main"])
def test_a_full_name_and_a_remote_branch_are_never_a_tag_or_branch_of_that_name(
    repository: Repository, base: str
) -> None:
    repository.git("update-ref", "refs/remotes/origin/main", "main")
    for ref in ("refs/tags/refs/heads/main", "refs/heads/refs/remotes/origin/main", "refs/tags/remotes/origin/main"):
        repository.git("update-ref", ref, "HEAD")
    result = check(repository.folder, base, live_agent("a"), live_agent("b"))
    assert (result.status, classes(result)) == (0, {"b.cpu": "proposed"})


def test_a_file_of_the_branch_s_name_is_not_a_revision(repository: Repository) -> None:
    for name in ("main", "origin/main", "HEAD"):
        repository.write(name, "text\n")
    result = check(repository.folder, "main", live_agent("a"), live_agent("b"))
    assert (result.status, classes(result)) == (0, {"b.cpu": "proposed"})


# --- merge refs ---

GITHUB = {"GITHUB_ACTIONS": "true", "GITHUB_REF": "refs/pull/7/merge"}


@pytest.fixture
def merged(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """What a platform checks out: `change` merged into `main`, which has moved since the event; live has not."""
    for name in ("GITHUB_ACTIONS", "GITHUB_REF", "GITHUB_SHA", "CI_MERGE_REQUEST_EVENT_TYPE", "CI_COMMIT_SHA"):
        monkeypatch.delenv(name, raising=False)
    repository.git("tag", "event", "main")
    move_main(repository, agent("a", maximum=4))
    repository.git("switch", "--quiet", "--detach", "main")
    repository.git("merge", "--quiet", "--no-ff", "--no-edit", "change")
    return repository


def test_the_first_parent_of_a_platform_s_merge_is_the_tip(merged: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**GITHUB, "GITHUB_SHA": merged.git("rev-parse", "HEAD")}.items():
        monkeypatch.setenv(name, value)
    result = check(merged.folder, "event", live_agent("a"), live_agent("b"))
    assert classes(result) == {"a.max_scale": "elsewhere", "b.cpu": "proposed"}


@pytest.mark.parametrize("variables", [{}, GITHUB, {**GITHUB, "GITHUB_SHA": "0" * 40}])
def test_elsewhere_the_author_controls_head_and_its_parents_are_not_trusted(
    merged: Repository, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    result = check(merged.folder, "event", live_agent("a"), live_agent("b"))
    assert classes(result) == {"a.max_scale": "proposed", "b.cpu": "proposed"}


def test_a_first_parent_that_does_not_descend_from_the_base_is_not_the_tip(
    merged: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = merged.git("rev-parse", "HEAD")
    for name, value in {**GITHUB, "GITHUB_SHA": head}.items():
        monkeypatch.setenv(name, value)
    merged.git("branch", "newer", "main")
    merged.git("switch", "--quiet", "newer")
    merged.write("deployments/a.yaml", agent("a", maximum=9))
    merged.commit()
    merged.git("switch", "--quiet", "--detach", head)
    result = check(merged.folder, "newer", live_agent("a", maximum=9), live_agent("b"))
    assert classes(result) == {"a.max_scale": "outdated", "b.cpu": "proposed"}


# --- policy ---


def test_R8_the_policy_of_an_old_commit_is_not_in_force(repository: Repository) -> None:
    """The change began at an old commit with `fail-on: never`."""
    repository.git("switch", "--quiet", "main")
    repository.write("driftcheck.yaml", "fail-on: never\n")
    repository.commit()
    repository.git("branch", "--force", "change", "main")
    (repository.folder / "driftcheck.yaml").unlink()
    repository.commit()
    repository.git("switch", "--quiet", "change")
    repository.write("deployments/a.yaml", agent("a", cpu=2))
    repository.commit()
    result = check(repository.folder, "main", live_agent("a", maximum=9), live_agent("b"))
    assert result.status == 1
    assert classes(result) == {"a.max_scale": "drift", "a.cpu": "proposed"}


def test_R8_the_policy_of_a_commit_that_was_never_a_tip_is_not_in_force(repository: Repository) -> None:
    """The change began at a commit of another branch that had loose rules for a while and was merged without them."""
    repository.git("switch", "--quiet", "--create", "other", "main")
    repository.write("driftcheck.yaml", "ignore: [{path: '*.*.max_scale', reason: trial}]\npaths: [elsewhere]\n")
    repository.commit()
    repository.git("branch", "--force", "change", "other")
    (repository.folder / "driftcheck.yaml").unlink()
    repository.commit()
    repository.git("switch", "--quiet", "main")
    repository.git("merge", "--quiet", "--no-ff", "--no-edit", "other")
    repository.git("switch", "--quiet", "change")
    repository.write("deployments/a.yaml", agent("a", cpu=2))
    repository.write("elsewhere/c.yaml", agent("c"))
    repository.commit()
    result = check(repository.folder, "main", live_agent("a", maximum=9), live_agent("b"))
    assert result.status == 1
    assert json.loads(result.out)["summary"]["suppressed"] == 0
    assert classes(result)["a.max_scale"] == "drift"


TARGETS = """targets:
  staging: {paths: [deployments/a.yaml]}
  production: {paths: [deployments/b.yaml], name_suffix: -prod}
"""


@pytest.mark.parametrize(
    "proposed",
    [
        "paths: [deployments/a.yaml]\n",
        "targets: {staging: {paths: [deployments/a.yaml]}}\n",
        TARGETS.replace("-prod", "-other"),
        TARGETS + "  more: {paths: [deployments/a.yaml]}\n",
        None,
    ],
)
def test_R8_the_targets_of_the_tip_are_in_force(repository: Repository, proposed: str | None) -> None:
    move_main(repository, TARGETS, "driftcheck.yaml")
    repository.git("merge", "--quiet", "--no-edit", "main")
    if proposed is None:
        (repository.folder / "driftcheck.yaml").unlink()
    else:
        repository.write("driftcheck.yaml", proposed)
    repository.commit()
    file = repository.folder.parent / "live.json"
    live = [live_agent("a"), live_agent("b-prod", maximum=9)]
    file.write_text(json.dumps({"resources": live, "offset": len(live)}))
    options = ("--live", f"staging={file}", "--live", f"production={file}", "--base", "main", "-o", "json")
    result = run_inside("check", *options, cwd=repository.folder)
    if proposed is not None and "production" not in proposed and "targets" in proposed:
        assert result.status == 2  # the options name a target that the change removes
        return
    assert result.status == 1
    report = json.loads(result.out)
    assert {target["name"] for target in report["targets"]} == {"staging", "production"}
    assert classes(result)["b-prod.max_scale"] == "drift"
    assert "policy-changed" in {finding["rule"] for finding in report["findings"]}


# --- histories ---


def test_a_branch_behind_its_base_is_outdated_in_what_was_carried_out(repository: Repository) -> None:
    move_main(repository, agent("a", maximum=4))
    repository.git("switch", "--quiet", "main")
    repository.git("rm", "--quiet", "deployments/b.yaml")
    repository.write("deployments/c.yaml", agent("c"))
    repository.commit()
    repository.git("switch", "--quiet", "change")
    repository.git("reset", "--quiet", "--hard", "HEAD~1")
    repository.write("deployments/d.yaml", agent("d"))
    repository.commit()
    result = check(repository.folder, "main", live_agent("a", maximum=4), live_agent("c"))
    assert result.status == 0
    assert classes(result) == {
        "a.max_scale": "outdated",
        "b": "outdated-deployment",
        "c": "outdated-deployment",
        "d": "proposed-creation",
    }
    assert json.loads(result.out)["outcome"]["name"] == "passed"


def test_a_branch_that_is_only_behind_is_called_outdated_and_fails_no_case(repository: Repository) -> None:
    move_main(repository, agent("a", maximum=4))
    repository.git("switch", "--quiet", "main")
    repository.git("rm", "--quiet", "deployments/b.yaml")
    repository.commit()
    repository.git("switch", "--quiet", "change")
    repository.git("reset", "--quiet", "--hard", "HEAD~1")
    options = ("-o", "text=report.txt", "-o", "junit=report.xml", "-o", "markdown=report.md", "-o", "html=report.html")
    result = check(repository.folder, "main", live_agent("a", maximum=4), options=options)
    assert result.status == 0
    text = (repository.folder / "report.txt").read_text()
    assert "Passed: 2 deployments are outdated, merge the base branch." in text
    assert not {"drifted", "missing", "adopt"} & set(text.split())
    assert "<failure" not in (repository.folder / "report.xml").read_text()
    for name in ("report.md", "report.html"):
        assert "utdated" in (repository.folder / name).read_text()


def test_a_deployment_that_is_missing_elsewhere_fails_no_case(repository: Repository) -> None:
    options = ("-o", "junit=report.xml")
    result = check(repository.folder, "main", live_agent("b", cpu=1), options=options)
    assert result.status == 0
    assert "<failure" not in (repository.folder / "report.xml").read_text()


def test_what_both_sides_of_a_criss_cross_declare_is_not_proposed(repository: Repository) -> None:
    """Each of the two merge bases lacks one of the edits."""
    repository.git("switch", "--quiet", "main")
    repository.write("deployments/a.yaml", agent("a", maximum=4))
    first = repository.commit()
    second = repository.git("rev-parse", "change")
    repository.git("merge", "--quiet", "--no-edit", second)
    repository.git("switch", "--quiet", "change")
    repository.git("merge", "--quiet", "--no-edit", first)
    repository.write("deployments/b.yaml", agent("b", cpu=3))
    repository.commit()
    assert len(repository.commits().merge_bases) == 2
    result = check(repository.folder, "main", live_agent("a"), live_agent("b", cpu=2))
    assert classes(result) == {"a.max_scale": "elsewhere", "b.cpu": "proposed"}
    assert check(repository.folder, "main", live_agent("a"), live_agent("b", cpu=2), options=GATED).status == 1


@pytest.mark.parametrize("how", ["glob", "folder", "one file"])
def test_an_entry_that_moved_to_another_file_is_not_new(repository: Repository, how: str) -> None:
    repository.git("switch", "--quiet", "--create", "move", "main")
    moved = agent("b").removeprefix("deployments:\n") + agent("a", cpu=2).removeprefix("deployments:\n")
    (repository.folder / "deployments" / "a.yaml").unlink()
    repository.write("deployments/b.yaml", f"deployments:\n{moved}")
    repository.commit()
    paths = {"glob": ("deployments/*.yaml",), "folder": ("deployments",), "one file": ("deployments/b.yaml",)}[how]
    result = check(repository.folder, "main", live_agent("b"), options=paths)
    assert (result.status, classes(result)) == (1, {"a": "missing-deployment"})


def test_an_entry_that_moved_to_a_file_that_is_not_named_is_not_removed(repository: Repository) -> None:
    kept = agent("c")
    repository.git("switch", "--quiet", "--create", "move", "main")
    moved = agent("b").removeprefix("deployments:\n") + agent("a").removeprefix("deployments:\n")
    repository.write("deployments/a.yaml", kept)
    repository.write("deployments/b.yaml", f"deployments:\n{moved}")
    repository.commit()
    live = (live_agent("a"), live_agent("b"), live_agent("c"))
    moved_away = check(repository.folder, "main", *live, options=("deployments/a.yaml", "--verbose"))
    assert "proposed-removal" not in classes(moved_away).values()
    repository.write("deployments/b.yaml", agent("b"))
    repository.commit()
    removed = check(repository.folder, "main", *live, options=("deployments/a.yaml", "--verbose"))
    assert classes(removed)["a"] == "proposed-removal"


def test_an_entry_that_another_file_still_declares_is_new_where_it_was_added(repository: Repository) -> None:
    repository.write("production/a.yaml", agent("a"))
    repository.commit()
    result = check(repository.folder, "main", live_agent("x"), options=("production/a.yaml",))
    assert classes(result)["a"] == "proposed-creation"


def test_a_field_that_is_no_longer_declared_though_it_drifted_is_reported(repository: Repository) -> None:
    repository.write("deployments/a.yaml", agent("a").replace("        max_scale: 1\n", ""))
    repository.commit()
    quiet = check(repository.folder, "main", live_agent("a"), live_agent("b"))
    assert json.loads(quiet.out)["findings"] == []
    result = check(repository.folder, "main", live_agent("a", maximum=9), live_agent("b"))
    [found] = json.loads(result.out)["findings"]
    assert (found["rule"], found["path"]) == ("declaration-removed", "source_config.resource_spec.max_scale")
    assert json.loads(result.out)["outcome"]["name"] == "passed"


# --- clones and checkouts ---


def clone(repository: Repository, folder: Path, *options: str) -> Repository:
    url = repository.folder.as_uri()
    subprocess.run(["git", "clone", "--quiet", *options, url, str(folder)], check=True, capture_output=True)
    made = Repository.__new__(Repository)
    made.folder = folder
    return made


def test_a_shallow_clone_does_not_take_an_older_ancestor(repository: Repository, tmp_path: Path) -> None:
    """The true merge base is cut off on one side; an older commit is reachable through a merge."""
    repository.git("branch", "old", "main")
    for maximum in (2, 3, 4):
        move_main(repository, agent("a", maximum=maximum))
    repository.git("branch", "--force", "topic", "main")
    repository.git("switch", "--quiet", "topic")
    for cpu in (2, 3):
        repository.write("deployments/a.yaml", agent("a", maximum=4, cpu=cpu))
        repository.commit()
    repository.git("merge", "--quiet", "--no-edit", "--strategy=ours", "old")
    move_main(repository, agent("c"), "deployments/c.yaml")
    seen = []
    for depth in range(1, 8):
        shallow = clone(
            repository, tmp_path / f"depth-{depth}", f"--depth={depth}", "--no-single-branch", "--branch=topic"
        )
        try:
            seen.append(shallow.commits("origin/main").merge_bases)
        except BaseError:
            seen.append(())
    right = (repository.git("merge-base", "main", "topic"),)
    assert set(seen) == {(), right}
    assert seen[-1] == right


def test_a_merge_ref_needs_no_more_than_its_parents(
    merged: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    merged.git("branch", "pull", "HEAD")
    shallow = clone(merged, tmp_path / "shallow", "--depth=2", "--branch=pull")
    result = check(shallow.folder, "HEAD^1", live_agent("a", maximum=4), live_agent("b"))
    assert (result.status, classes(result)) == (0, {"b.cpu": "proposed"})


def test_a_shallow_clone_ends_with_the_command_that_completes_it(repository: Repository, tmp_path: Path) -> None:
    for maximum in (2, 3):
        move_main(repository, agent("a", maximum=maximum))
    shallow = clone(repository, tmp_path / "shallow", "--depth=1", "--no-single-branch", "--branch=change")
    live = live_agent("a", maximum=3), live_agent("b")
    result = check(shallow.folder, "origin/main", *live)
    assert result.status == 3
    assert "`git fetch --unshallow`" in result.err
    shallow.git("fetch", "--quiet", "--unshallow")
    assert check(shallow.folder, "origin/main", *live).status == 0


def test_a_partial_clone_ends_with_the_command_that_completes_it(repository: Repository, tmp_path: Path) -> None:
    repository.git("config", "uploadpack.allowFilter", "true")
    repository.git("config", "uploadpack.allowAnySHA1InWant", "true")
    partial = clone(repository, tmp_path / "partial", "--filter=blob:none", "--branch=change")
    live = live_agent("a"), live_agent("b")
    result = check(partial.folder, "origin/main", *live)
    assert result.status == 3
    assert "partial clone (blob:none)" in result.err
    assert "`git fetch --refetch --no-filter`" in result.err
    partial.git("fetch", "--quiet", "--refetch", "--no-filter")
    assert check(partial.folder, "origin/main", *live).status == 0


@pytest.mark.parametrize("paths", [(), ("deployments",), ("deployments/eu",), ("deployments/eu/*.yaml",)])
def test_a_file_that_a_sparse_checkout_leaves_out_was_not_removed(
    repository: Repository, tmp_path: Path, paths: tuple[str, ...]
) -> None:
    move_main(repository, agent("eu"), "deployments/eu/eu.yaml")
    repository.git("merge", "--quiet", "--no-edit", "main")
    sparse = clone(repository, tmp_path / "sparse", "--no-checkout", "--branch=change")
    sparse.git("sparse-checkout", "set", "--cone", "docs")
    sparse.git("checkout", "--quiet", "change")
    assert not (sparse.folder / "deployments").exists()
    result = check(sparse.folder, "origin/main", live_agent("a"), live_agent("b"), live_agent("eu", 7), options=paths)
    found = classes(result)
    assert found["eu.max_scale"] == "elsewhere"
    assert "proposed-removal" not in found.values() or paths
    assert result.status == 0


def test_a_checkout_that_never_happened_removes_nothing(repository: Repository, tmp_path: Path) -> None:
    bare = clone(repository, tmp_path / "bare", "--no-checkout", "--branch=change")
    result = check(bare.folder, "origin/main", live_agent("a", maximum=9), live_agent("b"))
    assert classes(result) == {"a.max_scale": "elsewhere", "b.cpu": "proposed"}


def test_a_file_that_was_deleted_and_not_committed_is_removed(repository: Repository) -> None:
    (repository.folder / "deployments" / "a.yaml").unlink()
    result = check(repository.folder, "main", live_agent("a"), live_agent("b"))
    assert classes(result)["a"] == "proposed-removal"


def test_line_ends_make_no_difference(repository: Repository) -> None:
    repository.write("deployments/a.yaml", agent("a") + "    display_name: |-\n      two\n      lines\n")
    repository.git("config", "core.autocrlf", "true")
    repository.write(".gitattributes", "*.yaml text eol=crlf\n")
    repository.commit()
    for file in (repository.folder / "deployments").glob("*.yaml"):
        file.unlink()
    repository.git("checkout", "--", "deployments")
    assert b"\r\n" in (repository.folder / "deployments" / "a.yaml").read_bytes()
    live = live_agent("a", maximum=9) | {"display_name": "two\nlines"}
    result = check(repository.folder, "HEAD", live, live_agent("b", cpu=2))
    assert classes(result) == {"a.max_scale": "elsewhere"}


def test_a_filtered_file_that_the_change_does_not_touch_is_equal_to_its_base(repository: Repository) -> None:
    """The filter stores the files in another form; git's own programs would be run on checkout."""
    repository.git("config", "filter.crypt.clean", "base64")
    repository.git("config", "filter.crypt.smudge", "base64 --decode")
    repository.git("switch", "--quiet", "main")
    repository.write(".gitattributes", "deployments/*.yaml filter=crypt\n")
    repository.git("add", "--renormalize", ".")
    repository.commit()
    assert "deployments" not in repository.git("show", "HEAD:deployments/a.yaml")
    repository.git("switch", "--quiet", "--force-create", "change")
    repository.write("deployments/b.yaml", agent("b", cpu=2))
    repository.commit()
    result = check(repository.folder, "main", live_agent("a", maximum=9), live_agent("b"))
    found = classes(result)
    assert (found["a.max_scale"], found["b.cpu"], result.status) == ("elsewhere", "drift", 1)
    assert "incomplete-base" in {each["rule"] for each in json.loads(result.out)["findings"]}


# --- git's environment ---


@pytest.mark.parametrize("below", [".", "deployments"])
def test_variables_of_a_hook_of_a_linked_worktree_do_not_mislead(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, below: str
) -> None:
    repository.git("worktree", "add", "--quiet", "--detach", str(tmp_path / "linked"), "change")
    repository.git("switch", "--quiet", "main")
    other = Repository(tmp_path / "other")
    monkeypatch.setenv("GIT_DIR", str(repository.folder / ".git" / "worktrees" / "linked"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other.folder / ".git" / "index"))
    monkeypatch.setenv("GIT_PREFIX", "deployments/")
    monkeypatch.setenv("GIT_GLOB_PATHSPECS", "1")
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", str(other.folder / ".git" / "objects"))
    paths = (".",) if below == "deployments" else ()
    result = check(tmp_path / "linked" / below, "main", live_agent("a"), live_agent("b"), options=paths)
    assert (result.status, classes(result)) == (0, {"b.cpu": "proposed"})


def test_the_repository_of_the_folder_counts_not_the_one_of_the_environment(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Repository(tmp_path / "other")
    other.write("deployments/b.yaml", agent("b", cpu=2))
    other.commit()
    monkeypatch.setenv("GIT_DIR", str(other.folder / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other.folder))
    result = check(repository.folder, "main", live_agent("a"), live_agent("b"))
    assert classes(result) == {"b.cpu": "proposed"}


def test_a_repository_that_only_the_environment_names_is_used(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repository.folder / ".git").rename(tmp_path / "dots")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "dots"))
    monkeypatch.setenv("GIT_WORK_TREE", str(repository.folder))
    result = check(repository.folder, "main", live_agent("a"), live_agent("b"))
    assert classes(result) == {"b.cpu": "proposed"}


def test_grafts_do_not_alter_the_history(repository: Repository) -> None:
    move_main(repository, agent("a", maximum=4))
    info = repository.folder / ".git" / "info"
    info.mkdir(exist_ok=True)
    (info / "grafts").write_text(f"{repository.git('rev-parse', 'main')}\n")
    assert repository.commits().merge_bases == (repository.git("rev-parse", "change^"),)
    assert os.environ.get("GIT_GRAFT_FILE") is None


def check_alone(folder: Path, *live: dict[str, Any], options: tuple[str, ...] = ()) -> Result:
    file = folder.parent / "live.json"
    file.write_text(json.dumps({"resources": list(live), "offset": len(live)}))
    return run_inside("check", "--live", str(file), "-o", "json", *options, cwd=folder)


@pytest.mark.parametrize("paths", [(), ("deployments",), ("deployments/*.yaml",), ("deployments/b.yaml",)])
def test_without_a_base_what_a_sparse_checkout_leaves_out_is_read_too(
    repository: Repository, tmp_path: Path, paths: tuple[str, ...]
) -> None:
    sparse = clone(repository, tmp_path / "sparse", "--branch=change")
    sparse.git("sparse-checkout", "set", "--no-cone", "/*", "!/deployments/b.yaml")
    assert not (sparse.folder / "deployments" / "b.yaml").exists()
    result = check_alone(sparse.folder, live_agent("a"), live_agent("b"), options=paths)
    assert (result.status, "b.cpu" in classes(result)) == (1, True), result.output
    sparse.git("sparse-checkout", "set", "--cone", "docs")
    assert not (sparse.folder / "deployments").exists()
    assert "b.cpu" in classes(check_alone(sparse.folder, live_agent("a"), live_agent("b"), options=paths))
    adopted = run_inside("adopt", *paths, "--live", "../live.json", cwd=sparse.folder)
    assert adopted.status == 1
    assert "not adopted: b: deployments/b.yaml is not checked out (`git sparse-checkout add FOLDER`)" in adopted.err


def test_what_a_sparse_partial_clone_lacks_is_not_passed_over(repository: Repository, tmp_path: Path) -> None:
    repository.git("config", "uploadpack.allowFilter", "true")
    partial = clone(repository, tmp_path / "partial", "--filter=blob:none", "--sparse", "--branch=change")
    result = check_alone(partial.folder, live_agent("a"), live_agent("b"))
    assert result.status == 3
    assert "partial clone (blob:none)" in result.err
    assert "`git sparse-checkout add FOLDER`" in result.err


def test_a_whole_checkout_asks_git_nothing(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert check_alone(repository.folder, live_agent("a"), live_agent("b")).status == 1


def test_a_pointer_of_git_lfs_is_not_a_declaration(tmp_path: Path) -> None:
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0" * 64 + "\nsize 12\n"
    for name in ("a.yaml", "driftcheck.yaml"):
        (tmp_path / name).write_text(pointer)
        result = run_inside("validate", "a.yaml", cwd=tmp_path)
        assert (result.status, "`git lfs pull`" in result.output) == (2, True)


def test_render_says_which_of_several_merge_bases_it_shows(repository: Repository) -> None:
    rendered = run_inside("render", "--base", "main", cwd=repository.folder)
    assert (rendered.status, rendered.err) == (0, "")
    repository.git("switch", "--quiet", "main")
    repository.write("deployments/a.yaml", agent("a", maximum=4))
    first, second = repository.commit(), repository.git("rev-parse", "change")
    repository.git("merge", "--quiet", "--no-edit", second)
    repository.git("switch", "--quiet", "change")
    repository.git("merge", "--quiet", "--no-edit", first)
    rendered = run_inside("render", "--base", "main", cwd=repository.folder)
    assert f"2 merge bases; this is the difference from {repository.commits().merge_bases[0]}." in rendered.err
