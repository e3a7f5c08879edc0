"""`python -m tests.benchmark`: makes the data, runs every job and its peers, prints medians and ratios."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from statistics import median

from tests.benchmark import data
from tests.benchmark.jobs import JOBS, Job, Peer, cache_folder
from tests.benchmark.processes import Measurement, in_turn

Results = dict[tuple[str, int], list[Measurement]]
"""The results of driftcheck's own runs, by job and size."""


def main(arguments: Sequence[str]) -> None:
    """Run the selected jobs."""
    options = _options(arguments)
    cache = cache_folder()
    _say(f"Python {platform.python_version()}, {platform.system()}, {os.cpu_count()} cores; {options.rounds} rounds\n")
    ours: Results = {}
    with tempfile.TemporaryDirectory(prefix="driftcheck-benchmark-") as folder:
        made: dict[int, data.Data] = {}
        for job in (job for job in JOBS if job.name in options.jobs):
            _say(f"{job.title}\n")
            _say("| N | command | wall s | CPU s | peak MiB | ratio | goal |")
            _say("|---|---|---|---|---|---|---|")
            for size in (size for size in job.sizes if not options.sizes or size in options.sizes):
                if size not in made:
                    made[size] = _make(Path(folder, str(size)), size)
                for line in _run(job, made[size], cache, options.rounds, ours):
                    _say(line)
            _say("")
    for line in _growth(ours):
        _say(line)


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    names = [job.name for job in JOBS]
    parser = argparse.ArgumentParser(prog="python -m tests.benchmark", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="runs of each command, in turn (default: 5)")
    parser.add_argument("--jobs", nargs="+", choices=names, default=names, help="default: all")
    parser.add_argument("--sizes", nargs="+", type=int, help="numbers of deployments (default: those of each job)")
    return parser.parse_args(arguments)


def _make(folder: Path, size: int) -> data.Data:
    """Make data in another process: a command that is started inherits the peak memory of this one."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as other:
        return other.submit(data.make, folder, size).result()


def _run(job: Job, made: data.Data, cache: Path, rounds: int, ours: Results) -> Iterator[str]:
    with job.prepare(made, cache) as bench:
        commands = [bench.ours, *(peer.command for peer in bench.peers if peer.command)]
        runs = in_turn(commands, rounds)
    own = ours[job.name, made.size] = runs[bench.ours.name]
    yield _row(made.size, bench.ours.name, own, "", "")
    for peer in bench.peers:
        if peer.command is None:
            yield f"| {made.size:,} | {peer.reason} | | | | | |"
        else:
            seen = runs[peer.command.name]
            ratio, goal = _ratios(peer, own, seen)
            yield _row(made.size, peer.command.name, seen, ratio, goal if made.size in job.decisive else "")


def _row(size: int, name: str, runs: Sequence[Measurement], ratio: str, goal: str) -> str:
    wall, cpu = median(run.wall for run in runs), median(run.cpu for run in runs)
    peak = median(run.peak for run in runs) / 2**20
    return f"| {size:,} | {name} | {wall:.3f} | {cpu:.3f} | {peak:.0f} | {ratio} | {goal} |"


def _ratios(peer: Peer, own: Sequence[Measurement], seen: Sequence[Measurement]) -> tuple[str, str]:
    """Return the medians of the ratios of each round, and their goals."""
    if peer.more_at_most is not None:
        more = median(mine.cpu - theirs.cpu for mine, theirs in zip(own, seen, strict=False))
        return f"{more:.2f} s of CPU more", f"at most {peer.more_at_most:g}"
    slower = median(theirs.wall / mine.wall for mine, theirs in zip(own, seen, strict=False))
    if peer.at_most is None:
        ratios, goals = [f"{slower:.1f} times faster"], [f"at least {peer.times:g}"] if peer.times else []
    else:
        ratios, goals = [f"{1 / slower:.2f} times the time"], [f"at most {peer.at_most:g}"]
    if peer.memory_at_most is not None:
        memory = median(mine.peak / theirs.peak for mine, theirs in zip(own, seen, strict=False))
        ratios.append(f"{memory:.2f} times the memory")
        goals.append(f"at most {peer.memory_at_most:g}")
    return ", ".join(ratios), ", ".join(goals)


def _growth(ours: Mapping[tuple[str, int], Sequence[Measurement]]) -> Iterator[str]:
    """Return the growth of time and memory with ten times as many deployments, without the cost of one deployment."""
    sizes = [ours.get(("in-sync", size)) for size in (1, 1_000, 10_000)]
    if any(runs is None for runs in sizes):
        return
    for name, read in (("time", lambda run: run.wall), ("memory", lambda run: run.peak)):
        fixed, small, large = (median(map(read, runs)) for runs in sizes if runs is not None)
        growth = (large - fixed) / (small - fixed)
        yield f"growth of {name} from 1,000 to 10,000 without the fixed part: {growth:.2f} times (goal: at most 10.5)"


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
