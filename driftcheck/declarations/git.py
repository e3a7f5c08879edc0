"""The declarations at a git revision: the files that the same paths named there, without checkout or network.

git only reads objects here, with hooks, file monitor, replacements, pager, prompts and fetching switched off.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path as FilePath
from typing import Final

from driftcheck.declarations import discovery
from driftcheck.declarations.discovery import Candidate, Kind, RefusedError, Search, SourceText
from driftcheck.declarations.loader import declare, with_refusals
from driftcheck.errors import UsageError
from driftcheck.model import Declarations, Finding

TIMEOUT: Final = 60.0
"""Seconds that one call of git may take."""

_OPTIONS: Final = (
    *("--no-pager", "--literal-pathspecs", "--no-replace-objects"),
    *("-c", "core.fsmonitor=false"),
    *("-c", f"core.hooksPath={os.devnull}"),
    *("-c", "safe.bareRepository=explicit"),
    *("-c", "protocol.allow=never"),
    *(
        part
        for name in ("ext", "file", "git", "http", "https", "ssh")
        for part in ("-c", f"protocol.{name}.allow=never")
    ),
)
_ENVIRONMENT: Final = {
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "LC_ALL": "C",
}
_FETCH_HINT: Final = (
    "Fetch the whole history: `fetch-depth: 0` for actions/checkout, `GIT_DEPTH: 0` for GitLab, "
    "`git fetch --unshallow` elsewhere."
)


@dataclass(frozen=True, slots=True)
class Revision:
    """What was declared at a commit."""

    commit: str
    """The full id of the merge base of HEAD and the revision that was asked for."""
    declarations: Declarations
    config: SourceText | None = None
    """The configuration file as it was there, if it was."""


def load_at(paths: Sequence[str], ref: str, *, cwd: FilePath, config: FilePath | None = None) -> Revision:
    """Read what `paths` (as in `discovery.read`, from `cwd`) and `config` named at the merge base of `ref` and HEAD.

    Paths that named nothing there declare nothing, unless it is a file that bore another name in its folder. Raises
    UsageError where git or its history can't tell: no git, no repository, an unknown revision, a history that is cut
    off, a path outside of the repository.
    """
    here = os.path.realpath(cwd)
    top = _top(here)
    named = [_inside(path, here, top) for path in dict.fromkeys(paths)]
    settings = _inside(str(config), here, top) if config else None
    commit = _merge_base(here, _commit(here, ref))
    named += [former for path in named for former in _former_names(path, here, top, commit)]
    tree = _CommitTree(here, top, commit, [*named, *([settings] if settings else [])])
    search = Search(tree, here)
    for layer, path in enumerate(named):
        search.add(path, layer)
    for path, refused in tree.unreadable(named):
        search.refuse(path, path, refused)
    texts, refusals = tree.read(search.candidates)
    declarations = _unambiguous(declare(texts))
    return Revision(
        commit=commit,
        declarations=with_refusals(declarations, (*search.findings, *refusals)),
        config=_config(tree, settings, here) if settings else None,
    )


def _config(tree: _CommitTree, path: str, here: str) -> SourceText | None:
    full = discovery.full_path(path, here)
    if tree.kind(full) is not Kind.FILE:
        return None
    texts, refusals = tree.read([Candidate(discovery.shown(full, path, here), full, "")])
    if refusals:
        hint = "Name a configuration file that is a regular file there, or check without --base."
        raise UsageError("The configuration file can't be read at the base revision.", hint=hint)
    return texts[0]


def _inside(path: str, here: str, top: str) -> str:
    """Give a path, its folder resolved where need be; raises UsageError where it lies outside of the repository."""
    if path == "-":
        raise UsageError("Standard input has no base revision.", hint="Name files, or check without --base.")
    full = discovery.full_path(path, here)
    if discovery.is_within(full, top):
        return path
    resolved = os.path.join(os.path.realpath(os.path.dirname(full)), os.path.basename(full))
    if discovery.is_within(resolved, top):
        return resolved
    hint = "Start driftcheck in the repository that holds the declarations."
    raise UsageError("A path lies outside of the repository, so it has no base revision.", hint=hint)


def _unambiguous(declarations: Declarations) -> Declarations:
    """Leave out every deployment whose name was declared twice: which of them counted can't be told."""
    twice = {finding.deployment for finding in declarations.findings if finding.rule == "duplicate-name"}
    return replace(declarations, deployments=tuple(each for each in declarations.deployments if each.name not in twice))


def _former_names(path: str, here: str, top: str, commit: str) -> Iterator[str]:
    """Give the files of a commit that a file may have been, which is new since: those that its folder holds no more.

    Which of them it was need not be told: deployments are known by their names.
    """
    full = discovery.full_path(path, here)
    if not os.path.isfile(full):
        return
    folder = os.path.dirname(full)
    below = [] if folder == top else [os.path.relpath(folder, top).replace(os.sep, "/") + "/"]
    listing = _output(here, "ls-tree", "-z", "--name-only", "--full-tree", commit, "--", *below)
    names = {os.path.basename(os.fsdecode(name)) for name in listing.split(b"\0")}
    if os.path.basename(full) not in names:
        gone = (os.path.join(folder, name) for name in sorted(names) if discovery.is_declaration(name))
        yield from (file for file in gone if not os.path.lexists(file))


# --- commits ---


def _top(here: str) -> str:
    """Give the folder of the repository's working tree.

    Raises UsageError for a folder that merely looks like a repository: a tree may hold one, with a configuration of
    its own.
    """
    done = _run(here, "rev-parse", "--show-toplevel", "--absolute-git-dir")
    if done.returncode == 0:
        top, _, own = os.fsdecode(done.stdout.rstrip(b"\n")).rpartition("\n")
        if "GIT_DIR" in os.environ or os.path.realpath(own) == _repository_of(here):
            return top
    if done.returncode == 0 or b"bare repository" in done.stderr:
        hint = "Look at who put HEAD, objects and refs there, or start driftcheck at the repository's root."
        raise UsageError("A folder of the tree looks like a git repository of its own.", hint=hint)
    if b"dubious ownership" in done.stderr:
        hint = "Trust it: `git config --global --add safe.directory FOLDER`."
        raise UsageError("git refuses the repository, because it belongs to another user.", hint=hint)
    raise UsageError("--base needs a git repository, and there is none here.", hint="Start driftcheck in its checkout.")


def _repository_of(here: str) -> str | None:
    """Give the repository that the nearest `.git` from a folder upwards is or names (gitrepository-layout(5))."""
    folder = FilePath(here)
    found = next((each / ".git" for each in (folder, *folder.parents) if os.path.lexists(each / ".git")), None)
    if found is None or not found.is_file():
        return None if found is None else os.path.realpath(found)
    named = found.read_bytes()[:4096].removeprefix(b"gitdir:").strip()
    return os.path.realpath(os.path.join(found.parent, os.fsdecode(named)))


def _commit(here: str, ref: str) -> str:
    """Give the full id of the commit that a revision names."""
    if ref and not ref.startswith("-") and ref.isprintable():
        done = _run(here, "rev-parse", "--quiet", "--verify", f"{ref}^{{commit}}")
        if done.returncode == 0:
            return done.stdout.decode().strip()
    hint = "Name a branch, tag or commit that was fetched, such as origin/main."
    if _is_shallow(here):
        hint += f" This clone is shallow. {_FETCH_HINT}"
    raise UsageError("git does not know the revision that --base names.", hint=hint)


def _merge_base(here: str, commit: str) -> str:
    done = _run(here, "merge-base", commit, "HEAD")
    if done.returncode == 0:
        return done.stdout.decode().strip()
    if _is_shallow(here):
        message = "The history of this shallow clone ends before HEAD and the revision that --base names meet."
        raise UsageError(message, hint=_FETCH_HINT)
    if _run(here, "rev-parse", "--quiet", "--verify", "HEAD^{commit}").returncode != 0:
        raise UsageError("There is no commit yet, so there is no base revision.", hint="Commit first.")
    raise UsageError(
        "HEAD and the revision that --base names have no history in common.", hint="Name a revision that HEAD began at."
    )


def _is_shallow(here: str) -> bool:
    return _run(here, "rev-parse", "--is-shallow-repository").stdout.strip() == b"true"


# --- files of a commit ---


@dataclass(frozen=True, slots=True)
class _Blob:
    id: str
    size: int
    is_link: bool


class _CommitTree:
    """The files of a commit at the paths that matter, as `Search` looks at them."""

    def __init__(self, here: str, top: str, commit: str, named: Sequence[str]) -> None:
        self._here = here
        self._top = top
        self._commit = commit
        self._blobs: dict[str, _Blob] = {}
        self._folders: dict[str, dict[str, Kind]] = {}
        self._submodules: list[str] = []
        fixed = [discovery.split_glob(discovery.full_path(path, here), here)[0] for path in named]
        prefixes = {os.path.relpath(path, top).replace(os.sep, "/") for path in fixed}
        wanted = [] if "." in prefixes else sorted(prefixes)
        if named:
            listing = _output(here, "ls-tree", "-r", "-z", "-l", "--full-tree", commit, "--", *wanted)
            for line in listing.split(b"\0")[:-1]:
                self._add(line)

    def _add(self, line: bytes) -> None:
        facts, _, name = line.partition(b"\t")
        mode, kind, identity, size = facts.split()
        path = os.path.join(self._top, *os.fsdecode(name).split("/"))
        if kind != b"blob":
            self._submodules.append(path)
            return
        if not size.isdigit():
            raise UsageError("Files of the base revision are not in this clone.", hint=_FETCH_HINT)
        self._blobs[path] = _Blob(identity.decode(), int(size), mode == b"120000")
        folder, entry, entry_kind = os.path.dirname(path), os.path.basename(path), Kind.FILE
        while entry not in self._folders.setdefault(folder, {}):
            self._folders[folder][entry] = entry_kind
            if folder == self._top:
                break
            folder, entry, entry_kind = os.path.dirname(folder), os.path.basename(folder), Kind.FOLDER

    def unreadable(self, named: Sequence[str]) -> Iterator[tuple[str, RefusedError]]:
        """Give what the disk shows and the commit does not hold: submodules, and paths that lead through a link."""
        for path in self._submodules:
            if os.path.isdir(path) and os.listdir(path):
                yield path, RefusedError("a submodule, whose files are another repository's")
        steps = {
            step for path in named for step in _steps(os.path.relpath(discovery.full_path(path, self._here), self._top))
        }
        listing = (
            _output(self._here, "ls-tree", "-z", "--full-tree", self._commit, "--", *sorted(steps)) if steps else b""
        )
        for line in listing.split(b"\0")[:-1]:
            facts, _, name = line.partition(b"\t")
            path = os.path.join(self._top, *os.fsdecode(name).split("/"))
            if facts.startswith((b"120000", b"160000")) and path not in self._submodules:
                yield path, RefusedError("a link or submodule, through which a path leads that was named")

    def kind(self, path: str) -> Kind | None:
        """Tell what a path is in the commit."""
        if path in self._folders:
            return Kind.FOLDER
        return Kind.FILE if path in self._blobs else None

    def entries(self, folder: str) -> list[tuple[str, Kind]]:
        """Give the names in a folder of the commit."""
        return list(self._folders.get(folder, {}).items())

    def boundary(self, _path: str) -> str:
        """Give nothing: links in a commit can't lead out of it."""
        return ""

    def read(self, candidates: Sequence[Candidate]) -> tuple[list[SourceText], list[Finding]]:
        """Read files, and those that links in the commit lead to unless they are among them."""
        found: list[tuple[Candidate, _Blob]] = []
        refusals: list[Finding] = []
        for candidate in sorted(candidates, key=lambda c: (self._blobs[c.path].is_link, c.name)):
            try:
                blob = self._resolved(candidate.path)
            except RefusedError as refused:
                refusals.append(discovery.refusal(candidate.name, refused))
                continue
            if not self._blobs[candidate.path].is_link or all(blob.id != other.id for _, other in found):
                found.append((candidate, blob))
        if sum(blob.size for _, blob in found) > discovery.MAX_TOTAL:
            raise UsageError("The files at the base revision are larger than 512 MiB together.", hint="Name fewer.")
        contents = _contents(self._here, [blob.id for _, blob in found])
        return [SourceText(c.name, data, c.layer) for (c, _), data in zip(found, contents, strict=True)], refusals

    def _resolved(self, path: str) -> _Blob:
        """Give a file's blob, or that of the file that a link leads to; raises RefusedError."""
        blob = self._blobs[path]
        if blob.is_link:
            blob = self._follow(path)
        if blob.size > discovery.MAX_BYTES:
            raise discovery.too_large()
        return blob

    def _follow(self, path: str) -> _Blob:
        name = os.path.relpath(path, self._top).replace(os.sep, "/")
        question = os.fsencode(f"{self._commit}:{name}\n")
        if question.count(b"\n") == 1:
            answer = _output(self._here, "cat-file", "--batch-check", "--follow-symlinks", stdin=question)
            match answer.split():
                case [identity, b"blob", size]:
                    return _Blob(identity.decode(), int(size), is_link=False)
        raise RefusedError("a link that leads out of the tree, or nowhere, is not followed")


def _steps(path: str) -> Iterator[str]:
    """Give the folders that a path leads through."""
    segments = path.split(os.sep)[:-1]
    yield from ("/".join(segments[:length]) for length in range(1, len(segments) + 1))


def _contents(here: str, ids: Sequence[str]) -> Iterator[bytes]:
    """Give the contents of blobs."""
    if not ids:
        return
    answer = _output(here, "cat-file", "--batch", stdin="".join(f"{identity}\n" for identity in ids).encode())
    position = 0
    for _ in ids:
        end = answer.index(b"\n", position)
        header = answer[position:end].split()
        if header[1:2] != [b"blob"]:
            raise UsageError("Files of the base revision were not fetched.", hint=_FETCH_HINT)
        start, size = end + 1, int(header[2])
        yield answer[start : start + size]
        position = start + size + 1


# --- git ---


def _output(here: str, *arguments: str, stdin: bytes = b"") -> bytes:
    done = _run(here, *arguments, stdin=stdin)
    if done.returncode != 0:
        message = f"git {arguments[0]} failed with status {done.returncode}, so the base revision can't be read."
        raise UsageError(message, hint=f"Is the clone complete (`git fsck`)? {_FETCH_HINT}")
    return done.stdout


def _run(here: str, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    program = shutil.which("git")
    if program is None:
        raise UsageError("--base needs the program git, which is not installed.", hint="Install git.")
    try:
        return subprocess.run(  # noqa: S603 - no shell, our own arguments, and a revision that can't be an option
            [program, *_OPTIONS, *arguments],
            cwd=here,
            env={**os.environ, **_ENVIRONMENT},
            input=stdin,
            capture_output=True,
            timeout=TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        reason = "took longer than a minute" if isinstance(error, subprocess.TimeoutExpired) else "can't be run"
        raise UsageError(f"git {arguments[0]} {reason}.", hint="Run it by hand to see why.") from None
