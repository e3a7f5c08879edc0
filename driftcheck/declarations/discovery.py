"""Discovery: finds the files that paths name, and is the only place that reads them from the disk.

The tree may be hostile: only regular files are read, each once; links must stay inside the tree and out of
`.git` (docs/threat-model.md 3.1, R4 to R7).
"""

from __future__ import annotations

import fnmatch
import os
import re
import stat
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Final, Protocol

from driftcheck.errors import UsageError
from driftcheck.model import Finding, Location
from driftcheck.rules import make_finding

if TYPE_CHECKING:
    from driftcheck.yamlfile.parsed import Parsed

MAX_BYTES: Final = 32 * 2**20
"""Size of one file."""
MAX_TOTAL: Final = 512 * 2**20
MAX_FILES: Final = 10_000
MAX_FOLDERS: Final = 100_000
MAX_FOLDER_DEPTH: Final = 64
STDIN: Final = "<stdin>"
CONFIG_NAME: Final = "driftcheck.yaml"

_SUFFIXES: Final = (".yaml", ".yml")
_LOOKS_LIKE_YAML: Final = re.compile(r"\.ya?ml\b", re.IGNORECASE)
_MAGIC: Final = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True)
class SourceText:
    """A file's bytes, and its name as reports show it: relative to the current folder if it lies below."""

    name: str
    data: bytes = field(repr=False)
    path_index: int = 0
    """The position of the path that named it; overlays change deployments of earlier paths."""
    parsed: Parsed | None = field(default=None, repr=False, compare=False)
    """Its parsed content, if that is known."""


@dataclass(frozen=True, slots=True)
class Sources:
    """The files that were read, by name, and those that could not be."""

    texts: tuple[SourceText, ...] = ()
    findings: tuple[Finding, ...] = ()


class Kind(Enum):
    """The kind of a path in a tree."""

    FILE = "file"
    """A regular file, or a link to what may be one."""
    FOLDER = "folder"
    LINKED_FOLDER = "linked folder"


class RefusedError(Exception):
    """A file or folder that is not read, and why."""

    def __init__(self, message: str, hint: str | None = None, rule: str = "unreadable-file") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.rule = rule


class Tree(Protocol):
    """Where files are looked for: the disk, or a commit. Paths are absolute and normalised."""

    def kind(self, path: str) -> Kind | None:
        """Return what a path is; None if nothing is there."""

    def entries(self, folder: str) -> list[tuple[str, Kind]]:
        """Return the names in a folder; raises RefusedError."""

    def boundary(self, path: str) -> str:
        """Return the folder that links below a path must stay in; raises RefusedError if the path leaves it."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file that a path named: its name in reports, its path, the boundary for links, and the position of the path."""

    name: str
    path: str
    boundary: str
    path_index: int = 0
    may_be_pipe: bool = False
    """Whether the path names the file itself: a pipe that was found in a folder is not waited for."""


def read(
    paths: Sequence[str],
    *,
    stdin: Callable[[], bytes] | None = None,
    here: str | None = None,
    elsewhere: Container[str] = (),
) -> Sources:
    """Read the files that paths name: files, folders, globs, or `-` for what `stdin` returns.

    Folders are searched recursively for *.yaml and *.yml; dot names and driftcheck.yaml are skipped. Paths are relative
    to `here`, by default the current folder. Raises UsageError if a path names nothing, unless its files are
    `elsewhere`.
    """
    here = here or os.getcwd()
    named = list(dict.fromkeys(paths))
    texts = []
    search = Search(_Disk(here), here)
    for path_index, path in enumerate(named):
        if path == "-" and stdin is not None:
            texts.append(SourceText(STDIN, stdin(), path_index))
        elif not search.add(path, path_index) and path not in elsewhere:
            raise _nothing_there(path, here)
    refusals: list[Finding] = []
    texts += _read_all(search.candidates, refusals)
    return Sources(tuple(sorted(texts, key=lambda text: text.name)), (*search.findings, *refusals))


def names_anything(path: str, *, here: str | None = None) -> bool:
    """Return whether a path, as `read` takes it, names a file to read."""
    here = here or os.getcwd()
    return Search(_Disk(here), here).add(path)


def _nothing_there(path: str, here: str) -> UsageError:
    if os.path.lexists(full_path(path, here)) or _MAGIC.search(path):
        hint = "Folders are searched for *.yaml and *.yml, without dot names and driftcheck.yaml."
        return UsageError(f"{_displayable(path)} holds no declarations.", hint=hint)
    hint = "Check the spelling, and the folder that driftcheck was started in."
    return UsageError(f"{_displayable(path)} does not exist.", hint=hint)


def _read_all(candidates: Sequence[Candidate], refusals: list[Finding]) -> Iterator[SourceText]:
    """Read every file once, before links to it; what is refused is added to `refusals`."""
    seen: set[tuple[int, int]] = set()
    total = 0
    for candidate in sorted(candidates, key=lambda c: (os.path.islink(c.path), c.name)):
        try:
            data = _read_once(candidate, seen)
        except RefusedError as refused:
            refusals.append(refusal(candidate.name, refused))
            continue
        if data is not None:
            yield SourceText(candidate.name, data, candidate.path_index)
            total += len(data)
        if total > MAX_TOTAL:
            raise UsageError("The files are larger than 512 MiB together.", hint="Check them in several runs.")


def read_file(path: str, *, here: str | None = None) -> SourceText:
    """Read one file under the same rules; raises UsageError if it can't be."""
    here = here or os.getcwd()
    full = full_path(path, here)
    name = shown(full, path, here)
    try:
        data = _read_once(Candidate(name, full, _Disk(here).boundary(full)), set())
    except RefusedError as refused:
        raise UsageError(f"{_displayable(name)}: {refused.message}.", hint=refused.hint) from None
    return SourceText(name, data or b"")


def refusal(name: str, refused: RefusedError) -> Finding:
    """Return the finding for a file that was not read."""
    return make_finding(refused.rule, refused.message, hint=refused.hint, location=Location(name, 1, 1))


# --- finding ---


@dataclass(frozen=True, slots=True)
class _Named:
    """A path as it was named, and how its files are searched for."""

    path: str
    path_index: int
    boundary: str
    pattern: tuple[str, ...]
    """The segments of a glob from the first that is special on; empty for a path that is not a glob."""


class Search:
    """Collects the files that paths name, without reading any; the same on the disk and in a commit."""

    def __init__(self, tree: Tree, here: str) -> None:
        self._candidates: dict[str, Candidate] = {}
        self._refused: dict[str, Finding] = {}
        self._tree = tree
        self._here = here
        self._links: dict[str, tuple[str, frozenset[int]]] = {}
        """Links to folders: the path that led to each, and the segments of its pattern that are reached there."""
        self._searched: dict[str, frozenset[int]] = {}
        """What was searched for in each folder, by its real path."""
        self._folders = 0
        self._met = 0

    @property
    def candidates(self) -> Sequence[Candidate]:
        """The files, each once."""
        return tuple(self._candidates.values())

    @property
    def findings(self) -> Sequence[Finding]:
        """What was not read; a link to a folder is left out if the folder was searched under its own name."""
        message = "a link to a folder whose files were not read under another path"
        for full, (path, reached) in self._links.items():
            searched = self._searched.get(os.path.realpath(full), frozenset())
            if not reached <= searched and not searched >= _ALL:
                self.refuse(full, path, RefusedError(message, rule="skipped-link"))
        return tuple(self._refused.values())

    def add(self, path: str, path_index: int = 0) -> bool:
        """Add what one path names, and return whether that is anything."""
        full = full_path(path, self._here)
        before = self._met
        start, pattern = (full, ()) if self._tree.kind(full) is not None else split_glob(full, self._here)
        kind = self._tree.kind(start)
        try:
            named = _Named(path, path_index, self._tree.boundary(start), pattern)
        except RefusedError as refused:
            self.refuse(start, path, refused)
            return True
        if kind is Kind.FILE and not pattern:
            self._add_file(named, start, may_be_pipe=True)
        elif kind in (Kind.FOLDER, Kind.LINKED_FOLDER):
            if pattern:
                self._match(named, start, _reach(pattern, {0}))
            else:
                self._add_folder(named, start)
        return self._met > before

    def refuse(self, full: str, path: str, refused: RefusedError) -> None:
        """Report a file or folder that is not read."""
        self._met += 1
        self._refused.setdefault(full, refusal(shown(full, path, self._here), refused))

    def _add_file(self, named: _Named, full: str, *, may_be_pipe: bool = False) -> None:
        self._met += 1
        name = shown(full, named.path, self._here)
        self._candidates.setdefault(full, Candidate(name, full, named.boundary, named.path_index, may_be_pipe))
        if len(self._candidates) > MAX_FILES:
            raise UsageError("The paths name more than 10,000 files.", hint="Name fewer, or check in several runs.")

    def _add_folder(self, named: _Named, folder: str, depth: int = 0) -> None:
        """Add the declarations of a folder and of those below it."""
        for name, kind in self._entries(named, folder, depth, _ALL):
            full = os.path.join(folder, name)
            if name.startswith("."):
                continue
            if kind is Kind.FOLDER:
                self._add_folder(named, full, depth + 1)
            elif kind is Kind.LINKED_FOLDER:
                self._skip_link(named, full, _ALL)
            elif is_declaration(name):
                self._add_file(named, full)
            elif _LOOKS_LIKE_YAML.search(name) and name != CONFIG_NAME:
                self.refuse(
                    full, named.path, RefusedError("the file looks like YAML and is not read", rule="skipped-file")
                )
                self._met -= 1  # a folder of such files alone holds no declarations

    def _match(self, named: _Named, folder: str, reached: frozenset[int], depth: int = 0) -> None:
        """Match the entries of a folder, `reached` being the segments of the pattern that they may fit."""
        pattern, end = named.pattern, len(named.pattern)
        for name, kind in self._entries(named, folder, depth, reached):
            fitting = {position for position in reached if position < end and _fits(name, pattern[position])}
            further = {position if pattern[position] == "**" else position + 1 for position in fitting}
            following = _reach(pattern, further)
            full = os.path.join(folder, name)
            if kind is Kind.FILE:
                is_wanted = name != CONFIG_NAME and (name.lower().endswith(_SUFFIXES) or "." in pattern[-1])
                if end in following and is_wanted:
                    self._add_file(named, full)
            elif following and kind is Kind.LINKED_FOLDER:
                self._skip_link(named, full, following)
            elif end in following and pattern[-1] != "**":
                self._add_folder(named, full, depth + 1)
            elif following:
                self._match(named, full, following, depth + 1)

    def _entries(self, named: _Named, folder: str, depth: int, reached: frozenset[int]) -> list[tuple[str, Kind]]:
        """Return the names in a folder, sorted; raises UsageError if there is too much to search."""
        self._folders += 1
        real = os.path.realpath(folder)
        self._searched[real] = reached | self._searched.get(real, frozenset())
        if self._folders > MAX_FOLDERS or depth > MAX_FOLDER_DEPTH:
            message = f"{_displayable(named.path)} holds too many folders to search."
            raise UsageError(message, hint="Name a folder below.")
        try:
            return sorted(self._tree.entries(folder), key=lambda entry: entry[0])
        except RefusedError as refused:
            self.refuse(folder, named.path, refused)
            return []

    def _skip_link(self, named: _Named, full: str, reached: frozenset[int]) -> None:
        """Remember a link to a folder, which is not followed."""
        self._met += 1
        self._links[full] = named.path, reached


def split_glob(full: str, here: str) -> tuple[str, tuple[str, ...]]:
    """Split a path into the folder before the first segment that holds `*`, `?` or `[`, and the segments from it on."""
    segments = full.split(os.sep)
    fixed = len(here.split(os.sep)) if is_within(full, here) else 0
    for number, segment in enumerate(segments):
        if number >= fixed and _MAGIC.search(segment):
            return os.sep.join(segments[:number]) or os.sep, tuple(segments[number:])
    return full, ()


_ALL: Final = frozenset({-1})
"""Represents all segments of any pattern: every declaration is searched for."""


def _reach(pattern: Sequence[str], positions: set[int]) -> frozenset[int]:
    """Add the positions behind each `**`, which may match nothing."""
    reached = set(positions)
    for position, segment in enumerate(pattern):
        if position in reached and segment == "**":
            reached.add(position + 1)
    return frozenset(reached)


def _fits(name: str, segment: str) -> bool:
    if name.startswith(".") and not segment.startswith("."):
        return False
    return segment == "**" or fnmatch.fnmatchcase(name, segment)


def nearest_repository(here: str) -> str | None:
    """Return the repository that the nearest `.git` from a folder upwards is or names (gitrepository-layout(5))."""
    folder = next((each for each in _upwards(here) if os.path.lexists(os.path.join(each, ".git"))), None)
    if folder is None:
        return None
    found = os.path.join(folder, ".git")
    if not os.path.isfile(found):
        return os.path.realpath(found)
    with open(found, "rb") as file:
        named = file.read(4096).removeprefix(b"gitdir:").strip()
    return os.path.realpath(os.path.join(folder, os.fsdecode(named)))


def is_sparse_checkout(here: str) -> bool:
    """Return whether files around a folder may be in HEAD and not on the disk, without asking git."""
    try:
        repository = nearest_repository(os.path.realpath(here))
    except OSError:
        return False
    return repository is not None and os.path.exists(os.path.join(repository, "info", "sparse-checkout"))


def is_declaration(name: str) -> bool:
    """Return whether a file in a folder counts as declarations, by its name."""
    return name.lower().endswith(_SUFFIXES) and name != CONFIG_NAME and not name.startswith(".")


def full_path(path: str, here: str) -> str:
    """Return an absolute path; raises UsageError for an invalid one."""
    if "\0" in path or not path:
        raise UsageError("A path is empty or holds a NUL.", hint="Name a file, a folder or a glob.")
    return os.path.normpath(os.path.join(here, path))


def shown(full: str, path: str, here: str) -> str:
    """Return a file's name for reports: as from `here` if it lies below, or if the path was relative."""
    relative = is_within(full, here) or not os.path.isabs(path)
    return (os.path.relpath(full, here) if relative else full).replace(os.sep, "/")


def is_within(path: str, folder: str) -> bool:
    """Return whether a path is a folder or lies below it."""
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def _displayable(path: str) -> str:
    return path if path.isprintable() else ascii(path)[1:-1]


# --- the disk ---


@dataclass(frozen=True, slots=True)
class _Disk:
    here: str

    def kind(self, path: str) -> Kind | None:
        if os.path.isdir(path):
            return Kind.LINKED_FOLDER if os.path.islink(path) else Kind.FOLDER
        return Kind.FILE if os.path.lexists(path) else None

    def entries(self, folder: str) -> list[tuple[str, Kind]]:
        try:
            with os.scandir(folder) as entries:
                return [(entry.name, _entry_kind(entry)) for entry in entries]
        except OSError as error:
            raise RefusedError(f"the folder can't be searched ({error.strerror})") from None

    def boundary(self, path: str) -> str:
        """Return the repository around a path, else the current folder or the path's own.

        A repository that a link out of another one leads to does not count.
        """
        is_folder = os.path.isdir(path)
        start = path if is_folder and not os.path.islink(path) else os.path.dirname(path)
        boundary = None
        for folder in reversed([*_upwards(start)]):
            if os.path.lexists(os.path.join(folder, ".git")):
                real = os.path.realpath(folder)
                if boundary is None or is_within(real, boundary):
                    boundary = real
        if boundary is None:
            boundary = os.path.realpath(self.here if is_within(path, self.here) else start)
        if is_folder:
            _check_inside(os.path.realpath(path), boundary)
        return boundary


def _entry_kind(entry: os.DirEntry[str]) -> Kind:
    try:
        if entry.is_dir():
            return Kind.LINKED_FOLDER if entry.is_symlink() else Kind.FOLDER
    except OSError:
        pass  # a circular link: reading it reports that
    return Kind.FILE


def _upwards(folder: str) -> Iterator[str]:
    """Yield a folder and those around it."""
    yield folder
    while (above := os.path.dirname(folder)) != folder:
        folder = above
        yield folder


def _check_inside(real: str, boundary: str) -> None:
    """Raise RefusedError if a resolved path lies outside of a boundary, or in `.git`."""
    if not is_within(real, boundary):
        raise RefusedError("a link that leads out of the tree is not followed")
    if any(part.lower() == ".git" for part in real[len(boundary) :].split(os.sep)):
        raise RefusedError("files in .git are not read")


_FLAGS: Final = os.O_RDONLY | sum(
    getattr(os, flag, 0) for flag in ("O_NONBLOCK", "O_NOFOLLOW", "O_CLOEXEC", "O_BINARY")
)


def _read_once(candidate: Candidate, seen: set[tuple[int, int]]) -> bytes | None:
    """Read a regular file, unless it was `seen` already, or a pipe; raises RefusedError."""
    try:
        if is_descriptor(candidate.path) or (candidate.may_be_pipe and _is_fifo(candidate.path)):
            with open(candidate.path, "rb") as file:
                return file.read(MAX_BYTES + 1)
        real = os.path.realpath(candidate.path)
        _check_inside(real, candidate.boundary)
        descriptor = os.open(real, _FLAGS)
        with open(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise RefusedError("this is not a regular file")
            if status.st_size > MAX_BYTES:
                raise too_large()
            if (status.st_dev, status.st_ino) in seen:
                return None
            seen.add((status.st_dev, status.st_ino))
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise RefusedError(f"the file can't be read ({error.strerror})") from None


def is_descriptor(path: str) -> bool:
    """Return whether a path is an open file of the process: one of `<(command)`, or standard input."""
    return _DESCRIPTOR.fullmatch(path) is not None


_DESCRIPTOR: Final = re.compile(r"/dev/stdin|/(?:dev|proc/self)/fd/[0-9]+")


def _is_fifo(path: str) -> bool:
    try:
        return stat.S_ISFIFO(os.stat(path).st_mode)
    except OSError:
        return False


def too_large() -> RefusedError:
    """Return the refusal of a file that is larger than MAX_BYTES."""
    return RefusedError("the file is larger than 32 MiB", "Split it into several files.", "yaml-limit")
