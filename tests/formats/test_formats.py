"""What holds for every format, over generated reports full of hostile texts."""

import sys
from importlib import import_module

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driftcheck.formats import FORMATS, RenderOptions, render
from driftcheck.model import Report
from tests.formats.reports import SAMPLES, reports

BUILT = [name for name in FORMATS if name != "html"]
"""The formats of text; html is made by a template and has its own laws."""
options = st.builds(RenderOptions, color=st.booleans(), verbose=st.integers(0, 2), quiet=st.booleans())


@pytest.mark.parametrize("name", BUILT)
@settings(max_examples=25)
@given(report=reports(), how=options)
def test_O10_rendering_twice_gives_the_same_bytes(name: str, report: Report, how: RenderOptions) -> None:
    first = render(name, report, how)
    assert first == render(name, report, how)
    assert first.endswith("\n")
    first.encode()


@pytest.mark.parametrize("name", BUILT)
@pytest.mark.parametrize("sample", SAMPLES)
def test_every_sample_renders_in_every_format(name: str, sample: str) -> None:
    assert render(name, SAMPLES[sample], RenderOptions()).strip()


@pytest.mark.parametrize("name", BUILT)
@settings(max_examples=25)
@given(report=reports())
def test_O1_no_format_holds_a_runner_command_of_the_data(name: str, report: Report) -> None:
    text = render(name, report, RenderOptions())
    assert "##[" not in text
    if name != "github":
        assert not [line for line in text.splitlines() if line.lstrip().startswith("::")]


def test_a_format_is_loaded_when_it_is_asked_for() -> None:
    for target in FORMATS.values():
        assert target.startswith("driftcheck.formats.")
        assert target.endswith(":render")
    assert import_module("driftcheck.formats") is sys.modules["driftcheck.formats"]
