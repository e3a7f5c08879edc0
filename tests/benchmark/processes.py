"""Whole processes, measured from outside: wall-clock time, CPU time, and the memory of the process tree."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_INTERVAL: Final = 0.01
"""Seconds between two samples of the memory of a process tree."""
_PAGE: Final = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
_MAXRSS_UNIT: Final = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True, slots=True)
class Command:
    """A program with its arguments and additional environment variables."""

    name: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    statuses: frozenset[int] = frozenset({0})
    """Exit statuses of a successful run."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """One run: seconds, and the peak memory of all its processes together in bytes."""

    wall: float
    cpu: float
    peak: int


def measure(command: Command) -> Measurement:
    """Run a command to its end and discard its output; raises RuntimeError if it fails."""
    environment = {**os.environ, **command.environment}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryFile() as errors:
        began = time.perf_counter()
        process = subprocess.Popen(command.arguments, env=environment, stdout=subprocess.DEVNULL, stderr=errors)
        sampler = _Sampler(process.pid)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        sampled = sampler.end()
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in command.statuses:
            errors.seek(0)
            message = errors.read().decode(errors="replace")[-2000:]
            raise RuntimeError(f"{command.name} ended with {process.returncode}: {message}")
    return Measurement(wall, usage.ru_utime + usage.ru_stime, max(sampled, usage.ru_maxrss * _MAXRSS_UNIT))


class _Sampler:
    """Samples the resident memory of a process and its descendants; 0 on systems without /proc."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._peak = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._sample)
        self._thread.start()

    def end(self) -> int:
        """Stop, and return the maximum."""
        self._ended.set()
        self._thread.join()
        return self._peak

    def _sample(self) -> None:
        while not self._ended.wait(_INTERVAL):
            self._peak = max(self._peak, sum(map(_resident, _tree(self._pid))))


def _tree(pid: int) -> Iterator[int]:
    yield pid
    try:
        for file in Path(f"/proc/{pid}/task").glob("*/children"):
            for child in file.read_text().split():
                yield from _tree(int(child))
    except OSError:
        return


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    except (OSError, IndexError):
        return 0


def in_turn(commands: Sequence[Command], rounds: int, *, patience: float = 10.0) -> dict[str, list[Measurement]]:
    """Run commands A B C A B C ... after a warm-up of each; one longer than `patience` seconds runs twice."""
    found: dict[str, list[Measurement]] = {command.name: [] for command in commands}
    slow = {command.name for command in commands if measure(command).wall > patience}
    for number in range(rounds):
        for command in commands:
            if number < 2 or command.name not in slow:
                found[command.name].append(measure(command))
    return found
