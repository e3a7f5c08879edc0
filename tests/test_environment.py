"""What the environment says beside the settings."""

from __future__ import annotations

import os
from datetime import UTC, datetime

import pytest

from driftcheck import environment

GITHUB = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_REPOSITORY": "me/repo",
    "GITHUB_SHA": "abc",
}
GITLAB = {"CI_PROJECT_URL": "https://gitlab.com/me/repo", "CI_COMMIT_SHA": "abc"}


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in os.environ:
        monkeypatch.delenv(name)
    return monkeypatch


def given(patch: pytest.MonkeyPatch, **variables: str) -> None:
    for name, value in variables.items():
        patch.setenv(name, value)


def test_a_blank_variable_is_unset(bare: pytest.MonkeyPatch) -> None:
    given(bare, A="a", B="", C=" \n")
    found = environment.variables()
    assert [found.get(name) for name in "ABC"] == ["a", None, None]


def test_only_blank_options_are_removed(bare: pytest.MonkeyPatch) -> None:
    given(bare, DRIFTCHECK_BASE=" ", DRIFTCHECK_STRICT="1", OTHER="")
    environment.unset_blank_options()
    assert [os.environ.get(name) for name in ("DRIFTCHECK_BASE", "DRIFTCHECK_STRICT", "OTHER")] == [None, "1", ""]


def test_reports_carry_the_time_of_the_source(bare: pytest.MonkeyPatch) -> None:
    given(bare, SOURCE_DATE_EPOCH="1767845074")
    assert environment.report_time() == datetime(2026, 1, 8, 4, 4, 34, tzinfo=UTC)


@pytest.mark.parametrize("epoch", ["", "yesterday", "-1", "1.5", "9" * 30])
def test_reports_carry_the_current_time_where_no_other_is_usable(bare: pytest.MonkeyPatch, epoch: str) -> None:
    given(bare, SOURCE_DATE_EPOCH=epoch)
    before = datetime.now(UTC)
    assert before <= environment.report_time() <= datetime.now(UTC)


@pytest.mark.parametrize(
    ("variables", "commit"),
    [
        (GITHUB | {"GITHUB_REF": "refs/pull/7/merge"}, "abc"),
        (GITHUB | {"GITHUB_REF": "refs/heads/main"}, None),
        (GITHUB | {"GITHUB_REF": "refs/pull/7/head"}, None),
        (GITHUB | {"GITHUB_REF": "refs/pull/7/merge", "GITHUB_ACTIONS": "false"}, None),
        (GITLAB | {"CI_MERGE_REQUEST_EVENT_TYPE": "merged_result"}, "abc"),
        (GITLAB | {"CI_MERGE_REQUEST_EVENT_TYPE": "merge_train"}, "abc"),
        (GITLAB | {"CI_MERGE_REQUEST_EVENT_TYPE": "detached"}, None),
        ({"CI_MERGE_REQUEST_EVENT_TYPE": "merged_result"}, None),
        ({"GITHUB_SHA": "abc", "GITHUB_REF": "refs/pull/7/merge"}, None),
        ({}, None),
    ],
)
def test_the_commit_that_a_platform_made_by_merging(
    bare: pytest.MonkeyPatch, variables: dict[str, str], commit: str | None
) -> None:
    given(bare, **variables)
    assert environment.platform_merge_commit() == commit


@pytest.mark.parametrize(
    ("variables", "url"),
    [
        (GITHUB, "https://github.com/me/repo/blob/abc/"),
        (GITLAB, "https://gitlab.com/me/repo/-/blob/abc/"),
        ({**GITHUB, "GITHUB_SHA": ""}, ""),
        ({**GITLAB, "CI_PROJECT_URL": "javascript:alert(1)"}, ""),
        ({**GITLAB, "CI_PROJECT_URL": 'https://gitlab.com/"onload="x'}, ""),
        ({}, ""),
    ],
)
def test_the_address_of_the_files_on_a_platform(bare: pytest.MonkeyPatch, variables: dict[str, str], url: str) -> None:
    given(bare, **variables)
    assert environment.source_url() == url


@pytest.mark.parametrize(
    ("variables", "choice"),
    [
        ({}, None),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, "never"),
        ({"TERM": "dumb"}, "never"),
        ({"FORCE_COLOR": "1"}, "always"),
        ({"FORCE_COLOR": "0"}, None),
        ({"NO_COLOR": ""}, None),
    ],
)
def test_colour_follows_the_usual_variables(
    bare: pytest.MonkeyPatch, variables: dict[str, str], choice: str | None
) -> None:
    given(bare, **variables)
    assert environment.color_choice() == choice
