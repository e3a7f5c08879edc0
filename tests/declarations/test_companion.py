"""The second process: what it judges and finds is what this one would have, and it may come to any harm."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftcheck.declarations import companion, loader
from driftcheck.declarations.discovery import SourceText
from driftcheck.declarations.documents import Declared
from driftcheck.paths import Path

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="there is a second process on Linux alone"),
    pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning"),  # of threads that the test run may have
]

ENTRIES = st.sampled_from(
    [
        "{name: a, source: github}",
        "{name: b, source: external_docker, source_config: {resource_spec: {cpu: 1.0, labels: {on: 'yes', n: ~}}}}",
        "{name: b, source: github}",
        "{name: c, source: github, source_config: {resource_spec: {cpu: 0.25}}}",
        "{name: d, source: github, secrets: [{name: K, value: sk-ant-0123456789}]}",
        "{name: e, sorce: github}",
        "{name: f, source: github, source_config: {build_on_push: yes}}",
        "{name: g, name: g, source: github}",
        "{name: h, source: github, x-y: *missing}",
        "&all {name: i, source: github}",
        "no mapping",
    ]
)
TEXTS = st.lists(
    st.one_of(
        st.lists(ENTRIES, max_size=4).map(lambda entries: f"deployments: [{', '.join(entries)}]\n"),
        st.sampled_from(["", "deployments:\n", "deployments: [", "---\n---\ndeployments: []\n", "\x00"]),
        st.just("defaults: {source: github}\ndeployments: [{name: z}, {name: y}]\nignore:\n- {reason: r, path: a}\n"),
    ),
    max_size=4,
)


@pytest.fixture
def _forced(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(companion, "_helps", lambda sizes: True)
    yield
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def sources(texts: Sequence[str]) -> list[SourceText]:
    return [SourceText(f"{number}.yaml", text.encode()) for number, text in enumerate(texts)]


def content(declared: Declared) -> Any:
    """Give all that a text declares, places included."""
    return (
        declared.source.name,
        declared.complete,
        list(declared.findings.all()),
        declared.ignores,
        [(name, place()) for name, place in declared.names],
        [(repr(d.value), d.name, d.locate(()), d.locate(("source",))) for d in declared.deployments],
    )


@given(TEXTS)
def test_what_is_flawless_need_not_be_judged_again(texts: list[str]) -> None:
    for text in sources(texts):
        judged = Declared(text)
        if judged.is_flawless:
            assert content(Declared(text, judged.source.parsed.documents)) == content(judged)


@contextlib.contextmanager
def begun(texts: Sequence[SourceText]) -> Iterator[companion.Companion]:
    """Have a companion judge texts."""
    with companion.started([len(text.data) for text in texts], lambda number: loader._flawless(texts[number])) as other:
        yield other


def end_of(other: Any, *, kill: bool = False) -> None:
    """Wait until the second process has ended, having taken and done all that it could, unless it is killed."""
    if kill:
        os.kill(other.pid, signal.SIGKILL)
    os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)


@pytest.mark.usefixtures("_forced")
@pytest.mark.parametrize("mine", [True, False])
def test_both_processes_judge_alike(mine: bool) -> None:
    @given(TEXTS)
    def law(texts: list[str]) -> None:
        given_texts = sources(texts)
        with begun(given_texts) as other:
            if not mine:
                end_of(other)
            judged = loader._judge(given_texts, other)
        assert [content(each) for each in judged] == [content(Declared(text)) for text in given_texts]

    law()


@pytest.mark.usefixtures("_forced")
def test_a_companion_that_is_killed_is_not_missed() -> None:
    given_texts = sources(["deployments: [{name: a, source: github}]\n"] * 50)
    with begun(given_texts) as other:
        end_of(other, kill=True)
        judged = loader._judge(given_texts, other)
    assert [content(each) for each in judged] == [content(Declared(text)) for text in given_texts]


@pytest.mark.usefixtures("_forced")
def test_a_companion_is_seen_off_where_nobody_waits_for_it() -> None:
    with pytest.raises(KeyboardInterrupt), begun(sources(["deployments: []\n"] * 9)):
        raise KeyboardInterrupt


PATHS: list[Path] = [(), ("name",), ("source",), ("source_config", "resource_spec", "labels", "on"), ("nowhere", 3)]


@pytest.mark.usefixtures("_forced")
@pytest.mark.parametrize("harm", ["none", "late", "killed"])
def test_places_found_ahead_are_those_that_are_found_when_asked_for(harm: str, monkeypatch: pytest.MonkeyPatch) -> None:
    others: list[Any] = []
    fork = companion._fork
    monkeypatch.setattr(companion, "_fork", lambda *given: others.append(fork(*given)) or others[-1])

    @given(TEXTS)
    def law(texts: list[str]) -> None:
        plain, ahead = loader.declare(sources(texts)), loader.declare(sources(texts))
        with ahead.locating([(each.name, path) for each in ahead.deployments for path in PATHS]):
            if harm != "none":
                end_of(others[-1], kill=harm == "killed")
        found, asked = (
            [each.locate(path) for each in declarations.deployments for path in PATHS]
            for declarations in (ahead, plain)
        )
        assert found == asked

    law()


def test_a_place_that_was_found_ahead_is_not_looked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    declarations = loader.declare(sources(["deployments: [{name: a, source: github}]\n"]))
    with declarations.locating([("a", ("source",))]):
        pass
    monkeypatch.setattr(Declared, "_find", None)
    assert str(declarations.deployments[0].locate(("source",))) == "0.yaml:1:33"


def test_a_companion_is_for_many_bytes_in_several_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1})
    monkeypatch.setattr(threading, "active_count", lambda: 1)
    assert companion._helps([companion.MIN_BYTES, 1])
    assert not companion._helps([companion.MIN_BYTES])
    assert not companion._helps([1] * 10)


@pytest.mark.parametrize(("processors", "threads"), [(1, 1), (2, 2)])
def test_there_is_none_without_a_processor_or_beside_threads(
    processors: int, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(processors)))
    monkeypatch.setattr(threading, "active_count", lambda: threads)
    assert not companion._helps([companion.MIN_BYTES] * 2)


def test_where_no_process_can_be_had_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(companion, "_helps", lambda sizes: True)

    def no_room() -> int:
        raise BlockingIOError

    monkeypatch.setattr(os, "fork", no_room)
    before = len(os.listdir("/proc/self/fd"))
    given_texts = sources(["deployments: [{name: a, source: github}]\n"] * 3)
    with begun(given_texts) as other:
        judged = loader._judge(given_texts, other)
    assert len(judged) == 3
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize("count", [3_000, 10_000])
def test_there_is_none_for_more_texts_than_a_pipe_holds(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pipe of one page is what a user gets who has many of them (pipe(7))."""
    import fcntl

    pipe = os.pipe

    def small() -> tuple[int, int]:
        ends = pipe()
        fcntl.fcntl(ends[1], fcntl.F_SETPIPE_SZ, 4096)
        return ends

    monkeypatch.setattr(companion, "_helps", lambda sizes: True)
    monkeypatch.setattr(os, "pipe", small)
    with companion.started([1] * count, lambda number: number) as other:
        assert [*other.left()] == [*range(count)]


@pytest.mark.usefixtures("_forced")
def test_all_the_files_that_may_be_read_can_be_shared() -> None:
    with companion.started([1] * 10_000, lambda number: number) as other:
        mine = [*other.left()]
        theirs = [number for number, _ in other.results()]
    assert isinstance(other, companion._Process)
    assert sorted(mine + theirs) == [*range(10_000)]


ORPHANED = """
import os, signal, sys
from driftcheck.declarations import companion
companion._helps = lambda sizes: True
with companion.started([1, 1], lambda number: "x" * 1_000_000) as other:
    print(other.pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_companion_ends_when_the_first_process_is_killed() -> None:
    """It holds standard output open, so that whoever waits for the end of that waits for it as well."""
    done = subprocess.run([sys.executable, "-c", ORPHANED], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == -signal.SIGKILL
    assert done.stdout


IGNORED = """
import os, signal
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
from driftcheck.declarations import companion
companion._helps = lambda sizes: True
with companion.started([1, 1], lambda number: number) as other:
    left = [*other.left()]
    print(sorted([*left, *(number for number, _ in other.results())]))
"""


def test_a_companion_may_be_gone_already() -> None:
    done = subprocess.run([sys.executable, "-c", IGNORED], capture_output=True, text=True, timeout=30, check=False)
    assert (done.stdout, done.stderr) == ("[0, 1]\n", "")
