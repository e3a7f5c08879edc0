"""driftcheck detects drift between LangSmith Deployments and the YAML that declares them.

The public API, imported on first use:

    import driftcheck

    declarations = driftcheck.load(["deployments"])
    snapshot = driftcheck.fetch(driftcheck.Connection(endpoint="https://api.host.langchain.com", api_key=key))
    report = driftcheck.check(declarations, snapshot)
    print(driftcheck.render(report, "markdown"))
"""

import sys

if sys.argv[:1] == ["-m"] and "driftcheck" in sys.orig_argv and not sys.flags.safe_path:
    # `python -m driftcheck` puts the current folder first, where a tree under check could hold a typing.py or a
    # __future__.py: nothing else is imported before it is removed.
    del sys.path[0]

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

try:
    from driftcheck._version import __version__ as __version__
except ImportError:  # run from a tree that was never built or installed
    __version__ = "0.0.0+unknown"

if TYPE_CHECKING:
    from driftcheck.live.endpoint import Connection as Connection
    from driftcheck.model import Declarations, Report, Snapshot

__all__ = ["Connection", "check", "fetch", "load", "render"]


def __getattr__(name: str) -> Any:
    if name != "Connection":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from driftcheck.live.endpoint import Connection

    return Connection


def load(paths: Sequence[str], *, name_suffix: str = "") -> "Declarations":
    """Read the declarations in files, folders and globs; defects of the files are findings in the result.

    `name_suffix` is added to every name. Raises UsageError for a path that names nothing.
    """
    from driftcheck.declarations import loader

    return loader.load(paths, name_suffix=name_suffix)


def fetch(live: "Connection | str", *, declared: "Declarations | None" = None) -> "Snapshot":
    """Return the live deployments, from the control plane or from a saved listing (a file name).

    Names of `declared` that are missing from the listing are confirmed by separate queries. `gaps` of the result says
    what could not be read. Raises LiveError if nothing could be read, InputError for the file.
    """
    if isinstance(live, str):
        from driftcheck.live import snapshot

        return snapshot.read(live)
    from driftcheck.live import fetch as listing

    names = [declaration.name for declaration in declared.deployments] if declared else []
    return listing.fetch(live, names=lambda: names, scope={}, progress=lambda _: None)


def check(
    declarations: "Declarations", snapshot: "Snapshot", *, audit: bool = False, strict: bool | None = None
) -> "Report":
    """Compare declarations with live deployments; an audit checks the whole workspace, strictly."""
    from datetime import UTC, datetime

    from driftcheck import pipeline, settings

    command = "audit" if audit else "check"
    policy = settings.Policy(
        strict=audit if strict is None else strict, severities=settings.SEVERITIES.get(command, {})
    )
    run = pipeline.Run(settings.Settings(command, policy=policy), generated_at=datetime.now(UTC))
    return pipeline.check(declarations, snapshot, run)


def render(report: "Report", format_name: str = "text", *, verbose: int = 0, color: bool = False) -> str:
    """Return a report in one of the formats of `driftcheck check -o`; raises ValueError for an unknown one."""
    from driftcheck import formats

    if format_name not in formats.FORMATS:
        raise ValueError(f"unknown format {format_name!r}; choose from {', '.join(formats.FORMATS)}")
    return formats.render(format_name, report, formats.RenderOptions(color=color, verbose=verbose))
