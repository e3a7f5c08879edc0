"""Declarations at git commits: finds the commits to compare with, and reads the declarations there.

git only reads objects, without checkout, network, hooks, filters, file monitor, replacements, pager or prompts.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path as FilePath
from typing import Final

from driftcheck.declarations import discovery
from driftcheck.declarations.discovery import Candidate, Kind, RefusedError, Search, Sources, SourceText
from driftcheck.declarations.loader import declare, with_refusals
from driftcheck.errors import BaseError, UsageError
from driftcheck.model import Declaration, Declarations, Finding
from driftcheck.redaction.patterns import holds_credential

TIMEOUT: Final = 60.0
"""Seconds that one call of git may take."""
MAX_MERGE_BASES: Final = 16

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
    "GIT_GRAFT_FILE": os.devnull,
    "LC_ALL": "C",
}
_LOCATING: Final = ("GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_INDEX_FILE")
_INHERITED: Final = re.compile(
    "(?!GIT_)|GIT_CONFIG|GIT_CEILING_DIRECTORIES$|GIT_DISCOVERY_ACROSS_FILESYSTEM$|GIT_EXEC_PATH$"
)
"""Variables that git inherits: those of other programs, and those that say where its configuration and programs are."""
_FETCH_HISTORY: Final = (
    "Fetch the whole history: `git fetch --unshallow`; `fetch-depth: 0` for actions/checkout, `GIT_DEPTH: 0` for "
    "GitLab."
)
_FETCH_FILES: Final = (
    "Fetch them: `git fetch --refetch --no-filter`; or clone without --filter (`filter` of actions/checkout)."
)


@dataclass(frozen=True, slots=True)
class Repository:
    """A working tree and its repository."""

    here: str
    """The folder that relative paths begin at, links resolved."""
    top: str
    environment: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Commits:
    """Full ids of the commits that HEAD is compared with."""

    tip: str
    """What the change will be merged into."""
    merge_bases: tuple[str, ...]
    """Where the change began; the first one is git's choice."""
    head: str = ""
    """What is checked out."""


def open_repository(cwd: FilePath, environ: Mapping[str, str]) -> Repository:
    """Return the repository around a folder.

    The nearest `.git` decides: git's own variables, which hooks inherit, may belong to another working tree, and count
    only if there is no `.git`. Raises UsageError if there is no repository, for one that git refuses, and for a
    folder that only looks like one: a tree may contain one with its own configuration.
    """
    here = os.path.realpath(cwd)
    own = discovery.nearest_repository(here)
    inherited = {name: value for name, value in environ.items() if _INHERITED.match(name)}
    located = {} if own else {name: environ[name] for name in _LOCATING if name in environ}
    repository = Repository(here, here, {**inherited, **located, **_ENVIRONMENT})
    done = _run(repository, "rev-parse", "--show-toplevel", "--absolute-git-dir")
    if done.returncode == 0:
        top, _, found = os.fsdecode(done.stdout.rstrip(b"\n")).rpartition("\n")
        if located or os.path.realpath(found) == own:
            return replace(repository, top=os.path.realpath(top))
    if done.returncode == 0 or b"bare repository" in done.stderr:
        hint = "Look at who put HEAD, objects and refs there, or start driftcheck at the repository's root."
        raise UsageError("A folder of the tree looks like a git repository.", hint=hint)
    if b"dubious ownership" in done.stderr:
        hint = "Trust it: `git config --global --add safe.directory FOLDER`."
        raise UsageError("git refuses the repository, because it belongs to another user.", hint=hint)
    if b"must be run in a work tree" in done.stderr:
        raise UsageError("--base needs a working tree, and this repository is bare.", hint="Start it in a checkout.")
    raise UsageError(
        "--base needs a git repository, and this folder is not in one.", hint="Start driftcheck in a git checkout."
    )


# --- commits ---


def find_commits(repository: Repository, ref: str, *, merge_commit: str | None = None) -> Commits:
    """Return the commits that HEAD is compared with; `ref` names what the change will be merged into.

    `merge_commit` is the commit that the platform says it made by merging the change. If HEAD is that commit, its
    first parent is what the platform merged into, which may be newer than `ref`.
    Raises UsageError for a `ref` that can't be used, BaseError if the history that was fetched does not suffice.
    """
    tip, head = _commit(repository, ref), _verified(repository, "HEAD^{commit}")
    if head is None:
        raise UsageError("The repository has no commit yet, and --base needs one.", hint="Commit first.")
    if merge_commit == head:
        tip = _newer_parent(repository, tip) or tip
    return Commits(tip, _merge_bases(repository, tip, head), head)


_COMMIT: Final = re.compile("[0-9a-f]{40}|[0-9a-f]{64}")


def _commit(repository: Repository, ref: str) -> str:
    """Return the full id of the commit that a revision names."""
    name = re.split(r"[\^~:]|@\{", ref, maxsplit=1)[0]
    if ref and not ref.startswith("-") and ref.isprintable():
        full = _full_name(repository, name)
        if found := _verified(repository, f"{full}{ref.removeprefix(name)}^{{commit}}"):
            return found
    hint = "Name a branch, tag or commit that was fetched, such as origin/main."
    remote = next((each for each in _remotes(repository) if ref.startswith(f"{each}/")), None)
    if remote is not None and re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._/-]*", ref):
        branch = ref.removeprefix(f"{remote}/")
        hint = f"Fetch the branch: `git fetch {remote} {branch}:refs/remotes/{ref}`."
    shown = "" if holds_credential(ref) else f", {ref!a}"
    message = f"git does not know the revision that --base names{shown}."
    if _is_shallow(repository):
        hint += f" This clone is shallow. {_FETCH_HISTORY}"
        if _COMMIT.fullmatch(ref):
            raise BaseError(message, hint=hint)
    raise UsageError(message, hint=hint)


def _full_name(repository: Repository, name: str) -> str:
    """Return the full name of the one ref that a name means; the name itself if it is not that of a ref.

    A change under review can bring tags and branches, so a second ref of the name, or one that only looks like a
    remote branch, is a usage error. Files of the name are never meant.
    """
    if not name or name in ("HEAD", "@") or _COMMIT.fullmatch(name):
        return name
    candidates = (f"refs/{name}", f"refs/tags/{name}", f"refs/heads/{name}", f"refs/remotes/{name}")
    wanted = {name} if name.startswith("refs/") else {*candidates, f"refs/remotes/{name}/HEAD"}
    listing = _output(repository, "for-each-ref", "--format=%(refname)", *sorted(wanted))
    found = sorted(wanted & set(os.fsdecode(listing).splitlines()))
    if not found:
        return name
    if re.fullmatch("[A-Z_]+_HEAD", name):
        hint = f"Name the commit, or --base {found[0]} if that is meant."
        raise UsageError(f"--base {name} is a name that git uses itself, and {found[0]} has it too.", hint=hint)
    is_prefix = re.fullmatch("[0-9a-f]{4,63}", name) is not None
    also = [f"the commit {name}"] if is_prefix and _output(repository, "rev-parse", f"--disambiguate={name}") else []
    if len(found) + len(also) > 1:
        branches = [each for each in (f"refs/remotes/{name}", *found) if each in found and "/tags/" not in each]
        hint = f"Name the one that is meant in full, such as {[*(f'--base {each}' for each in branches), *also][0]}."
        raise UsageError(f"--base {name} is ambiguous: {' and '.join([*found, *also])}.", hint=hint)
    remote = next((each for each in _remotes(repository) if name.startswith(f"{each}/")), None)
    if remote and found[0].startswith(("refs/heads/", "refs/tags/")):
        hint = f"Fetch the branch (`git fetch {remote}`), or name --base {found[0]} if that is meant."
        raise UsageError(f"--base {name} looks like a branch of {remote}, but is {found[0]} here.", hint=hint)
    return found[0]


def _remotes(repository: Repository) -> list[str]:
    return [*os.fsdecode(_output(repository, "remote")).splitlines(), "origin"]


def _verified(repository: Repository, revision: str) -> str | None:
    """Return the full id of what a revision names; None if it names nothing."""
    done = _run(repository, "rev-parse", "--quiet", "--verify", revision)
    return done.stdout.decode().strip() if done.returncode == 0 else None


def _newer_parent(repository: Repository, commit: str) -> str | None:
    """Return the first parent of HEAD if HEAD is a merge and that parent descends from a commit."""
    if _verified(repository, "HEAD^2^{commit}") is None or (parent := _verified(repository, "HEAD^1^{commit}")) is None:
        return None
    descends = _run(repository, "merge-base", "--is-ancestor", commit, parent).returncode == 0
    return parent if descends else None


def _merge_bases(repository: Repository, tip: str, head: str) -> tuple[str, ...]:
    """Return the merge bases of two commits; raises BaseError if a shallow clone may lack one."""
    done = _run(repository, "merge-base", "--all", tip, head)
    found = tuple(done.stdout.decode().split())
    if found in ((tip,), (head,)):
        return found  # an ancestor of the other commit, wherever the history ends
    if _is_shallow(repository) and (len(found) != 1 or _is_cut_off(repository, tip, head)):
        message = "The history of this shallow clone ends before HEAD and the revision that --base names meet."
        raise BaseError(message, hint=_FETCH_HISTORY)
    if not found:
        message = "HEAD and the revision that --base names have no history in common."
        raise UsageError(message, hint="Name the branch that HEAD began at.")
    if len(found) > MAX_MERGE_BASES:
        message = f"HEAD and the revision that --base names have more than {MAX_MERGE_BASES} merge bases."
        raise BaseError(message, hint="Merge that revision into the branch first.")
    return found


def _is_shallow(repository: Repository) -> bool:
    return _run(repository, "rev-parse", "--is-shallow-repository").stdout.strip() == b"true"


def _is_cut_off(repository: Repository, tip: str, head: str) -> bool:
    """Return whether history is missing between two commits and their merge bases, so that a newer one may be hidden.

    If every commit that only one of them descends from has its parents, no path to a merge base is hidden.
    """
    path = os.fsdecode(_output(repository, "rev-parse", "--git-path", "shallow").rstrip(b"\n"))
    ends = set(FilePath(repository.here, path).read_text("ascii").split())
    apart = _output(repository, "rev-list", f"{tip}...{head}").decode().split()
    return not ends.isdisjoint(apart)


# --- declarations ---


def load(repository: Repository, commit: str, paths: Sequence[str], *, name_suffix: str = "") -> Declarations:
    """Read the declarations that paths (as in `discovery.read`) name at a commit.

    Paths that name nothing there declare nothing. Raises UsageError for a path outside of the repository, BaseError
    if a file was not fetched.
    """
    if not paths:
        return Declarations()
    named = [_inside(path, repository) for path in dict.fromkeys(paths)]
    tree = _Tree(repository, commit, _entries_at(repository, commit, _prefixes(repository, named)))
    search = Search(tree, repository.here)
    for path_index, path in enumerate(named):
        search.add(path, path_index)
    for path, refused in tree.unreadable(named):
        search.refuse(path, path, refused)
    texts, refusals = tree.read(search.candidates)
    declarations = declare(_as_checked_out(repository, tree, texts, refusals), name_suffix=name_suffix, linted=None)
    # it is unknown which of two declarations of one deployment counted
    twice = {finding.deployment for finding in declarations.findings if finding.rule == "duplicate-name"}
    known = tuple(each for each in declarations.deployments if each.name not in twice)
    return with_refusals(replace(declarations, deployments=known), (*search.findings, *refusals))


def read_config(repository: Repository, commit: str, file: FilePath) -> SourceText | None:
    """Return a configuration file at a commit; None if there is none."""
    path = _inside(str(file), repository)
    full = discovery.full_path(path, repository.here)
    tree = _Tree(repository, commit, _entries_at(repository, commit, _prefixes(repository, [path])))
    if tree.kind(full) is not Kind.FILE:
        return None
    texts, refusals = tree.read([Candidate(discovery.shown(full, path, repository.here), full, "")])
    if refusals:
        hint = "Name a configuration file that is a regular file there, or check without --base."
        raise UsageError("The configuration file can't be read at the base revision.", hint=hint)
    return texts[0]


def moved(
    repository: Repository, commit: str, new: Set[str], gone: Set[str], read: Set[str], name_suffix: str
) -> tuple[Declarations, Set[str]]:
    """Find entries that moved from one file to another, although the paths name only one of the two.

    Return the declarations at the commit of `new` names whose files no longer declare them, and those of the `gone`
    names that another file declares now. `read` holds the files that were read already.
    """
    changed = _other_changed_files(repository, commit, read)
    candidates = [Candidate(discovery.shown(path, path, repository.here), path, "") for path in changed]
    texts, refusals = _Tree(repository, commit, [*changed.values()]).read(candidates if new else [])
    there = _declared(texts, new, name_suffix)
    names = there.keys() | gone
    here = _declared(_on_disk(repository, changed), names, name_suffix).keys() if names else set()
    entries = tuple(each for name, each in there.items() if name not in here)
    return Declarations(deployments=entries, complete=not refusals), here & gone


def _other_changed_files(repository: Repository, commit: str, read: Set[str]) -> dict[str, _TreeEntry]:
    """Return the declaration files of a commit, by path, that were not read and differ on the disk or are gone."""
    known = {discovery.full_path(name, repository.here) for name in read}
    return {
        entry.path: entry
        for entry in _entries_at(repository, commit, [])
        if discovery.is_declaration(os.path.basename(entry.path)) and entry.path not in known and not entry.is_link
        if not _is_on_disk(entry)
    }


def _on_disk(repository: Repository, paths: Iterable[str]) -> Iterator[SourceText]:
    return (discovery.read_file(path, here=repository.here) for path in paths if os.path.isfile(path))


def _declared(texts: Iterable[SourceText], names: Set[str], name_suffix: str) -> dict[str, Declaration]:
    """Return the named deployments that files declare."""
    wanted = [name.removesuffix(name_suffix).encode() for name in names]
    wanted.append(b"\\")  # a name may be written with escapes
    named = (text for text in texts if any(part in text.data for part in wanted))
    declared = declare(named, name_suffix=name_suffix, linted=None)
    return {each.name: each for each in declared.deployments if each.name in names}


def names_left_out(repository: Repository, path: str) -> bool:
    """Return whether a path names only files that are not checked out."""
    if path == "-" or discovery.names_anything(path, here=repository.here):
        return False
    found = not_checked_out(repository, [path])
    return bool(found.texts or found.findings)


def in_sparse_checkout(cwd: FilePath, environ: Mapping[str, str], paths: Sequence[str]) -> tuple[Sources, set[str]]:
    """Read what `not_checked_out` reads, without a base revision; return also the paths that name nothing else.

    Paths outside of the repository are left alone. Raises BaseError if git can't list those not checked out.
    """
    try:
        repository = open_repository(cwd, environ)
        full = {path: discovery.full_path(path, repository.here) for path in paths if path != "-"}
        within = [path for path in full if discovery.is_within(os.path.realpath(full[path]), repository.top)]
        found = not_checked_out(repository, within)
        return found, {path for path in within if names_left_out(repository, path)}
    except (BaseError, UsageError) as error:
        hint = "Check the declarations out: `git sparse-checkout add FOLDER`, or `git sparse-checkout disable` for all."
        message = f"This is a sparse checkout, and the files that it leaves out can't be read: {error.message}"
        raise BaseError(message, hint=hint) from None


def not_checked_out(repository: Repository, paths: Sequence[str]) -> Sources:
    """Read the files that paths name and that are in HEAD but not checked out (sparse checkouts, --no-checkout).

    They are part of HEAD, so the change did not remove them.
    """
    named = [_inside(path, repository) for path in dict.fromkeys(paths) if path != "-"]
    prefixes = _prefixes(repository, named)
    index = os.fsdecode(_output(repository, "rev-parse", "--git-path", "index").rstrip(b"\n"))
    if os.path.exists(os.path.join(repository.here, index)):
        listing = _output(replace(repository, here=repository.top), "ls-files", "-t", "-s", "-z", "--", *prefixes)
        entries = _entries(repository, (line[2:] for line in listing.split(b"\0") if line.startswith(b"S ")))
    else:
        entries = _entries_at(repository, "HEAD", prefixes)
    missing = [entry for entry in entries if not os.path.lexists(entry.path)]
    if not missing:
        return Sources((), ())
    tree = _Tree(repository, "HEAD", missing)
    search = Search(tree, repository.here)
    for path_index, path in enumerate(dict.fromkeys(paths)):
        if path != "-":
            search.add(_inside(path, repository), path_index)
    texts, refusals = tree.read(search.candidates)
    return Sources(tuple(texts), (*search.findings, *refusals))


def _inside(path: str, repository: Repository) -> str:
    """Return a path, its folder resolved if necessary; raises UsageError if it lies outside of the repository."""
    if path == "-":
        raise UsageError("Standard input has no base revision.", hint="Name files, or check without --base.")
    full = discovery.full_path(path, repository.here)
    if discovery.is_within(full, repository.top):
        return path
    resolved = os.path.join(os.path.realpath(os.path.dirname(full)), os.path.basename(full))
    if discovery.is_within(resolved, repository.top):
        return resolved
    hint = "Start driftcheck in the repository that holds the declarations."
    raise UsageError("A path is outside of the repository, so it has no base revision.", hint=hint)


# --- files of a commit ---


@dataclass(frozen=True, slots=True)
class _TreeEntry:
    """A file, link or submodule of a commit."""

    path: str
    """On the disk, from the root on."""
    id: str
    mode: bytes

    @property
    def is_link(self) -> bool:
        return self.mode == b"120000"

    @property
    def is_submodule(self) -> bool:
        return self.mode == b"160000"


def _prefixes(repository: Repository, named: Sequence[str]) -> list[str]:
    """Return the paths to list, relative to the top, each up to its first glob; empty for everything."""
    here, top = repository.here, repository.top
    fixed = [discovery.split_glob(discovery.full_path(path, here), here)[0] for path in named]
    prefixes = {os.path.relpath(path, top).replace(os.sep, "/") for path in fixed}
    return [] if "." in prefixes else sorted(prefixes)


def _entries_at(
    repository: Repository, commit: str, paths: Sequence[str], *, options: Sequence[str] = ("-r",)
) -> list[_TreeEntry]:
    """Return the files at and below paths of a commit; all of them if there are none."""
    listing = _output(repository, "ls-tree", *options, "-z", "--full-tree", commit, "--", *paths)
    return _entries(repository, listing.split(b"\0")[:-1])


_ENTRY: Final = re.compile(rb"([0-9]+) (?:[a-z]+ )?([0-9a-f]{40,64})(?: [0-9])?\t(.*)", re.DOTALL)
"""As `git ls-tree` (mode, type, id, name) or `git ls-files -s` (mode, id, stage, name) lists it."""


def _entries(repository: Repository, lines: Iterable[bytes]) -> list[_TreeEntry]:
    return [
        _TreeEntry(os.path.join(repository.top, *os.fsdecode(name).split("/")), identity.decode(), mode)
        for line in lines
        for mode, identity, name in _ENTRY.findall(line)
    ]


def _is_on_disk(entry: _TreeEntry) -> bool:
    """Return whether a file has the content that a commit has, byte by byte."""
    try:
        if not os.path.isfile(entry.path) or os.path.getsize(entry.path) > discovery.MAX_BYTES:
            return False
        data = FilePath(entry.path).read_bytes()
    except OSError:
        return False
    algorithm = "sha1" if len(entry.id) == 40 else "sha256"
    header = b"blob %d\0" % len(data)
    return hashlib.new(algorithm, header + data, usedforsecurity=False).hexdigest() == entry.id


class _Tree:
    """The files of a commit, in the form that `Search` needs."""

    def __init__(self, repository: Repository, commit: str, entries: Sequence[_TreeEntry]) -> None:
        self._repository = repository
        self._commit = commit
        self.files = {entry.path: entry for entry in entries if not entry.is_submodule}
        self._submodules = [entry.path for entry in entries if entry.is_submodule]
        self._folders: dict[str, dict[str, Kind]] = {}
        for path in self.files:
            self._add_to_folder(path)

    def _add_to_folder(self, path: str) -> None:
        folder, entry, kind = os.path.dirname(path), os.path.basename(path), Kind.FILE
        while entry not in self._folders.setdefault(folder, {}):
            self._folders[folder][entry] = kind
            if folder == self._repository.top:
                break
            folder, entry, kind = os.path.dirname(folder), os.path.basename(folder), Kind.FOLDER

    def unreadable(self, named: Sequence[str]) -> Iterator[tuple[str, RefusedError]]:
        """Yield paths that are on the disk and not in the commit: submodules, and paths through a link."""
        repository = self._repository
        for path in self._submodules:
            if os.path.isdir(path) and os.listdir(path):
                yield path, RefusedError("a submodule, whose files are another repository's")
        relative = (os.path.relpath(discovery.full_path(path, repository.here), repository.top) for path in named)
        folders = (path.split(os.sep)[:-1] for path in relative)
        steps = {"/".join(names[:length]) for names in folders for length in range(1, len(names) + 1)}
        for entry in _entries_at(repository, self._commit, sorted(steps), options=()) if steps else ():
            if (entry.is_link or entry.is_submodule) and entry.path not in self._submodules:
                yield entry.path, RefusedError("a named path leads through this link or submodule")

    def kind(self, path: str) -> Kind | None:
        """Return what a path is in the commit."""
        if path in self._folders:
            return Kind.FOLDER
        return Kind.FILE if path in self.files else None

    def entries(self, folder: str) -> list[tuple[str, Kind]]:
        """Return the names in a folder of the commit."""
        return list(self._folders.get(folder, {}).items())

    def boundary(self, _path: str) -> str:
        """Return nothing: links in a commit can't lead out of it."""
        return ""

    def read(self, candidates: Sequence[Candidate]) -> tuple[list[SourceText], list[Finding]]:
        """Read files, and the targets of links in the commit unless they are among the files."""
        found: list[tuple[Candidate, str]] = []
        refusals: list[Finding] = []
        for candidate in sorted(candidates, key=lambda c: (self.files[c.path].is_link, c.name)):
            entry = self.files[candidate.path]
            identity = self._follow(entry) if entry.is_link else entry.id
            if identity is None:
                refused = RefusedError("a link that leads out of the tree, or nowhere, is not followed")
                refusals.append(discovery.refusal(candidate.name, refused))
            elif not entry.is_link or all(identity != other for _, other in found):
                found.append((candidate, identity))
        sizes = _sizes(self._repository, [identity for _, identity in found])
        refusals += [
            discovery.refusal(c.name, discovery.too_large()) for c, each in found if sizes[each] > discovery.MAX_BYTES
        ]
        found = [(candidate, identity) for candidate, identity in found if sizes[identity] <= discovery.MAX_BYTES]
        if sum(sizes[identity] for _, identity in found) > discovery.MAX_TOTAL:
            raise UsageError("The files at the base revision are larger than 512 MiB together.", hint="Name fewer.")
        contents = _contents(self._repository, [identity for _, identity in found])
        return [SourceText(c.name, data, c.path_index) for (c, _), data in zip(found, contents, strict=True)], refusals

    def _follow(self, link: _TreeEntry) -> str | None:
        """Return the file that a link leads to; None if it leads out of the tree, nowhere, or can't be asked for."""
        name = os.path.relpath(link.path, self._repository.top).replace(os.sep, "/")
        question = os.fsencode(f"{self._commit}:{name}\n")
        if question.count(b"\n") == 1:
            answer = _output(self._repository, "cat-file", "--batch-check", "--follow-symlinks", stdin=question)
            match answer.split():
                case [identity, b"blob", _]:
                    return identity.decode()
        return None


def _as_checked_out(
    repository: Repository, tree: _Tree, texts: Sequence[SourceText], refusals: list[Finding]
) -> Iterator[SourceText]:
    """Yield the texts of a commit as a checkout would write them.

    Filters (git-crypt, Git LFS, ...) are programs, and are not run. A filtered file that HEAD still has is on the disk;
    one that differs is added to `refusals`.
    """
    full = {text.name: discovery.full_path(text.name, repository.here) for text in texts}
    filtered = _filtered(repository, list(full.values()))
    if not filtered:
        yield from texts
        return
    current = {entry.path: entry.id for entry in _entries_at(repository, "HEAD", _prefixes(repository, list(filtered)))}
    for text in texts:
        path = full[text.name]
        if path not in filtered:
            yield text
        elif path in tree.files and current.get(path) == tree.files[path].id and os.path.isfile(path):
            yield replace(discovery.read_file(path, here=repository.here), name=text.name)
        else:
            message = f"git's filter {filtered[path]} changes this file when it is checked out"
            hint = "The file differs from the one at HEAD, and filters are not run: its differences count as drift."
            refusals.append(discovery.refusal(text.name, RefusedError(message, hint)))


def _filtered(repository: Repository, paths: Sequence[str]) -> dict[str, str]:
    """Return the paths whose content git changes by a program on checkout, each with the name of the filter."""
    if not paths:
        return {}
    configured = _run(repository, "config", "--get-regexp", "--name-only", "-z", r"^filter\..*\.(smudge|process)$")
    if configured.returncode != 0:
        return {}
    drivers = {name.rpartition(b".")[0].removeprefix(b"filter.") for name in configured.stdout.split(b"\0")}
    stdin = b"".join(os.fsencode(path) + b"\0" for path in paths)
    fields = _output(repository, "check-attr", "-z", "--stdin", "filter", stdin=stdin).split(b"\0")
    answers = zip(fields[::3], fields[2::3], strict=False)
    return {os.fsdecode(path): os.fsdecode(driver) for path, driver in answers if driver in drivers}


def _sizes(repository: Repository, ids: Sequence[str]) -> dict[str, int]:
    """Return the sizes of files; raises BaseError if one was not fetched."""
    if not ids:
        return {}
    done = _run(repository, "cat-file", "--batch-check", stdin="".join(f"{each}\n" for each in ids).encode())
    answers = [line.split() for line in done.stdout.splitlines()]
    if done.returncode != 0 or any(len(answer) != 3 for answer in answers):
        raise _not_fetched(repository, "its files are not in this clone")
    return {identity.decode(): int(size) for identity, _, size in answers}


def _contents(repository: Repository, ids: Sequence[str]) -> Iterator[bytes]:
    """Yield the contents of files."""
    if not ids:
        return
    answer = _output(repository, "cat-file", "--batch", stdin="".join(f"{each}\n" for each in ids).encode())
    position = 0
    for _ in ids:
        end = answer.index(b"\n", position)
        start, size = end + 1, int(answer[position:end].split()[2])
        yield answer[start : start + size]
        position = start + size + 1


# --- git ---


def _not_fetched(repository: Repository, reason: str) -> BaseError:
    """Return the error for objects that this clone does not hold."""
    key = r"^remote\..*\.partialclonefilter$"
    partial = _run(repository, "config", "--get-regexp", key).stdout.decode("utf-8", "replace").split()
    if partial:
        message = f"this is a partial clone ({partial[-1]}), and some of the files are not in it."
        return BaseError(message, hint=_FETCH_FILES)
    message = f"the base revision can't be read: {reason}."
    return BaseError(message, hint=f"Is the clone complete (`git fsck`)? {_FETCH_HISTORY}")


def _output(repository: Repository, *arguments: str, stdin: bytes = b"") -> bytes:
    done = _run(repository, *arguments, stdin=stdin)
    if done.returncode != 0:
        raise _not_fetched(repository, f"git {arguments[0]} failed with status {done.returncode}")
    return done.stdout


def _run(repository: Repository, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    program = shutil.which("git", path=repository.environment.get("PATH"))
    if program is None:
        raise UsageError("--base needs the program git, which is not installed.", hint="Install git.")
    try:
        return subprocess.run(  # noqa: S603 - no shell, our own arguments, and a revision that can't be an option
            [program, *_OPTIONS, *arguments],
            cwd=repository.here,
            env=dict(repository.environment),
            input=stdin,
            capture_output=True,
            timeout=TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        reason = "took longer than a minute" if isinstance(error, subprocess.TimeoutExpired) else "can't be run"
        raise UsageError(f"git {arguments[0]} {reason}.", hint="Run it by hand to see why.") from None
