"""Options that several commands share."""

from __future__ import annotations

import functools
import os
import re
import shlex
from collections.abc import Callable, Iterable
from dataclasses import fields
from datetime import timedelta
from pathlib import Path as FilePath
from typing import Any, Final, TypeVar

import click

from driftcheck import environment
from driftcheck.cli import console
from driftcheck.cli.outputs import Output, Reporting, parse_outputs
from driftcheck.declarations.config import find_config, load_config, repository
from driftcheck.errors import DriftcheckError
from driftcheck.formats import FORMATS, Asked, RenderOptions
from driftcheck.formats.escaping import visible
from driftcheck.live.endpoint import REGIONS
from driftcheck.model import ChangeClass
from driftcheck.redaction.patterns import holds_credential
from driftcheck.settings import Flags, duration

Command = TypeVar("Command", bound=Callable[..., Any])

_FLAGS: Final = frozenset(each.name for each in fields(Flags))

SCOPE: Final[dict[str, str]] = {
    "name_contains": "Only deployments whose name contains TEXT.",
    "deployment_type": "Only deployments of this type.",
    "status": "Only deployments of this status.",
    "agent_id": "Only deployments bound to this agent.",
    "agent_environment": "Only deployments bound to an agent in this environment.",
    "tag_value_ids": "Only deployments with these resource tags (ids, separated by commas).",
    "image_version": "Only deployments of this image version.",
    "remote_reconciled": "Only deployments that a remote listener reconciles (true), or the others (false).",
}
"""The endpoint's own filters (docs/API.md 1.2), as options of an audit."""


def _together(*options: Callable[[Any], Any]) -> Callable[[Command], Command]:
    def decorate(command: Command) -> Command:
        return functools.reduce(lambda decorated, option: option(decorated), reversed(options), command)

    return decorate


def _completed(
    words: Callable[[], Iterable[str]],
) -> Callable[[click.Context, click.Parameter, str], list[str]]:
    """Return the completion of an option: the words that begin with what was typed."""
    return lambda _context, _parameter, typed: [word for word in words() if word.startswith(typed)]


def _target_names() -> list[str]:
    """Return the targets of the configuration, none if it can't be read."""
    try:
        file = find_config(FilePath.cwd())
        return [target.name for target in load_config(file).targets] if file else []
    except (DriftcheckError, OSError):
        return []


paths = click.argument("paths", nargs=-1, metavar="[PATHS]...")

targets = click.option(
    "--target",
    "targets",
    multiple=True,
    metavar="NAME",
    shell_complete=_completed(_target_names),
    help="Only these targets of the configuration. Repeatable.",
)

names = click.option(
    "--name",
    "names",
    multiple=True,
    metavar="GLOB",
    help="Only deployments whose names match; only * is special. Repeatable.",
)


def _printable(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    """Refuse what formats would have to write out: two identities must never look the same."""
    if value is not None and visible(value) != value:
        raise click.BadParameter("only characters that can be seen, and spaces, can be part of it.")
    return value


report_id = click.option(
    "--report-id",
    metavar="TEXT",
    callback=_printable,
    help="Identity of the report. Default: the target, else the workspace.",
)

config = click.option(
    "--config", type=click.Path(), metavar="FILE", help="Configuration file. Default: the nearest driftcheck.yaml."
)

allow_empty_live = click.option("--allow-empty-live", is_flag=True, help="Accept an empty live listing.")

policy = _together(
    click.option(
        "--fail-on",
        type=click.Choice(["error", "warning", "note", "never"]),
        help="Lowest severity that makes exit status 1. Default: error.",
    ),
    click.option("--allow-empty", is_flag=True, help="Accept that nothing is declared."),
    config,
)

strict = click.option("--strict/--no-strict", default=None, help="Also report live values that are not declared.")

comparison = _together(
    policy,
    strict,
    click.option("--allow-partial", is_flag=True, help="Do not fail (status 3) when the check is incomplete."),
    allow_empty_live,
)

three_way = _together(
    click.option("--base", metavar="REF", help="Separate drift from what the change since this git revision proposes."),
    click.option(
        "--gate",
        metavar="CLASSES",
        shell_complete=_completed(lambda: ChangeClass),
        help="With --base: classes of changes that make exit status 1. Default: drift,conflict.",
    ),
)


class _CommonVariable(click.Option):
    """An option that one variable sets for all commands; the variable of the command itself comes first."""

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        own = super().resolve_envvar_value(ctx)
        return own or environment.variables().get(f"DRIFTCHECK_{str(self.name).upper()}")


def as_duration(_context: click.Context, _parameter: click.Parameter, value: str | None) -> timedelta | None:
    """Parse the value of an option that is a number of days."""
    try:
        return None if value is None else duration(value)
    except ValueError:
        raise click.BadParameter("expected a number of days, such as 7d (or 12h, 2w).") from None


history = click.option(
    "--history",
    cls=_CommonVariable,
    metavar="URL",
    help="Database of recorded runs: sqlite:///FILE or postgresql+psycopg://USER@HOST/DATABASE.",
)

recording = _together(
    history,
    click.option("--fail-on-new", is_flag=True, help="With --history: only new and changed items make exit status 1."),
    click.option(
        "--notify",
        cls=_CommonVariable,
        multiple=True,
        metavar="URL",
        help="With --history: send what is new, changed and resolved to this address (apprise, or a JSON webhook). "
        "Repeatable.",
    ),
    click.option(
        "--remind",
        metavar="DAYS",
        callback=as_duration,
        help="With --notify: repeat what has been open for so long (7d).",
    ),
)

workspace = click.option("--workspace", metavar="ID", help="Workspace id (a UUID).")

_access = _together(
    click.option("--endpoint", metavar="URL", help="Base URL of the control plane."),
    click.option("--region", type=click.Choice(list(REGIONS)), help="Region of LangSmith Cloud. Default: us."),
    click.option("--api-key-env", metavar="NAME", help="Environment variable that holds the API key."),
    click.option(
        "--timeout", type=float, default=120.0, show_default=True, metavar="SECONDS", help="Limit of the whole listing."
    ),
    click.option("--retries", type=int, default=4, show_default=True, help="Retries of a request."),
    click.option("--concurrency", type=int, default=4, show_default=True, help="Concurrent requests."),
    click.option("--ca-file", type=click.Path(), metavar="FILE", help="CA certificates to trust (PEM)."),
    click.option("--allow-http", is_flag=True, help="Allow plain http to hosts other than loopback."),
)

connection = _together(_access, workspace)

_live_file = click.option(
    "--live",
    multiple=True,
    type=click.Path(),
    metavar="FILE",
    help="Read live from a snapshot or saved listing instead of the network; - is standard input. With targets: "
    "TARGET=FILE, repeatable.",
)

live = _together(_live_file, connection)

_reading = _together(
    click.option("--allow-partial", is_flag=True, help="Accept an incomplete listing."),
    allow_empty_live,
    config,
    click.option("-q", "--quiet", is_flag=True, help="Print only errors."),
)

listing = _together(live, targets, _reading)
"""For commands that read only what is live."""

first_listing = _together(
    _live_file,
    _access,
    click.option(
        "--workspace",
        "workspaces",
        multiple=True,
        metavar="[NAME=]ID",
        help="Workspace id (a UUID). Repeat it as NAME=ID to write a target for each workspace.",
    ),
    _reading,
)
"""As `listing`, of one workspace or of several that become targets."""


scope = _together(
    *(
        click.option(
            f"--{name.replace('_', '-')}",
            type=click.Choice(["true", "false"]) if name == "remote_reconciled" else None,
            metavar="TEXT",
            help=text,
        )
        for name, text in SCOPE.items()
    )
)


def _take_flags(given: dict[str, Any]) -> Flags:
    """Remove the values of flags from those that click parsed, and return them."""
    filters = {name: value for name in SCOPE if (value := given.pop(name, None)) is not None}
    return Flags(scope=filters, **{name: given.pop(name) for name in _FLAGS & given.keys()})


def as_flags(command: Callable[..., int | None]) -> Callable[..., int | None]:
    """Pass the options above this decorator that are fields of `Flags` as one value, the first argument."""

    @functools.wraps(command)
    def parsed(**given: Any) -> int | None:
        return command(_take_flags(given), **given)

    return parsed


_rendering = _together(
    click.option(
        "-o",
        "--output",
        multiple=True,
        metavar="FORMAT[=FILE]",
        callback=lambda _context, _parameter, values: parse_outputs(values),
        shell_complete=_completed(lambda: FORMATS),
        help=f"Report format: {', '.join(FORMATS)}. Written to FILE; without FILE, or with -, to standard output. "
        "Repeatable. Default: text.",
    ),
    click.option(
        "--color",
        type=click.Choice(["auto", "always", "never"]),
        default="auto",
        help="Colours in text output. Default: auto.",
    ),
    click.option("-q", "--quiet", is_flag=True, help="Text: print the verdict only."),
    click.option("-v", "--verbose", count=True, help="Text: print everything in full."),
    click.option(
        "--max-bytes",
        type=click.IntRange(min=2000),
        default=65_536,
        show_default=True,
        help="Markdown: size limit in bytes.",
    ),
)


def rendering(command: Callable[..., int | None]) -> Callable[..., int | None]:
    """Add the options of reports, and pass all options as `Flags` and `Reporting`, the first two arguments."""

    @functools.wraps(command)
    def parsed(output: tuple[Output, ...], color: str, verbose: int, max_bytes: int, **given: Any) -> int | None:
        flags = _take_flags(given)
        folder, root, config = _surroundings(flags.config)
        options = RenderOptions(
            color=console.wants_color(color),
            verbose=verbose,
            quiet=flags.quiet,
            max_bytes=max_bytes,
            width=console.width(),
            folder=folder,
            repository=root,
            config=config,
            asked=_asked(flags),
            source_url=environment.source_url(),
        )
        return command(flags, Reporting(output, options), **given)

    return _rendering(parsed)


_SHOWN: Final = re.compile(r"[\w@%+=:,./*?\[\]{}~ -]+", re.ASCII)
"""Words that can be pasted as they are shown, whatever the format."""

_AS_USED: Final = {
    "config": "FILE", "endpoint": "URL", "region": "NAME", "workspace": "ID", "api_key_env": "NAME", "ca_file": "FILE"
}  # fmt: skip
"""Options that adopt and plan take as well, and the placeholders of values that can't be shown."""


def _asked(flags: Flags) -> Asked:
    """Return the options of a command line that the commands advised by its report need, too."""
    words = [*(_word(path, "PATH") for path in flags.paths), *live_words(flags.live)]
    for name, otherwise in _AS_USED.items():
        if (value := getattr(flags, name)) is not None:
            words += [f"--{name.replace('_', '-')}", _word(value, otherwise)]
    words += ["--allow-http"] if flags.allow_http else []
    words += ["--strict"] if flags.strict else []
    return Asked("".join(f" {each}" for each in words), flags.targets, flags.names, _word(flags.base or "", ""))


def live_words(files: Iterable[str]) -> list[str]:
    """Return the options that name saved listings, for an advised command."""
    return [word for file in files for word in ("--live", _word(file, "FILE"))]


def _word(value: str, otherwise: str) -> str:
    """Return a value as a shell takes it, or a placeholder if it can't be shown."""
    is_shown = _SHOWN.fullmatch(value) and not holds_credential(value) and value.rpartition("=")[2] != "-"
    return shlex.quote(value) if is_shown else otherwise


def _surroundings(config: str | None) -> tuple[str, str, str]:
    """Return the current folder, the root of its repository and the configuration file; empty if there is none."""
    try:
        here = FilePath.cwd()
    except OSError:  # it was deleted; commands that need it report that
        return "", "", config or ""
    found = find_config(here)
    return str(here), str(repository(here) or ""), config or (os.path.relpath(found, here) if found else "")
