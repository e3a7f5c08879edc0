"""The environment variables: those that are set, and what they say apart from settings (colour, time, CI platform).

All variables are read through this module, except those of the TLS library.
"""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime


def variables() -> dict[str, str]:
    """Return the variables that are set; a blank one counts as unset."""
    return {name: value for name, value in os.environ.items() if value.strip()}


def unset_blank_options() -> None:
    """Remove the blank DRIFTCHECK_* variables, which click would take for values of options."""
    for name in [name for name, value in os.environ.items() if name.startswith("DRIFTCHECK_") and not value.strip()]:
        del os.environ[name]


def is_completing() -> bool:
    """Return whether a shell asks for completions."""
    return "_DRIFTCHECK_COMPLETE" in variables()


def report_time() -> datetime:
    """Return the time that reports carry: SOURCE_DATE_EPOCH if it is usable, else now."""
    epoch = variables().get("SOURCE_DATE_EPOCH", "").strip()
    try:
        return datetime.fromtimestamp(int(epoch), UTC) if epoch.isdecimal() else datetime.now(UTC)
    except (OverflowError, OSError, ValueError):
        return datetime.now(UTC)


def platform_merge_commit() -> str | None:
    """Return the commit that a CI platform made by merging the change under review into its base; None if unknown."""
    given = variables()
    github = given.get("GITHUB_ACTIONS") == "true"
    if github and re.fullmatch("refs/pull/[0-9]+/merge", given.get("GITHUB_REF", "")):
        return given.get("GITHUB_SHA")
    if given.get("CI_MERGE_REQUEST_EVENT_TYPE") in ("merged_result", "merge_train"):
        return given.get("CI_COMMIT_SHA")
    return None


def source_url() -> str:
    """Return the address below which the CI platform shows this commit's files; empty if it names none."""
    given = variables()
    if given.get("GITHUB_ACTIONS") == "true":
        names, form = ["GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_SHA"], "{}/{}/blob/{}/"
    else:
        names, form = ["CI_PROJECT_URL", "CI_COMMIT_SHA"], "{}/-/blob/{}/"
    if not all(name in given for name in names):
        return ""
    url = form.format(*(given[name] for name in names))
    return url if re.fullmatch(r"https?://[A-Za-z0-9.:_~/-]+", url) else ""


def color_choice() -> str | None:
    """Return what the environment says about colour: `always`, `never`, or None if it does not."""
    given = variables()
    if "NO_COLOR" in given or given.get("TERM") == "dumb":
        return "never"
    return "always" if given.get("FORCE_COLOR", "0") not in ("0", "false") else None
