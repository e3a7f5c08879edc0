"""What a run is to do, resolved once: flags before environment before configuration file.

This is the only module that reads the environment. Where driftcheck connects to and what it writes come from flags
and environment alone; a file in the checked tree decides policy and paths only (docs/contract.md, Configuration).
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path as FilePath
from typing import Final
from uuid import UUID

from driftcheck import model
from driftcheck.declarations import discovery
from driftcheck.declarations.config import Config
from driftcheck.errors import LiveError, UsageError
from driftcheck.live.endpoint import REGIONS, Connection, derive_endpoint
from driftcheck.model import ChangeClass, IgnoreRule, Severity
from driftcheck.redaction.patterns import holds_credential

DEFAULT_PATHS: Final = ("deployments.yaml", "deployments")
KEY_VARIABLES: Final = ("LANGGRAPH_HOST_API_KEY", "LANGSMITH_API_KEY", "LANGCHAIN_API_KEY")
WORKSPACE_VARIABLES: Final = ("LANGSMITH_TENANT_ID", "LANGSMITH_WORKSPACE_ID")
ENDPOINT_VARIABLE: Final = "LANGGRAPH_HOST_URL"
DERIVED_VARIABLES: Final = ("LANGSMITH_ENDPOINT", "LANGCHAIN_ENDPOINT")
"""Variables that hold the address of LangSmith's API, from which that of the control plane is derived."""

_VARIABLE: Final = re.compile("(?!lsv2_|ls__)[A-Za-z_][A-Za-z0-9_]*")
"""The name of an environment variable. By its letters, a LangSmith key could be one."""

SEVERITIES: Final[Mapping[str, Mapping[str, Severity]]] = {
    "audit": {
        "unmanaged-deployment": Severity.ERROR,
        "being-deleted": Severity.WARNING,
        "rollout-pending": Severity.WARNING,
        "probable-rename": Severity.WARNING,
    },
    "compare": {"unmanaged-deployment": Severity.ERROR},
}
"""Severities of commands that look at a whole workspace, where they differ from the rules' own.

The comparison of these commands is strict, too.
"""


@dataclass(frozen=True, slots=True)
class Flags:
    """What the command line (or the variable of an option) said; None and empty where it said nothing."""

    paths: tuple[str, ...] = ()
    config: str | None = None
    live: str | None = None
    endpoint: str | None = None
    workspace: str | None = None
    fail_on: str | None = None
    strict: bool | None = None
    base: str | None = None
    gate: str | None = None
    allow_partial: bool = False
    allow_empty: bool = False
    allow_empty_live: bool = False
    allow_http: bool = False
    timeout: float = 120.0
    retries: int = 4
    concurrency: int = 4
    ca_file: str | None = None
    api_key_env: str | None = None
    scope: Mapping[str, str] = field(default_factory=dict)
    history: str | None = field(default=None, repr=False)
    fail_on_new: bool = False
    notify: tuple[str, ...] = field(default=(), repr=False)
    remind: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Recording:
    """Where a run is recorded and who is notified; from flags and environment alone."""

    history: str = field(repr=False)
    """The URL of the database, which may hold a password."""
    notify: tuple[str, ...] = field(default=(), repr=False)
    remind: timedelta | None = None
    fail_on_new: bool = False


@dataclass(frozen=True, slots=True)
class Policy:
    """What counts, and how much."""

    fail_on: Severity | None = Severity.ERROR
    """The least severity that makes exit status 1; None for `never`."""
    strict: bool = False
    gate: frozenset[ChangeClass] = frozenset({ChangeClass.DRIFT, ChangeClass.CONFLICT})
    severities: Mapping[str, Severity] = field(default_factory=dict)
    """Severities by rule id, instead of the rules' own."""
    ignores: tuple[IgnoreRule, ...] = ()
    policies: tuple[model.Policy, ...] = ()
    off: frozenset[str] = frozenset()
    """Ids of lint rules and policies whose findings are counted as suppressed."""


@dataclass(frozen=True, slots=True)
class Workspace:
    """The workspace to ask for."""

    id: str
    origin: str
    """Where it comes from: an option, a variable or a file."""


@dataclass(frozen=True, slots=True)
class Access:
    """How the control plane is asked; the API key is needed only when it is."""

    endpoint: str
    api_key: str | None = field(default=None, repr=False)
    key_variables: tuple[str, ...] = KEY_VARIABLES
    """The variables that may hold the key; the first that is set counts."""
    timeout: float = 120.0
    retries: int = 4
    concurrency: int = 4
    ca_file: str | None = None
    allow_http: bool = False


@dataclass(frozen=True, slots=True)
class Settings:
    """What a run is to do."""

    command: str
    paths: tuple[str, ...] = ()
    policy: Policy = Policy()
    config_file: FilePath | None = None
    live: str | None = None
    """The file that live is read from, instead of the network."""
    access: Access | None = None
    """None for runs that never ask the control plane."""
    workspace: Workspace | None = None
    region: str | None = None
    scope: Mapping[str, str] = field(default_factory=dict)
    """Filters of the list endpoint."""
    base: str | None = None
    recording: Recording | None = None
    """None where the run is not recorded."""
    allow_partial: bool = False
    allow_empty: bool = False
    allow_empty_live: bool = False


def environment() -> dict[str, str]:
    """Return the variables that are set; a blank one counts as unset."""
    return {name: value for name, value in os.environ.items() if value.strip()}


def unset_blank_options() -> None:
    """Remove the blank DRIFTCHECK_* variables, which click would take for values of options."""
    for name in [name for name, value in os.environ.items() if name.startswith("DRIFTCHECK_") and not value.strip()]:
        del os.environ[name]


def is_completing() -> bool:
    """Return whether a shell asks for completions."""
    return "_DRIFTCHECK_COMPLETE" in environment()


def report_time() -> datetime:
    """Return the time that reports carry: SOURCE_DATE_EPOCH where it is usable, else now."""
    epoch = environment().get("SOURCE_DATE_EPOCH", "").strip()
    try:
        return datetime.fromtimestamp(int(epoch), UTC) if epoch.isdecimal() else datetime.now(UTC)
    except (OverflowError, OSError, ValueError):
        return datetime.now(UTC)


def platform_merge_commit() -> str | None:
    """Return the commit that a CI platform made by merging the change under review into its base.

    "HEAD" where the platform does not name it; None where the commit that is checked out is not one.
    """
    variables = environment()
    github = variables.get("GITHUB_ACTIONS") == "true"
    if github and re.fullmatch("refs/pull/[0-9]+/merge", variables.get("GITHUB_REF", "")):
        return variables.get("GITHUB_SHA", "HEAD")
    if variables.get("CI_MERGE_REQUEST_EVENT_TYPE") in ("merged_result", "merge_train"):
        return variables.get("CI_COMMIT_SHA", "HEAD")
    return None


def color_choice() -> str | None:
    """Return what the environment says of colour: `always`, `never`, or None where it says nothing."""
    variables = environment()
    if "NO_COLOR" in variables or variables.get("TERM") == "dumb":
        return "never"
    return "always" if variables.get("FORCE_COLOR", "0") not in ("0", "false") else None


def resolve(command: str, flags: Flags, config: Config, config_file: FilePath | None, here: FilePath) -> Settings:
    """Combine flags, environment and configuration; `here` is the folder that default paths are looked up in.

    Raises UsageError for what can't be used, and where no path is given and no default path exists.
    """
    variables = environment()
    policy = resolve_policy(command, flags, config)
    if flags.gate and flags.base is None:
        raise UsageError("--gate requires --base.", hint="Add --base REF, or leave out --gate.")
    asks = command != "validate" and (flags.live is None or command == "init")
    return Settings(
        command=command,
        paths=_paths(command, flags, config, here),
        policy=policy,
        config_file=config_file,
        live=flags.live,
        access=_access(flags, config, variables) if asks else None,
        workspace=_workspace(flags, config, config_file, variables) if command != "validate" else None,
        region=config.region,
        scope=flags.scope,
        base=flags.base,
        recording=_recording(flags),
        allow_partial=flags.allow_partial,
        allow_empty=flags.allow_empty,
        allow_empty_live=flags.allow_empty_live,
    )


def _recording(flags: Flags) -> Recording | None:
    if flags.history is None:
        dependent = {"--fail-on-new": flags.fail_on_new, "--notify": flags.notify, "--remind": flags.remind}
        for option in (name for name, given in dependent.items() if given):
            raise UsageError(f"{option} requires --history.", hint="Add --history sqlite:///FILE.")
        return None
    if flags.remind is not None and not flags.notify:
        raise UsageError("--remind requires --notify.", hint="Name who is to be reminded with --notify URL.")
    return Recording(flags.history.strip(), flags.notify, flags.remind, flags.fail_on_new)


def duration(text: str) -> timedelta:
    """Return the duration that a text such as 7d, 12h or 2w means, a bare number being days; raises ValueError."""
    found = re.fullmatch(r"([0-9]{1,5})([hdw]?)", text.strip())
    if found is None or not int(found[1]):
        raise ValueError
    return timedelta(hours=int(found[1]) * {"h": 1, "w": 7 * 24}.get(found[2], 24))


def _paths(command: str, flags: Flags, config: Config, here: FilePath) -> tuple[str, ...]:
    if flags.paths or config.paths:
        return flags.paths or config.paths
    existing = tuple(path for path in DEFAULT_PATHS if (here / path).exists())
    defaults = tuple(path for path in existing if discovery.names_anything(path, here=str(here))) or existing
    if not defaults and command in ("check", "validate") and not flags.allow_empty and flags.base is None:
        raise UsageError(
            "nothing to check: no PATHS were given, and neither deployments.yaml nor deployments/ exists here.",
            hint="Name files or folders, or run `driftcheck init` to write first declarations.",
        )
    return defaults


def resolve_policy(command: str, flags: Flags, config: Config) -> Policy:
    """Return the policy of flags and configuration; raises UsageError for an unknown class of --gate."""
    strict = flags.strict if flags.strict is not None else config.strict
    return Policy(
        fail_on=_severity(flags.fail_on or config.fail_on or "error"),
        strict=command in SEVERITIES if strict is None else strict,
        gate=_gate(flags.gate or "drift,conflict"),
        severities={**SEVERITIES.get(command, {}), **config.severities},
        ignores=config.ignores,
        policies=config.policies,
        off=config.off,
    )


def _severity(text: str) -> Severity | None:
    return None if text == "never" else Severity(text)


def _gate(text: str) -> frozenset[ChangeClass]:
    classes = [part.strip() for part in text.split(",") if part.strip()]
    known = [change_class.value for change_class in ChangeClass]
    if not classes or any(part not in known for part in classes):
        raise UsageError("--gate expects classes separated by commas.", hint=f"The classes are {', '.join(known)}.")
    return frozenset(ChangeClass(part) for part in classes)


def _access(flags: Flags, config: Config, variables: Mapping[str, str]) -> Access:
    names = _key_variables(flags)
    return Access(
        endpoint=_endpoint(flags, config, variables),
        api_key=next((variables[name] for name in names if name in variables), None),
        key_variables=names,
        timeout=flags.timeout,
        retries=flags.retries,
        concurrency=flags.concurrency,
        ca_file=flags.ca_file,
        allow_http=flags.allow_http,
    )


def _key_variables(flags: Flags) -> tuple[str, ...]:
    """Return the variables that may hold the key; raises UsageError for a name that may be the key itself."""
    name = flags.api_key_env
    if not name:
        return KEY_VARIABLES
    if not _VARIABLE.fullmatch(name) or holds_credential(name):
        raise UsageError(
            "--api-key-env expects the name of an environment variable, not a key.",
            hint="Set LANGSMITH_API_KEY to the key, or name the variable that holds it. If a key was given here, "
            "replace it: command lines are visible to other users of this machine.",
        )
    return (name,)


def _endpoint(flags: Flags, config: Config, variables: Mapping[str, str]) -> str:
    """Return the control plane's address as configured (docs/API.md 1.1); `Connection` checks it."""
    given = flags.endpoint or variables.get(ENDPOINT_VARIABLE)
    if given:
        return given
    langsmith = next((variables[name] for name in DERIVED_VARIABLES if name in variables), None)
    return derive_endpoint(langsmith) if langsmith else REGIONS[config.region or "us"]


def _workspace(
    flags: Flags, config: Config, config_file: FilePath | None, variables: Mapping[str, str]
) -> Workspace | None:
    """Return the workspace to ask for; None for the key's own. Raises UsageError for one that is not a UUID."""
    found = [
        ("--workspace", flags.workspace),
        *((name, variables.get(name)) for name in WORKSPACE_VARIABLES),
        (str(config_file), config.workspace),
    ]
    origin, given = next(((origin, value.strip()) for origin, value in found if value), (None, None))
    if origin is None or given is None:
        return None
    try:
        UUID(given)
    except ValueError:
        raise UsageError(
            f"the workspace given by {origin} is not a workspace id (a UUID).",
            hint="Copy the id from the workspace's settings in LangSmith; a workspace's name can't be used.",
        ) from None
    return Workspace(given, origin)


def connection(settings: Settings) -> Connection:
    """Return what a fetch needs; raises LiveError without an API key, UsageError for values that can't be used."""
    access = settings.access
    if access is None:
        raise UsageError("this command does not read from the network.")
    if access.api_key is None:
        names = access.key_variables
        raise LiveError(
            f"no API key: none of {', '.join(names)} is set." if names[1:] else f"no API key: {names[0]} is not set.",
            hint=f"Set {'LANGSMITH_API_KEY' if names[1:] else names[0]} to a key that may read deployments, or compare "
            "with a saved listing (--live FILE).",
        )
    return Connection(
        endpoint=access.endpoint,
        api_key=access.api_key,
        workspace=settings.workspace.id if settings.workspace else None,
        workspace_origin=settings.workspace.origin if settings.workspace else "",
        timeout=access.timeout,
        retries=access.retries,
        concurrency=access.concurrency,
        ca_file=access.ca_file,
        allow_http=access.allow_http,
    )
