"""Random histories of branches and merges against a model that holds the whole history in memory.

The model walks the graph itself; the files, the merges and the clones are git's.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from driftcheck.rules import CLASSES_OF_RULES
from tests.cli.inside import run_inside
from tests.repositories import run_git
from tests.test_baseline import GATED, agent, live_agent

NAMES = ("a", "b", "c")
Declared = dict[str, tuple[int, int]]
"""What is declared or live: `max_scale` and `cpu` by name."""


@dataclass
class Graph:
    """Commits in memory: parents and contents by number."""

    parents: list[tuple[int, ...]] = field(default_factory=list)
    contents: list[Declared] = field(default_factory=list)

    def add(self, content: Declared, *parents: int) -> int:
        self.parents.append(parents)
        self.contents.append(content)
        return len(self.parents) - 1

    def ancestors(self, commit: int) -> set[int]:
        found, rest = {commit}, [commit]
        while rest:
            new = set(self.parents[rest.pop()]) - found
            found |= new
            rest += new
        return found

    def merge_bases(self, first: int, second: int) -> list[int]:
        common = self.ancestors(first) & self.ancestors(second)
        return [c for c in common if not any(c in self.ancestors(other) - {other} for other in common)]


def edited(content: Declared, random: Random) -> Declared:
    name = random.choice(NAMES)
    if name not in content:
        return content | {name: (random.randint(1, 3), random.randint(1, 3))}
    if random.random() < 0.2:
        return {other: value for other, value in content.items() if other != name}
    maximum, cpu = content[name]
    return content | {name: random.choice([(random.randint(1, 3), cpu), (maximum, random.randint(1, 3))])}


def history(random: Random) -> tuple[Graph, int, int]:
    """Return a graph, the tip and head: two branches that edit, and at times merge a commit."""
    graph = Graph()
    root = graph.add(dict.fromkeys(NAMES[: random.randint(1, 3)], (1, 1)))
    branches = [root, root]
    for _ in range(random.randint(1, 8)):
        side = random.randrange(2)
        other = random.choice([branches[1 - side], random.randrange(len(graph.parents))])
        if random.random() < 0.3 and other not in graph.ancestors(branches[side]):
            merged = random.choice([graph.contents[branches[side]], graph.contents[other]])
            branches[side] = graph.add(merged, branches[side], other)
        else:
            branches[side] = graph.add(edited(graph.contents[branches[side]], random), branches[side])
    return graph, branches[0], branches[1]


def write(graph: Graph, folder: Path) -> list[str]:
    """Make the commits; the ids by number."""
    stream, marks = [], []
    for number, (parents, content) in enumerate(zip(graph.parents, graph.contents, strict=True), 1):
        stream.append(f"commit refs/heads/c{number}\nmark :{number}\ncommitter t <t@example.invalid> {number} +0000\n")
        stream.append("data 0\n")
        stream += [f"{'from' if not n else 'merge'} :{parent + 1}\n" for n, parent in enumerate(parents)]
        stream.append("deleteall\nM 644 inline keep.txt\ndata 1\nx\n")
        for name, (maximum, cpu) in content.items():
            text = agent(name, maximum, cpu)
            stream.append(f"M 644 inline deployments/{name}.yaml\ndata {len(text)}\n{text}\n")
    run_git(folder, "init", "--quiet", "--initial-branch=unused")
    run_git(folder, "fast-import", "--quiet", "--export-marks=marks", stdin="".join(stream))
    marks = [line.split() for line in (folder / "marks").read_text().splitlines()]
    (folder / "marks").unlink()
    return [commit for _, commit in sorted(marks, key=lambda mark: int(mark[0][1:]))]


def expected(graph: Graph, tip: int, head: int, live: Declared) -> dict[str, str]:
    """Return the class of everything that differs, from the truth table of the contract."""
    bases = [graph.contents[commit] for commit in graph.merge_bases(tip, head)]
    ours, theirs = graph.contents[head], graph.contents[tip]
    found = {}
    for name in NAMES:
        if name in ours and name in live:
            touched = all(base.get(name) != ours[name] for base in bases)
            for number, path in enumerate(("max_scale", "cpu")):
                sides = [side[name][number] if name in side else None for side in (*bases, theirs)]
                value = classified(sides[:-1], sides[-1], ours[name][number], live[name][number], touched)
                if value:
                    found[f"{name}.{path}"] = value
        elif name in ours or name in live:
            there = [name in side for side in (*bases, theirs)]
            touched = all(base.get(name) != ours.get(name) for base in bases)
            found[name] = presence(there[:-1], there[-1], name in ours, touched)
    return found


def classified(bases: list[int | None], tip: int | None, head: int, live: int, touched: bool) -> str | None:
    proposed = head not in (*bases, tip)
    if head == live:
        return "adopted" if proposed and bases[0] is not None else None
    agrees = [side is None or side == live for side in (*bases, tip)]
    if agrees[-1] and (not proposed or tip not in bases):
        return "outdated"
    if proposed:
        return "proposed" if any(agrees) else "conflict"
    return "drift" if touched else "elsewhere"


def presence(bases: list[bool], tip: bool, head: bool, touched: bool) -> str:
    if tip != head and head not in bases:
        return "proposed-creation" if head else "proposed-removal"
    if tip != head:
        return "outdated-deployment"
    if not head:
        return "unmanaged-deployment"
    return "missing-deployment" if touched else "missing-elsewhere"


def check(folder: Path, base: str, live: Declared, *options: str) -> tuple[int, dict[str, str]]:
    listed = [live_agent(name, maximum, cpu) for name, (maximum, cpu) in live.items()]
    (folder / "live.json").write_text(json.dumps({"resources": listed, "offset": len(listed)}))
    command = ("check", "deployments", "--live", "live.json", "--base", base, "-o", "json", "--allow-empty")
    result = run_inside(*command, "--allow-empty-live", *options, cwd=folder)
    report = json.loads(result.out)
    return result.status, dict(reported(report))


def reported(report: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for deployment in report["deployments"]:
        for change in deployment["changes"]:
            yield f"{deployment['name']}.{change['path'].split('.')[-1]}", change["class"]
    for finding in report["findings"]:
        if finding["rule"] in OF_DEPLOYMENTS:
            yield finding["deployment"], finding["rule"]


OF_DEPLOYMENTS = {*CLASSES_OF_RULES, "unmanaged-deployment"}


@given(st.integers(0, 2**32))
def test_a_history_agrees_with_the_model(seed: int) -> None:
    random = Random(seed)
    graph, tip, head = history(random)
    live = dict(graph.contents[random.randrange(len(graph.contents))])
    for _ in range(random.randint(0, 2)):
        live = edited(live, random)
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        commits = write(graph, folder)
        run_git(folder, "checkout", "--quiet", commits[head])
        (folder / "deployments").mkdir(exist_ok=True)
        (folder / "deployments" / "empty.yaml").write_text("deployments: []\n")
        wanted = expected(graph, tip, head, live)
        status, found = check(folder, commits[tip], live)
        assert found == wanted
        gated = {"drift", "conflict", "missing-deployment"}
        assert status == int(not gated.isdisjoint(wanted.values()))
        strict, found = check(folder, commits[tip], live, *GATED)
        assert found == wanted
        assert strict == int(not {*gated, "elsewhere", "missing-elsewhere"}.isdisjoint(wanted.values()))
