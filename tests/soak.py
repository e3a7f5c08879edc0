"""A longer soak: `python -m tests.soak --minutes N`. Random inputs in rounds, each with a seed that repeats it.

A round mutates declaration files and reads them, lists workspaces that change and fail meanwhile, renders random
reports, and runs all property tests with fresh draws. It ends with status 1 at the first law that does not hold, and
says how to see that again: `python -m tests.soak --seed SEED --part PART`.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as hypothesis_seed

from driftcheck.declarations import loader
from driftcheck.declarations.discovery import SourceText
from driftcheck.formats import FORMATS, RenderOptions, render
from driftcheck.formats.report_json import read
from driftcheck.model import Report
from tests.formats.reports import reports
from tests.live.memory import cut, fetch_from
from tests.live.samples import deployments
from tests.live.test_paging import Schedule

TESTS = Path(__file__).parent
ROOT = TESTS.parent
SECONDS_FOR_A_FILE = 10.0

TOKENS = [
    *(
        b"\n",
        b"\r",
        b"  ",
        b"\t",
        b"- ",
        b": ",
        b"? ",
        b"[",
        b"]",
        b"{",
        b"}",
        b", ",
        b"#",
        b"'",
        b'"',
        b"|",
        b">",
        b"%",
    ),
    *(b"&a ", b"*a", b"<<: ", b"!!str ", b"---\n", b"...\n", b"null", b"~", b"true", b"no", b"0o17", b"1e400", b".nan"),
    *(b"\x00", b"\x1b", b"\xff", b"\xc3\xa4", b"\xe2\x80\xa8", b"\xef\xbb\xbf", b"\xf0\x9f\x98\x80", b"\\u0000"),
    *(b"deployments:\n", b"  - name: x\n", b"defaults:\n", b"ignore:\n", b"secrets:\n", b"source_config:\n"),
]


def load_mutations(chance: random.Random, _until: float) -> None:
    """A file with any damage is read soon, and each finding is on one of its lines."""
    files = [
        path for folder in ("tests/hostile", "examples", "tests/cases") for path in (ROOT / folder).rglob("*.yaml")
    ]
    for _ in range(2_000):
        data = mutated(chance, chance.choice(files).read_bytes()[:200_000])
        start = time.process_time()
        declared = loader.declare([SourceText("file.yaml", data)])
        assert time.process_time() - start < SECONDS_FOR_A_FILE, "slow"
        lines = len(data.decode("utf-8", "replace").splitlines()) + 1
        for finding in declared.findings:
            assert finding.location is None or 1 <= finding.location.line <= lines, finding
        for deployment in declared.deployments:
            json.dumps(deployment.value, allow_nan=False)
        assert declared == loader.declare([SourceText("file.yaml", data)]), "not deterministic"


def mutated(chance: random.Random, data: bytes) -> bytes:
    """Return the data after a few random cuts, repetitions, splices and insertions."""
    for _ in range(chance.randint(1, 8)):
        start, end = sorted(chance.randrange(len(data) + 1) for _ in range(2))
        end = min(end, start + 200)
        kind = chance.randrange(4)
        if kind == 0:
            data = data[:start] + chance.choice(TOKENS) * chance.choice([1, 1, 1, 3, 80]) + data[start:]
        elif kind == 1:
            data = data[:start] + data[end:]
        elif kind == 2:
            data = data[:end] + data[start:end] * chance.randint(1, 5) + data[end:]
        elif data:
            spoiled = bytearray(data)
            spoiled[start % len(spoiled)] = chance.randrange(256)
            data = bytes(spoiled)
    return data


def list_changing_workspaces(chance: random.Random, _until: float) -> None:
    """Insertions, deletions, reordering and failures between pages: nothing false is reported."""
    for _ in range(500):
        seed = chance.randrange(2**32)
        schedule = Schedule(seed, reorders=chance.random() < 0.5, rate=chance.random() / 2)
        declared = (*sorted(schedule.always)[::7], "never-there")
        with pytest.MonkeyPatch.context() as patch:
            snapshot = fetch_from(patch, schedule.serve, names=declared, seed=seed, concurrency=chance.randint(1, 8))
        seen = {found.name for found in snapshot.deployments}
        assert seen <= schedule.ever, f"a deployment that never was, schedule {seed}"
        if snapshot.complete:
            assert {name for name in declared if name in schedule.always} <= seen, f"falsely missing, schedule {seed}"


def list_odd_pages(chance: random.Random, _until: float) -> None:
    """Pages of random sizes that never change: the list is whole, or reported as incomplete."""
    for _ in range(500):
        items, sizes = deployments(chance.randint(1, 400)), random.Random(chance.randrange(2**32))
        most = chance.choice([2, 7, 50, 100])
        serve = partial(odd_page, items=items, sizes=sizes, most=most)
        with pytest.MonkeyPatch.context() as patch:
            snapshot = fetch_from(patch, serve, seed=chance.randrange(2**32))
        names = {found.name for found in snapshot.deployments}
        assert names == {item["name"] for item in items} or not snapshot.complete


def odd_page(params: Mapping[str, str], *, items: list[Any], sizes: random.Random, most: int) -> list[Any]:
    return cut(items, params, cap=sizes.randint(2, most))


def render_reports(chance: random.Random, _until: float) -> None:
    """Every format renders every report, twice to the same text, and JSON reads back to an equal report."""

    @hypothesis_seed(chance.randrange(2**32))
    @settings(
        max_examples=40,
        deadline=None,
        database=None,
        derandomize=False,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(reports())
    def hold(drawn: Report) -> None:
        options = RenderOptions(verbose=chance.randrange(3), max_bytes=chance.choice([2_000, 65_536]))
        for name in FORMATS:
            text = render(name, drawn, options)
            assert text == render(name, drawn, options), name
            assert "##[" not in text, name
            assert "\x1b" not in text, name
        assert read(render("json", drawn, options)) == drawn

    hold()


def run_property_tests(chance: random.Random, until: float) -> None:
    """All property tests of the suite, with other draws than theirs."""
    modules = [str(path) for path in TESTS.rglob("test_*.py") if "@given" in path.read_text(encoding="utf-8")]
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "--hypothesis-profile", "soak"]
    seed = ["--hypothesis-seed", str(chance.randrange(2**32))]
    try:
        ran = subprocess.run(
            [*command, *seed, *modules],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=max(120.0, until - time.monotonic()),
            check=False,
        )
    except subprocess.TimeoutExpired:
        print("the time was up before all property tests had run")
        return
    assert ran.returncode == 0, ran.stdout[-4_000:]


PARTS: dict[str, Callable[[random.Random, float], None]] = {
    part.__name__: part
    for part in (load_mutations, list_changing_workspaces, list_odd_pages, render_reports, run_property_tests)
}


def main() -> int:
    """Soak for as long as asked; returns 0, or 1 at the first failure."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="how long at least (default: 10)")
    parser.add_argument("--seed", type=int, help="begin with this seed (default: a random one)")
    parser.add_argument("--part", choices=PARTS, help="repeat one part with the seed, once")
    chosen = parser.parse_args()
    until = time.monotonic() + 60 * chosen.minutes
    first = chosen.seed if chosen.seed is not None else random.SystemRandom().randrange(2**31)
    parts = [chosen.part] if chosen.part else list(PARTS)
    for seed in rounds(first, until, once=chosen.part is not None):
        for part in parts:
            start = time.monotonic()
            try:
                PARTS[part](random.Random(f"{part}-{seed}"), until)
            except Exception:
                print(f"FAILED: again with python -m tests.soak --seed {seed} --part {part}", flush=True)
                raise
            print(f"seed {seed}: {part} held ({time.monotonic() - start:.0f} s)", flush=True)
    return 0


def rounds(first: int, until: float, *, once: bool) -> Iterator[int]:
    """Return a seed for each round until the time is up."""
    seed = first
    while True:
        yield seed
        seed += 1
        if once or time.monotonic() >= until:
            return


if __name__ == "__main__":
    sys.exit(main())
