"""The second process: what it judges is what this one would have judged, and it may come to any harm."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftcheck.declarations import companion
from driftcheck.declarations.documents import Declared
from driftcheck.declarations.files import SourceText

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
    monkeypatch.setattr(companion, "_helps", lambda texts: True)
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


@pytest.mark.usefixtures("_forced")
@pytest.mark.parametrize("mine", [True, False])
def test_both_processes_judge_alike(mine: bool) -> None:
    @given(TEXTS)
    def law(texts: list[str]) -> None:
        given_texts = sources(texts)
        with companion.started(given_texts) as judge:
            if not mine:
                wait_until_all_are_taken(judge)
            judged = judge()
        assert [content(each) for each in judged] == [content(Declared(text)) for text in given_texts]

    law()


def wait_until_all_are_taken(judge: Any) -> None:
    """Wait until the second process has taken and judged every text; it then ends, and its answer with it."""
    os.waitid(os.P_PID, judge.__self__.pid, os.WEXITED | os.WNOWAIT)


@pytest.mark.usefixtures("_forced")
def test_a_companion_that_is_killed_is_not_missed() -> None:
    given_texts = sources(["deployments: [{name: a, source: github}]\n"] * 50)
    with companion.started(given_texts) as judge:
        os.kill(judge.__self__.pid, signal.SIGKILL)  # type: ignore[attr-defined]
        judged = judge()
    assert [content(each) for each in judged] == [content(Declared(text)) for text in given_texts]


@pytest.mark.usefixtures("_forced")
def test_a_companion_is_seen_off_where_nobody_waits_for_it() -> None:
    with pytest.raises(KeyboardInterrupt), companion.started(sources(["deployments: []\n"] * 9)):
        raise KeyboardInterrupt


def test_a_companion_is_for_many_bytes_in_several_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1})
    monkeypatch.setattr(threading, "active_count", lambda: 1)
    large = "#" * companion.MIN_BYTES
    assert companion._helps(sources([large, large]))
    assert not companion._helps(sources([large]))
    assert not companion._helps(sources(["#"] * 10))


@pytest.mark.parametrize(("processors", "threads"), [(1, 1), (2, 2)])
def test_there_is_none_without_a_processor_or_beside_threads(
    processors: int, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(processors)))
    monkeypatch.setattr(threading, "active_count", lambda: threads)
    large = "#" * companion.MIN_BYTES
    assert not companion._helps(sources([large, large]))
