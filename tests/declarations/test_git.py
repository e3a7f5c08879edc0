"""Declarations at a git revision, in repositories made for each test."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from driftcheck.declarations import config, git, loader
from driftcheck.errors import BaseError, DriftcheckError, UsageError
from driftcheck.model import Declarations, Location
from driftcheck.paths import parse_path
from tests.repositories import Repository


def deployment(name: str, source: str = "github") -> str:
    return f"deployments:\n  - name: {name}\n    source: {source}\n"


def names(declared: Declarations) -> list[str]:
    assert declared.complete
    return [declaration.name for declaration in declared.deployments]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One commit on `main`, then one on `main` and one on `change`, which is checked out."""
    folder = tmp_path_factory.mktemp("prepared")
    made = Repository(folder / "repository")
    made.write("prod/a.yaml", deployment("a"))
    made.write("prod/eu/b.yml", deployment("b"))
    made.write("prod/.hidden.yaml", deployment("hidden"))
    made.write("prod/driftcheck.yaml", "region: us\n")
    made.write("driftcheck.yaml", "region: eu\n")
    made.write("readme.md", "text\n")
    made.commit()
    made.git("switch", "--quiet", "--create", "change")
    made.write("prod/a.yaml", deployment("a", "external_docker"))
    made.write("prod/new.yaml", deployment("new"))
    made.commit()
    made.git("switch", "--quiet", "main")
    made.write("prod/later.yaml", deployment("later"))
    made.commit()
    made.git("switch", "--quiet", "change")
    return made.folder


@pytest.fixture
def repository(prepared: Path, tmp_path: Path) -> Repository:
    return Repository(tmp_path / "repository", copied_from=prepared)


def test_the_merge_base_is_read_not_the_tip_of_the_branch(repository: Repository) -> None:
    declared = repository.load("prod")
    assert names(declared) == ["a", "b"]
    assert declared.deployments[0].value["source"] == "github"
    assert repository.commits() == git.Commits(
        tip=repository.git("rev-parse", "main"),
        merge_bases=(repository.git("merge-base", "main", "change"),),
        head=repository.git("rev-parse", "HEAD"),
    )
    assert declared.files == ("prod/a.yaml", "prod/eu/b.yml")


def test_locations_are_those_of_the_base(repository: Repository) -> None:
    declaration = repository.load("prod").deployments[0]
    assert str(declaration.locate(parse_path("source"))) == "prod/a.yaml:3:13"


@pytest.mark.parametrize(
    ("paths", "below", "found"),
    [
        (("prod/a.yaml",), ".", ["a"]),
        (("prod/*.yaml",), ".", ["a"]),
        (("prod/**",), ".", ["a", "b"]),
        (("**/*.yml",), ".", ["b"]),
        ((".",), ".", ["a", "b"]),
        ((".",), "prod", ["a", "b"]),
        (("eu",), "prod", ["b"]),
        (("../a.yaml",), "prod/eu", ["a"]),
        (("prod", "prod/a.yaml", "prod/*"), ".", ["a", "b"]),
        (("prod/new.yaml",), ".", []),
        (("nowhere/*.yaml",), ".", []),
        ((), ".", []),
    ],
)
def test_paths_name_what_they_named_there(
    repository: Repository, paths: tuple[str, ...], below: str, found: list[str]
) -> None:
    assert names(repository.load(*paths, below=below)) == found


def test_paths_name_the_same_files_as_on_the_disk(repository: Repository) -> None:
    repository.git("switch", "--quiet", "--detach", "main")
    for paths in (["."], ["prod"], ["prod/*"], ["**/[ab].*"], ["prod/.hidden.yaml", "readme.md"]):
        here = loader.load(paths, here=str(repository.folder))
        assert repository.load(*paths) == here


def test_a_path_out_of_the_current_folder_is_shown_as_it_was_given(repository: Repository) -> None:
    assert repository.load("../a.yaml", below="prod/eu").files == ("../a.yaml",)


def test_an_absolute_path_is_found_too(repository: Repository) -> None:
    assert names(repository.load(str(repository.folder / "prod" / "a.yaml"))) == ["a"]


def test_the_configuration_of_the_base_is_given(repository: Repository) -> None:
    opened, base = repository.opened(), repository.commits().merge_bases[0]
    found = git.read_config(opened, base, repository.folder / "driftcheck.yaml")
    assert found is not None
    assert config.parse_config(found, repository.folder).region == "eu"
    assert git.read_config(opened, base, repository.folder / "prod" / "new.yaml") is None


@pytest.mark.parametrize("ref", ["main", "origin-tag", "HEAD~1", "HEAD", "refs/heads/main"])
def test_revisions_are_named_as_git_names_them(repository: Repository, ref: str) -> None:
    repository.git("tag", "-a", "-m", "x", "origin-tag", "main")
    assert repository.commits(ref)


@pytest.mark.parametrize(
    "ref", ["nowhere", "", "--output=x", "-h", "main\n", "HEAD:readme.md", "main..change", "\x1b[31m", "a b", "@{u}"]
)
def test_an_unknown_revision_is_a_usage_error_that_does_not_quote_it(repository: Repository, ref: str) -> None:
    with pytest.raises(UsageError) as caught:
        repository.load("prod", ref=ref)
    assert "revision" in caught.value.message
    assert caught.value.hint
    assert not list(repository.folder.glob("x*"))


def test_a_broken_file_at_the_base_makes_it_incomplete(repository: Repository) -> None:
    repository.git("switch", "--quiet", "main")
    repository.write("prod/broken.yaml", "deployments: [\n")
    repository.commit()
    declared = repository.load("prod", ref="HEAD")
    assert [finding.rule for finding in declared.findings if finding.rule != "missing-source"] == ["yaml-syntax"]
    assert not declared.complete


def test_links_of_the_tree_are_followed_inside_of_it_only(repository: Repository) -> None:
    (repository.folder / "prod" / "same.yaml").symlink_to("a.yaml")
    (repository.folder / "other").mkdir()
    (repository.folder / "other" / "linked.yaml").symlink_to("../prod/eu/b.yml")
    (repository.folder / "other" / "out.yaml").symlink_to("/etc/passwd")
    (repository.folder / "other" / "up.yaml").symlink_to("../../x.yaml")
    (repository.folder / "other" / "gone.yaml").symlink_to("gone.yaml")
    repository.commit()
    assert names(repository.load("prod", ref="HEAD")) == ["a", "b", "new"]
    declared = repository.load("other", ref="HEAD")
    assert [declaration.name for declaration in declared.deployments] == ["b"]
    refused = [str(finding.location) for finding in declared.findings if finding.rule == "unreadable-file"]
    assert refused == ["other/gone.yaml:1:1", "other/out.yaml:1:1", "other/up.yaml:1:1"]
    assert not declared.complete


@pytest.mark.parametrize("path", ["prod", "prod/inner", "prod/inner/x.yaml", "prod/inner/*.yaml"])
def test_files_of_submodules_are_not_read_and_missed(repository: Repository, tmp_path: Path, path: str) -> None:
    inner = Repository(tmp_path / "inner")
    inner.write("x.yaml", deployment("inner"))
    inner.commit()
    repository.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(inner.folder), "prod/inner")
    repository.commit()
    declared = repository.load(path, ref="HEAD")
    assert "inner" not in {declaration.name for declaration in declared.deployments}
    assert not declared.complete
    shutil.rmtree(repository.folder / "prod" / "inner")
    assert names(repository.load("prod", ref="HEAD")) == ["a", "b", "new"]


@pytest.mark.parametrize("path", ["deployments/eu", "deployments/eu/b.yml", "deployments/eu/*.yml"])
def test_a_path_through_a_link_is_not_taken_for_one_that_named_nothing(repository: Repository, path: str) -> None:
    (repository.folder / "deployments").symlink_to("prod")
    repository.commit()
    declared = repository.load(path, ref="HEAD")
    assert not declared.complete
    assert [str(finding.location) for finding in declared.findings] == ["deployments:1:1"]


def test_a_name_that_was_declared_twice_is_not_taken_from_the_first_file(repository: Repository) -> None:
    repository.write("prod/b.yaml", deployment("a", "external_docker"))
    repository.commit()
    declared = repository.load("prod", ref="HEAD")
    assert [declaration.name for declaration in declared.deployments] == ["b", "new"]
    assert not declared.complete


def test_odd_file_names_are_read(repository: Repository) -> None:
    for number, name in enumerate(["line\nbreak.yaml", "-x.yaml", "tab\t.yaml", ":(glob)x.yaml", 'quote".yaml']):
        repository.write(f"odd/{name}", deployment(f"odd{number}"))
    os.symlink("-x.yaml", repository.folder / "odd" / "link\n.yaml")
    repository.commit()
    declared = repository.load("odd", ref="HEAD")
    assert {declaration.name for declaration in declared.deployments} == {f"odd{number}" for number in range(5)}


def test_Y5_a_file_over_the_limit_is_refused(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("driftcheck.declarations.discovery.MAX_BYTES", 10)
    declared = repository.load("prod/a.yaml")
    assert [finding.rule for finding in declared.findings] == ["yaml-limit"]
    assert not declared.complete


# --- where the base is unknown ---


def fails(load: Callable[[], object], *words: str, error: type[DriftcheckError] = UsageError) -> None:
    with pytest.raises(error) as caught:
        load()
    text = f"{caught.value.message} {caught.value.hint}"
    assert all(word in text for word in words), text


def test_a_shallow_clone_without_the_merge_base_says_what_to_fetch(repository: Repository, tmp_path: Path) -> None:
    url = f"file://{repository.folder}"
    shallow = Repository(tmp_path / "shallow")
    shallow.git("fetch", "--quiet", "--depth=1", url, "change:change", "main:base")
    shallow.git("switch", "--quiet", "change")
    fails(
        lambda: shallow.load("prod", ref="base"), "shallow", "fetch-depth: 0", "git fetch --unshallow", error=BaseError
    )
    fails(lambda: shallow.load("prod", ref="origin/main"), "fetch-depth: 0")
    shallow.git("fetch", "--quiet", "--unshallow", url, "change", "main")
    assert names(shallow.load("prod", ref="base")) == ["a", "b"]


def test_a_shallow_clone_that_holds_the_merge_base_is_enough(repository: Repository, tmp_path: Path) -> None:
    shallow = Repository(tmp_path / "shallow")
    shallow.git("fetch", "--quiet", "--depth=2", f"file://{repository.folder}", "change:change", "main:base")
    shallow.git("switch", "--quiet", "change")
    assert names(shallow.load("prod", ref="base")) == ["a", "b"]


def test_a_partial_clone_fetches_nothing_and_says_so(repository: Repository, tmp_path: Path) -> None:
    repository.git("config", "uploadpack.allowFilter", "true")
    partial = tmp_path / "partial"
    url = f"file://{repository.folder}"
    clone = ["git", "clone", "--quiet", "--filter=blob:none", "--no-checkout", "--branch=change", url, str(partial)]
    subprocess.run(clone, check=True, capture_output=True)
    opened = git.open_repository(partial, os.environ)
    [base] = git.find_commits(opened, "origin/main").merge_bases
    fails(lambda: git.load(opened, base, ["prod"]), "partial clone", "--refetch", error=BaseError)
    packs = list((partial / ".git" / "objects" / "pack").glob("*.pack"))
    assert len(packs) == 1


def test_unrelated_histories_have_no_base(repository: Repository) -> None:
    repository.git("switch", "--quiet", "--orphan", "island")
    repository.commit()
    fails(lambda: repository.load("prod", ref="main"), "history in common")


def test_a_repository_without_commits_has_no_base(tmp_path: Path) -> None:
    empty = Repository(tmp_path / "empty")
    fails(lambda: empty.load(".", ref="HEAD"), "revision")


def test_outside_of_a_repository_no_base_exists(tmp_path: Path) -> None:
    fails(lambda: git.open_repository(tmp_path, os.environ), "repository")


def test_a_path_outside_of_the_repository_has_no_base(repository: Repository, tmp_path: Path) -> None:
    fails(lambda: repository.load(str(tmp_path)), "outside")
    fails(lambda: repository.load("../../x"), "outside")
    fails(lambda: repository.load("-"), "Standard input")


def test_without_git_the_error_names_it(
    repository: Repository, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    fails(lambda: repository.load("prod"), "git", "Install")


def test_a_git_that_hangs_ends_in_time(repository: Repository, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "bin" / "git"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setattr(git, "TIMEOUT", 0.2)
    fails(lambda: repository.load("prod"), "longer")


# --- what a repository may not do ---


def test_nothing_of_the_repository_runs_and_nothing_is_written(repository: Repository, tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    script = tmp_path / "trap.sh"
    script.write_text(f"#!/bin/sh\ntouch {trap}\ncat\n")
    script.chmod(0o755)
    (repository.folder / ".git" / "hooks").mkdir()
    for hook in ("post-checkout", "fsmonitor-watchman", "post-index-change", "reference-transaction"):
        shutil.copy(script, repository.folder / ".git" / "hooks" / hook)
    for key in (
        *("core.fsmonitor", "core.pager", "core.sshCommand", "core.askPass", "core.editor", "diff.external"),
        *(
            "filter.x.smudge",
            "filter.x.clean",
            "diff.x.textconv",
            "alias.rev-parse",
            "alias.ls-tree",
            "uploadpack.packObjectsHook",
        ),
    ):
        repository.git("config", key, str(script))
    repository.write(".git/info/attributes", "* filter=x diff=x\n")
    before = state(repository.folder)
    declared = repository.load("prod")
    assert [each.name for each in declared.deployments] == ["b"]
    assert [finding.message for finding in declared.findings if finding.location == Location("prod/a.yaml", 1, 1)] == [
        "git's filter x changes this file when it is checked out"
    ]
    assert not trap.exists()
    assert state(repository.folder) == before


@pytest.mark.parametrize("is_refused_by_git", [True, False])
def test_R8_a_folder_that_looks_like_a_repository_is_refused(
    is_refused_by_git: bool, repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not is_refused_by_git:  # as before git 2.38
        monkeypatch.setattr(git, "_OPTIONS", ())
    inner = Repository(tmp_path / "inner")
    inner.write("prod/a.yaml", deployment("a", "external_docker"))
    inner.commit()
    services = repository.folder / "services"
    shutil.copytree(inner.folder / ".git", services)
    (services / "config").write_text("[core]\n\trepositoryformatversion = 0\n\tbare = false\n\tworktree = ..\n")
    fails(lambda: repository.load("../prod", below="services"), "looks like a git repository")


def test_a_worktree_is_a_repository(repository: Repository, tmp_path: Path) -> None:
    repository.git("worktree", "add", "--quiet", str(tmp_path / "tree"), "main")
    opened = git.open_repository(tmp_path / "tree", os.environ)
    assert git.load(opened, git.find_commits(opened, "change").tip, ["prod"]).complete


def test_a_clone_that_lacks_files_says_so(repository: Repository) -> None:
    blob = repository.git("rev-parse", "main:prod/a.yaml")
    (repository.folder / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    fails(lambda: repository.load("prod"), "not in this clone", error=BaseError)


def state(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_replaced_objects_are_not_believed(repository: Repository) -> None:
    base = repository.git("merge-base", "main", "change")
    blob = repository.git("rev-parse", f"{base}:prod/a.yaml")
    other = repository.git("rev-parse", "main:prod/later.yaml")
    repository.git("replace", blob, other)
    assert names(repository.load("prod")) == ["a", "b"]
