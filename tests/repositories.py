"""git repositories for tests."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

from driftcheck.declarations import git
from driftcheck.model import Declarations

CONFIGURATION: Final = """\
[user]
    name = driftcheck tests
    email = tests@example.invalid
[init]
    defaultBranch = main
    templateDir =
[maintenance]
    auto = false
"""
"""No hooks to copy and no housekeeping to start: the tests make hundreds of repositories."""
DATE: Final = "2026-01-08T00:00:00Z"


def isolate_git(patch: pytest.MonkeyPatch, folder: Path) -> None:
    """Isolate git from the configuration of the machine, and from repositories around a folder."""
    for name in list(os.environ):
        if name.startswith("GIT_"):
            patch.delenv(name)
    configuration = folder / "gitconfig"
    configuration.write_text(CONFIGURATION)
    patch.setenv("GIT_CONFIG_GLOBAL", str(configuration))
    patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    patch.setenv("GIT_CEILING_DIRECTORIES", str(folder))
    patch.setenv("GIT_AUTHOR_DATE", DATE)
    patch.setenv("GIT_COMMITTER_DATE", DATE)


def run_git(folder: Path, *arguments: str, stdin: str = "") -> str:
    """Run git to its end; return what it prints."""
    done = subprocess.run(["git", *arguments], cwd=folder, input=stdin, capture_output=True, check=True, text=True)
    return done.stdout.strip()


class Repository:
    """A working tree with its repository: a new one, or a copy of another one."""

    def __init__(self, folder: Path, *, copied_from: Path | None = None) -> None:
        self.folder = folder
        if copied_from:
            shutil.copytree(copied_from, folder, symlinks=True)
        else:
            folder.mkdir(exist_ok=True)
            self.git("init", "--quiet")

    def git(self, *arguments: str) -> str:
        return run_git(self.folder, *arguments)

    def write(self, name: str, text: str) -> None:
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def commit(self) -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "change")
        return self.git("rev-parse", "HEAD")

    def opened(self, below: str = ".") -> git.Repository:
        return git.open_repository(self.folder / below, os.environ)

    def commits(self, ref: str = "main", *, merge_commit: str | None = None) -> git.Commits:
        return git.find_commits(self.opened(), ref, merge_commit=merge_commit)

    def load(self, *paths: str, ref: str = "main", below: str = ".") -> Declarations:
        """Read what the first merge base of HEAD and a revision declares."""
        return git.load(self.opened(below), self.commits(ref).merge_bases[0], paths)
