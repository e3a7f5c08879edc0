"""Which files paths name, and which are refused."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from driftcheck.declarations import discovery, loader
from driftcheck.errors import UsageError

TEXT = "deployments: []\n"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A repository with declarations in several folders, and a folder outside of it."""
    root = tmp_path / "repository"
    for name in (
        *("prod/b.yaml", "prod/a.yml", "prod/eu/c.yaml", "staging/d.yaml", "driftcheck.yaml", "prod/driftcheck.yaml"),
        *("prod/.hidden.yaml", "prod/.git-like/e.yaml", ".github/f.yaml", "prod/README.md", "prod/eu/deep/er/g.yaml"),
    ):
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(TEXT)
    (root / ".git").mkdir()
    (root / ".git" / "config").write_text(TEXT)
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret.yaml").write_text("canary-5c1d: 1\n")
    return root


def names(here: Path, *paths: str) -> list[str]:
    sources = discovery.read(paths, here=str(here))
    assert sources.findings == ()
    return [text.name for text in sources.texts]


def refused(here: Path, *paths: str) -> list[tuple[str, str]]:
    """Rule and file of each finding; nothing of a refused file may have been read."""
    sources = discovery.read(paths, here=str(here))
    assert all(b"canary" not in text.data for text in sources.texts)
    return [(finding.rule, finding.location.file if finding.location else "") for finding in sources.findings]


# --- what paths name ---


def test_a_folder_is_searched_deep_without_dot_names_and_configuration(tree: Path) -> None:
    assert names(tree, "prod") == ["prod/a.yml", "prod/b.yaml", "prod/eu/c.yaml", "prod/eu/deep/er/g.yaml"]
    assert names(tree, ".") == [*names(tree, "prod"), "staging/d.yaml"]


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("prod/*.yaml", ["prod/b.yaml"]),
        ("prod/?.y*ml", ["prod/a.yml", "prod/b.yaml"]),
        ("prod/[ab].*", ["prod/a.yml", "prod/b.yaml"]),
        ("prod/*", ["prod/a.yml", "prod/b.yaml", "prod/eu/c.yaml", "prod/eu/deep/er/g.yaml"]),
        ("*/d.yaml", ["staging/d.yaml"]),
        ("**/c.yaml", ["prod/eu/c.yaml"]),
        ("prod/**/*.yaml", ["prod/b.yaml", "prod/eu/c.yaml", "prod/eu/deep/er/g.yaml"]),
        ("prod/**", ["prod/a.yml", "prod/b.yaml", "prod/eu/c.yaml", "prod/eu/deep/er/g.yaml"]),
        ("**/deep/**/g.yaml", ["prod/eu/deep/er/g.yaml"]),
        (".github/*.yaml", [".github/f.yaml"]),
        ("prod/*.md", ["prod/README.md"]),
        ("./prod/../staging/*", ["staging/d.yaml"]),
    ],
)
def test_globs(tree: Path, pattern: str, found: list[str]) -> None:
    assert names(tree, pattern) == found


def test_a_named_file_is_read_with_any_name(tree: Path) -> None:
    assert names(tree, "prod/README.md", "prod/.hidden.yaml") == ["prod/.hidden.yaml", "prod/README.md"]


def test_a_file_whose_name_looks_like_a_glob_is_that_file(tree: Path) -> None:
    (tree / "a[1].yaml").write_text(TEXT)
    assert names(tree, "a[1].yaml") == ["a[1].yaml"]


def test_a_current_folder_whose_name_looks_like_a_glob_is_not_one(tree: Path) -> None:
    folder = tree / "[prod]"
    folder.mkdir()
    (folder / "x.yaml").write_text(TEXT)
    assert names(folder, "*.yaml") == ["x.yaml"]


def test_paths_may_lie_anywhere_and_are_shown_as_they_were_given(tree: Path) -> None:
    assert names(tree / "staging", "../prod/b.yaml") == ["../prod/b.yaml"]
    outside = tree.parent / "outside"
    assert names(tree, str(outside)) == [str(outside / "secret.yaml")]
    assert names(tree, str(tree / "prod" / "b.yaml")) == ["prod/b.yaml"]


def test_R6_each_file_is_read_once(tree: Path) -> None:
    (tree / "prod" / "0.yaml").symlink_to("b.yaml")
    os.link(tree / "prod" / "b.yaml", tree / "prod" / "hard.yaml")
    assert names(tree, "prod", "prod/b.yaml", "prod/*", str(tree / "prod")) == names(tree, "prod")
    assert "prod/b.yaml" in names(tree, "prod")
    assert "prod/0.yaml" not in names(tree, "prod")
    assert len([name for name in names(tree, "prod") if name in ("prod/b.yaml", "prod/hard.yaml")]) == 1


@pytest.mark.parametrize("path", ["nowhere.yaml", "nowhere", "nowhere/*.yaml", "prod/*.json", ""])
def test_Y19_a_path_that_names_nothing_is_a_usage_error_with_a_hint(tree: Path, path: str) -> None:
    with pytest.raises(UsageError) as caught:
        discovery.read(["prod", path], here=str(tree))
    assert caught.value.hint


def test_Y19_a_folder_without_declarations_is_a_usage_error(tree: Path) -> None:
    (tree / "empty").mkdir()
    with pytest.raises(UsageError, match="holds no declarations"):
        discovery.read(["empty"], here=str(tree))


def test_standard_input_is_asked_once(tree: Path) -> None:
    asked = []

    def stdin() -> bytes:
        asked.append(1)
        return b"x"

    sources = discovery.read(["-", "prod/b.yaml", "-"], stdin=stdin, here=str(tree))
    assert [text.name for text in sources.texts] == ["<stdin>", "prod/b.yaml"]
    assert asked == [1]


# --- links ---


def test_R4_links_inside_of_the_tree_are_followed(tree: Path) -> None:
    (tree / "staging" / "linked.yaml").symlink_to("../prod/b.yaml")
    assert names(tree, "staging") == ["staging/d.yaml", "staging/linked.yaml"]
    assert names(tree / "staging", "linked.yaml") == ["linked.yaml"]


@pytest.mark.parametrize("named", ["prod", "prod/*.yaml", "prod/link.yaml"])
@pytest.mark.parametrize("target", ["../../outside/secret.yaml", "/etc/passwd", "/proc/self/environ", "../.git/config"])
def test_R4_links_out_of_the_tree_or_into_git_are_refused(tree: Path, named: str, target: str) -> None:
    (tree / "prod" / "link.yaml").symlink_to(target)
    assert refused(tree, named) == [("unreadable-file", "prod/link.yaml")]
    assert refused(tree / "prod", "link.yaml") == [("unreadable-file", "link.yaml")]


@pytest.mark.parametrize("named", ["linked", "linked/*.yaml", "linked/secret.yaml", "linked/**"])
def test_R4_a_linked_folder_out_of_the_tree_is_refused(tree: Path, named: str) -> None:
    (tree / "linked").symlink_to("../outside")
    (found,) = refused(tree, named)
    assert found[0] == "unreadable-file"


def test_R4_a_linked_folder_stays_refused_where_it_leads_to_another_repository(tree: Path) -> None:
    (tree.parent / "outside" / ".git").mkdir()
    (tree / "linked").symlink_to("../outside")
    assert refused(tree, "linked/secret.yaml") == [("unreadable-file", "linked/secret.yaml")]


def test_R4_outside_of_a_repository_the_current_folder_is_the_tree(tree: Path) -> None:
    (tree / ".git" / "config").unlink()
    (tree / ".git").rmdir()
    (tree / "prod" / "link.yaml").symlink_to("../../outside/secret.yaml")
    (tree / "prod" / "near.yaml").symlink_to("../staging/d.yaml")
    assert refused(tree, "prod") == [("unreadable-file", "prod/link.yaml")]
    assert refused(tree / "prod", "near.yaml") == [("unreadable-file", "near.yaml")]


def test_R4_git_itself_is_never_read(tree: Path) -> None:
    assert refused(tree, ".git/config") == [("unreadable-file", ".git/config")]
    assert refused(tree, ".git/*") == [("unreadable-file", ".git")]


def test_R6_links_to_folders_are_reported_unless_the_folder_is_read_itself(tree: Path) -> None:
    (tree / "prod" / "loop").symlink_to(".")
    (tree / "prod" / "up").symlink_to("..")
    (tree / "prod" / "west").symlink_to("eu")
    assert refused(tree, "prod") == [("skipped-link", "prod/up")]
    assert refused(tree, "prod", ".") == []
    assert not loader.load(["prod"], here=str(tree)).complete
    assert refused(tree, "prod/**/*.yaml") == [("skipped-link", "prod/up")]
    assert refused(tree, "prod/*/c.yaml") == [("skipped-link", "prod/loop"), ("skipped-link", "prod/up")]
    assert len(discovery.read(["prod/**/*.yaml"], here=str(tree)).texts) == 3


def test_R6_a_linked_folder_inside_of_the_tree_may_be_named(tree: Path) -> None:
    (tree / "current").symlink_to("prod/eu")
    assert names(tree, "current") == ["current/c.yaml", "current/deep/er/g.yaml"]


def test_R6_links_in_circles_and_to_nowhere_are_refused(tree: Path) -> None:
    (tree / "staging" / "circle.yaml").symlink_to("circle.yaml")
    (tree / "staging" / "nowhere.yaml").symlink_to("missing.yaml")
    assert refused(tree, "staging") == [
        ("unreadable-file", "staging/circle.yaml"),
        ("unreadable-file", "staging/nowhere.yaml"),
    ]


# --- what is not a regular file ---


@pytest.mark.parametrize("named", ["prod", "prod/*.yaml"])
def test_R5_a_pipe_that_a_folder_holds_is_refused_without_waiting(tree: Path, named: str) -> None:
    os.mkfifo(tree / "prod" / "pipe.yaml")
    assert refused(tree, named) == [("unreadable-file", "prod/pipe.yaml")]


def test_a_pipe_that_is_named_is_read(tree: Path) -> None:
    pipe = tree / "prod" / "pipe.yaml"
    os.mkfifo(pipe)
    threading.Thread(target=pipe.write_text, args=(TEXT,), daemon=True).start()
    sources = discovery.read(["prod/pipe.yaml"], here=str(tree))
    assert [(text.name, text.data) for text in sources.texts] == [("prod/pipe.yaml", TEXT.encode())]


@pytest.mark.parametrize("folder", ["/dev/fd", "/proc/self/fd"])
def test_what_a_shell_writes_for_a_process_is_read(tree: Path, folder: str) -> None:
    read, write = os.pipe()
    os.write(write, TEXT.encode())
    os.close(write)
    sources = discovery.read([f"{folder}/{read}"], here=str(tree))
    os.close(read)
    assert [text.data for text in sources.texts] == [TEXT.encode()]


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null", "/dev/tty"])
def test_R5_a_device_is_refused(tree: Path, device: str) -> None:
    sources = discovery.read([device], here=str(tree))
    assert [finding.rule for finding in sources.findings] == ["unreadable-file"]
    assert sources.texts == ()


def test_R5_a_folder_that_is_named_like_a_file_is_searched(tree: Path) -> None:
    (tree / "prod" / "folder.yaml").mkdir()
    (tree / "prod" / "folder.yaml" / "x.yaml").write_text(TEXT)
    assert "prod/folder.yaml/x.yaml" in names(tree, "prod")


def test_Y5_a_file_over_the_limit_is_refused_before_it_is_read(tree: Path) -> None:
    with (tree / "prod" / "large.yaml").open("wb") as file:
        file.truncate(discovery.MAX_BYTES + 1)
    assert refused(tree, "prod/large.yaml") == [("yaml-limit", "prod/large.yaml")]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_reported(tree: Path) -> None:
    (tree / "prod" / "b.yaml").chmod(0)
    assert refused(tree, "prod") == [("unreadable-file", "prod/b.yaml")]


@pytest.mark.parametrize(
    "name", ["line\nbreak.yaml", "\x1b[31m.yaml", "::error::x.yaml", "bidi\u202e.yaml", "sp ace.yaml"]
)
def test_R7_odd_names_are_kept_as_they_are(tree: Path, name: str) -> None:
    (tree / "staging" / name).write_text(TEXT)
    assert f"staging/{name}" in names(tree, "staging")


def test_R7_a_name_that_is_not_utf_8_survives(tree: Path) -> None:
    raw = os.fsencode(tree / "staging") + b"/\xff\xfe.yaml"
    with open(raw, "w") as file:
        file.write(TEXT)
    (name, _) = sorted(names(tree, "staging"), reverse=True)
    assert os.fsencode(name) == b"staging/\xff\xfe.yaml"


def test_R7_an_odd_path_is_shown_escaped_in_errors(tree: Path) -> None:
    with pytest.raises(UsageError) as caught:
        discovery.read(["no\n::error::\x1b[31m"], here=str(tree))
    assert caught.value.message.isprintable()
    with pytest.raises(UsageError):
        discovery.read(["nul\0byte"], here=str(tree))


def test_one_file_is_read_under_the_same_rules(tree: Path) -> None:
    assert discovery.read_file("prod/b.yaml", here=str(tree)).data == TEXT.encode()
    (tree / "link.yaml").symlink_to("/etc/passwd")
    for path in ("link.yaml", "missing.yaml", "prod", ".git/config"):
        with pytest.raises(UsageError):
            discovery.read_file(path, here=str(tree))


# --- names ---


def test_suffixes_are_read_in_any_case_and_what_only_looks_like_yaml_is_reported(tmp_path: Path) -> None:
    for name in ("a.YAML", "b.Yml", "c.yaml.bak", "d.yml~", "e.txt", ".f.yaml", "driftcheck.yaml"):
        (tmp_path / name).write_text("deployments: []\n")
    assert [text.name for text in discovery.read(["."], here=str(tmp_path)).texts] == ["a.YAML", "b.Yml"]
    assert names(tmp_path, "*") == ["a.YAML", "b.Yml"]
    assert refused(tmp_path, ".") == [("skipped-file", "c.yaml.bak"), ("skipped-file", "d.yml~")]
    assert loader.load(["."], here=str(tmp_path)).complete


def test_a_folder_with_nothing_but_skipped_files_names_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.yaml.bak").write_text("")
    with pytest.raises(UsageError):
        discovery.read(["."], here=str(tmp_path))


def test_texts_know_the_position_of_the_path_that_named_them_first(tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / f"{name}.yaml").write_text("deployments: []\n")
    texts = discovery.read(["b.yaml", ".", "c.yaml"], here=str(tmp_path)).texts
    assert [(text.name, text.path_index) for text in texts] == [("a.yaml", 1), ("b.yaml", 0), ("c.yaml", 1)]
