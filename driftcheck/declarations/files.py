"""Paths -> the bytes of files: the only place that reads declarations from the disk.

The tree may come from strangers: only regular files are read, each once, links only inside of the tree and never into
`.git` (FAULTS.md 3.1, R4 to R7).
"""

from __future__ import annotations

import fnmatch
import os
import re
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from driftcheck.errors import UsageError
from driftcheck.model import Finding, Location
from driftcheck.rules import RULES

MAX_BYTES: Final = 32 * 2**20
"""Size of one file."""
MAX_TOTAL: Final = 512 * 2**20
MAX_FILES: Final = 10_000
MAX_FOLDERS: Final = 100_000
STDIN: Final = "<stdin>"
CONFIG_NAME: Final = "driftcheck.yaml"

_SUFFIXES: Final = (".yaml", ".yml")
_MAGIC: Final = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True)
class SourceText:
    """A file's bytes, and its name as reports show it: relative to the current folder where it lies below."""

    name: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Sources:
    """What was read, by name, and what could not be."""

    texts: tuple[SourceText, ...]
    findings: tuple[Finding, ...]


class _RefusedError(Exception):
    """A file that is not read, and why."""

    def __init__(self, message: str, hint: str | None = None, rule: str = "unreadable-file") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.rule = rule


@dataclass(frozen=True, slots=True, order=True)
class _Candidate:
    is_link: bool
    name: str
    path: str
    tree: str


def read(paths: Sequence[str], *, stdin: Callable[[], bytes] | None = None, here: str | None = None) -> Sources:
    """Read the files that paths name: files, folders, globs, or `-` for what `stdin` gives.

    Folders are searched deep for *.yaml and *.yml; dot names and driftcheck.yaml are passed over. Relative paths begin
    at `here`, by default the current folder. Raises UsageError where a path names nothing.
    """
    search = _Search(here or os.getcwd())
    texts = []
    for path in dict.fromkeys(paths):
        if path == "-" and stdin is not None:
            texts.append(SourceText(STDIN, stdin()))
        else:
            search.add(path)
    seen: set[tuple[int, int]] = set()
    total = 0
    for candidate in sorted(search.candidates):
        try:
            data = _read_once(candidate, seen)
        except _RefusedError as refused:
            search.findings.append(_finding(candidate.name, refused))
            continue
        if data is not None:
            texts.append(SourceText(candidate.name, data))
            total += len(data)
        if total > MAX_TOTAL:
            raise UsageError("The files are larger than 512 MiB together.", hint="Check them in several runs.")
    return Sources(tuple(sorted(texts, key=lambda text: text.name)), tuple(search.findings))


def read_file(path: str, *, here: str | None = None) -> SourceText:
    """Read one file under the same rules; raises UsageError where it can't be."""
    here = here or os.getcwd()
    full = _full(path, here)
    name = _shown(full, path, here)
    try:
        data = _read_once(_Candidate(os.path.islink(full), name, full, _tree(full, here)), set())
    except _RefusedError as refused:
        raise UsageError(f"{name}: {refused.message}.", hint=refused.hint) from None
    return SourceText(name, data or b"")


def _finding(name: str, refused: _RefusedError) -> Finding:
    rule = RULES[refused.rule]
    location = Location(name, 1, 1)
    return Finding(rule.id, rule.severity, refused.message, refused.hint or rule.hint, location=location)


# --- finding ---


class _Search:
    """Collects the files that paths name, without reading any."""

    def __init__(self, here: str) -> None:
        self.candidates: list[_Candidate] = []
        self.findings: list[Finding] = []
        self._here = here
        self._folders = 0

    def add(self, path: str) -> None:
        """Add what one path names; raises UsageError where that is nothing."""
        full = _full(path, self._here)
        before = len(self.candidates) + len(self.findings)
        if os.path.isdir(full):
            self._add_named_folder(full, path)
        elif os.path.lexists(full):
            self._add_file(full, path, _tree(full, self._here))
        elif _MAGIC.search(path):
            self._add_glob(full, path)
        else:
            hint = "Check the spelling, and the folder that driftcheck was started in."
            raise UsageError(f"There is no file or folder {_displayable(path)}.", hint=hint)
        if len(self.candidates) + len(self.findings) == before:
            hint = "Folders are searched for *.yaml and *.yml, without dot names and driftcheck.yaml."
            raise UsageError(f"{_displayable(path)} holds no declarations.", hint=hint)

    def _add_named_folder(self, full: str, path: str) -> None:
        tree = _tree(full, self._here)
        try:
            _inside(os.path.realpath(full), tree)
        except _RefusedError as refused:
            self.findings.append(_finding(_shown(full, path, self._here), refused))
        else:
            self._add_folder(full, path, tree)

    def _add_folder(self, full: str, path: str, tree: str) -> None:
        for entry in self._entries(full, path):
            if entry.is_dir(follow_symlinks=False):
                self._add_folder(entry.path, path, tree)
            elif entry.is_dir():
                self._skip_link(entry.path, path)
            elif entry.name.endswith(_SUFFIXES) and entry.name != CONFIG_NAME:
                self._add_file(entry.path, path, tree)

    def _add_glob(self, full: str, path: str) -> None:
        segments = full.split(os.sep)
        first = next(number for number, segment in enumerate(segments) if _MAGIC.search(segment))
        base = os.sep.join(segments[:first]) or os.sep
        if os.path.isdir(base):
            tree = _tree(base, self._here)
            try:
                _inside(os.path.realpath(base), tree)
            except _RefusedError as refused:
                self.findings.append(_finding(_shown(base, path, self._here), refused))
            else:
                self._match(base, path, tree, tuple(segments[first:]), _reach(segments[first:], {0}))

    def _match(self, folder: str, path: str, tree: str, segments: tuple[str, ...], reached: frozenset[int]) -> None:
        """Match the entries of a folder, `reached` being the segments that they may fit."""
        for entry in self._entries(folder, path, hidden=any(segments[i].startswith(".") for i in reached)):
            further = {i if segments[i] == "**" else i + 1 for i in reached if _fits(entry.name, segments[i])}
            following = _reach(segments, further)
            matched = len(segments) in following
            if entry.is_dir():
                if entry.is_symlink():
                    if following:
                        self._skip_link(entry.path, path)
                elif matched and segments[-1] != "**":
                    self._add_folder(entry.path, path, tree)
                else:
                    self._match(entry.path, path, tree, segments, following - {len(segments)})
            elif matched and _is_wanted(entry.name, segments[-1]):
                self._add_file(entry.path, path, tree)

    def _entries(self, folder: str, path: str, *, hidden: bool = False) -> list[os.DirEntry[str]]:
        self._folders += 1
        if self._folders > MAX_FOLDERS:
            raise UsageError(f"{_displayable(path)} holds more than 100,000 folders.", hint="Name a folder below.")
        try:
            with os.scandir(folder) as entries:
                found = [entry for entry in entries if hidden or not entry.name.startswith(".")]
        except OSError as error:
            refused = _RefusedError(f"the folder can't be searched ({error.strerror})")
            self.findings.append(_finding(_shown(folder, path, self._here), refused))
            return []
        return sorted(found, key=lambda entry: entry.name)

    def _add_file(self, full: str, path: str, tree: str) -> None:
        name = _shown(full, path, self._here)
        self.candidates.append(_Candidate(os.path.islink(full), name, full, tree))
        if len(self.candidates) > MAX_FILES:
            raise UsageError("The paths name more than 10,000 files.", hint="Name fewer, or check in several runs.")

    def _skip_link(self, full: str, path: str) -> None:
        refused = _RefusedError("a link to a folder, which is not searched", rule="skipped-link")
        self.findings.append(_finding(_shown(full, path, self._here), refused))


def _reach(segments: Sequence[str], positions: set[int]) -> frozenset[int]:
    """Add the positions behind each `**`, which may stand for nothing."""
    reached = set(positions)
    for position in range(len(segments)):
        if position in reached and segments[position] == "**":
            reached.add(position + 1)
    return frozenset(reached)


def _fits(name: str, segment: str) -> bool:
    if name.startswith(".") and not segment.startswith("."):
        return False
    return segment == "**" or fnmatch.fnmatchcase(name, segment)


def _is_wanted(name: str, segment: str) -> bool:
    return name != CONFIG_NAME and (name.endswith(_SUFFIXES) or "." in segment)


# --- trees ---


def _full(path: str, here: str) -> str:
    if "\0" in path or not path:
        raise UsageError("A path is empty or holds a NUL.", hint="Name a file, a folder or a glob.")
    return os.path.normpath(os.path.join(here, path))


def _tree(full: str, here: str) -> str:
    """Give the folder that links below a path may not lead out of: its repository, else the current folder or its own.

    A repository that is entered through a link that leads out of another is not taken for it.
    """
    is_folder = os.path.isdir(full) and not os.path.islink(full)
    start = full if is_folder else os.path.dirname(full)
    tree = None
    for folder in _outermost_first(start):
        if os.path.lexists(os.path.join(folder, ".git")):
            real = os.path.realpath(folder)
            if tree is None or _is_within(real, tree):
                tree = real
    if tree is not None:
        return tree
    return os.path.realpath(here) if _is_within(full, here) else os.path.realpath(start)


def _outermost_first(folder: str) -> Iterator[str]:
    parent = os.path.dirname(folder)
    if parent != folder:
        yield from _outermost_first(parent)
    yield folder


def _is_within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def _inside(real: str, tree: str) -> None:
    """Raise _RefusedError where a resolved path lies outside of a tree, or in `.git`."""
    if not _is_within(real, tree):
        raise _RefusedError("a link that leads out of the tree is not followed")
    if any(part.lower() == ".git" for part in real[len(tree) :].split(os.sep)):
        raise _RefusedError("files in .git are not read")


def _shown(full: str, path: str, here: str) -> str:
    """Give a file's name for reports: as from `here` where it lies below or the path was relative."""
    relative = _is_within(full, here) or not os.path.isabs(path)
    return (os.path.relpath(full, here) if relative else full).replace(os.sep, "/")


def _displayable(path: str) -> str:
    return os.fsencode(path).decode(errors="backslashreplace") if path.isprintable() else ascii(path)[1:-1]


# --- reading ---

_FLAGS: Final = os.O_RDONLY | sum(
    getattr(os, flag, 0) for flag in ("O_NONBLOCK", "O_NOFOLLOW", "O_CLOEXEC", "O_BINARY")
)


def _read_once(candidate: _Candidate, seen: set[tuple[int, int]]) -> bytes | None:
    """Read a regular file, unless it was `seen` already; raises _RefusedError."""
    real = os.path.realpath(candidate.path)
    _inside(real, candidate.tree)
    try:
        descriptor = os.open(real, _FLAGS)
    except OSError as error:
        raise _RefusedError(f"the file can't be read ({error.strerror})") from None
    with open(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise _RefusedError("this is no regular file")
        if status.st_size > MAX_BYTES:
            raise _RefusedError("the file is larger than 32 MiB", "Split it into several files.", "yaml-limit")
        if (status.st_dev, status.st_ino) in seen:
            return None
        seen.add((status.st_dev, status.st_ino))
        try:
            return file.read(MAX_BYTES + 1)
        except OSError as error:
            raise _RefusedError(f"the file can't be read ({error.strerror})") from None
