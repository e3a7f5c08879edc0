"""The settings of a run, resolved once: flags take precedence over the environment, that over the configuration.

Only flags and environment decide where driftcheck connects and what it writes; a file in the checked tree decides
policy and paths (docs/contract.md, Configuration).
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path as FilePath
from typing import Final
from uuid import UUID

from driftcheck import environment
from driftcheck.declarations import discovery
from driftcheck.declarations.config import Config, Target, repository
from driftcheck.errors import LiveError, UsageError
from driftcheck.live.endpoint import REGIONS, Connection, derive_endpoint
from driftcheck.model import ChangeClass, HousePolicy, IgnoreRule, Severity
from driftcheck.paths import glob_matches
from driftcheck.redaction.patterns import holds_credential

DEFAULT_PATHS: Final = ("deployments.yaml", "deployments")
KEY_VARIABLES: Final = ("LANGGRAPH_HOST_API_KEY", "LANGSMITH_API_KEY", "LANGCHAIN_API_KEY")
WORKSPACE_VARIABLES: Final = ("LANGSMITH_TENANT_ID", "LANGSMITH_WORKSPACE_ID")
ENDPOINT_VARIABLE: Final = "LANGGRAPH_HOST_URL"
DERIVED_VARIABLES: Final = ("LANGSMITH_ENDPOINT", "LANGCHAIN_ENDPOINT")
"""Variables that hold the address of LangSmith's API, from which that of the control plane is derived."""

_VARIABLE: Final = re.compile("(?!lsv2_|ls__)[A-Za-z_][A-Za-z0-9_]*")
"""The form of an environment variable's name. A LangSmith key has the same form."""

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
    """The options of the command line, or of their variables; None or empty if not given."""

    paths: tuple[str, ...] = ()
    config: str | None = None
    live: tuple[str, ...] = ()
    """A file, or TARGET=FILE for each target."""
    targets: tuple[str, ...] = ()
    """Globs over the names of targets; empty for all."""
    names: tuple[str, ...] = ()
    """Globs over the names of deployments; empty for all."""
    report_id: str | None = None
    endpoint: str | None = None
    region: str | None = None
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
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Recording:
    """Where a run is recorded and who is notified; only from flags and environment."""

    history: str = field(repr=False)
    """The URL of the database, which may hold a password."""
    notify: tuple[str, ...] = field(default=(), repr=False)
    remind: timedelta | None = None
    fail_on_new: bool = False


@dataclass(frozen=True, slots=True)
class Policy:
    """Which changes and findings fail a run, and how severe each is."""

    fail_on: Severity | None = Severity.ERROR
    """The least severity that makes exit status 1; None for `never`."""
    strict: bool = False
    """Whether undeclared live values count, too."""
    gate: frozenset[ChangeClass] = frozenset({ChangeClass.DRIFT, ChangeClass.CONFLICT})
    """With --base, the classes of changes that fail a run."""
    severities: Mapping[str, Severity] = field(default_factory=dict)
    """Severities by rule id, instead of the rules' own."""
    ignores: tuple[IgnoreRule, ...] = ()
    policies: tuple[HousePolicy, ...] = ()
    off: frozenset[str] = frozenset()
    """Ids of lint rules and house policies that are turned off; their findings are suppressed."""


@dataclass(frozen=True, slots=True)
class Workspace:
    """The workspace to list."""

    id: str
    origin: str
    """Where it comes from: an option, a variable or a file."""
    hint: str
    """What to do if another workspace answers."""


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach the control plane; the API key is only needed for requests."""

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
    """The settings of a run."""

    command: str
    target: str | None = None
    """The target of the configuration; None if it has none."""
    name_suffix: str = ""
    """Added to the name of each declared deployment."""
    other_paths: tuple[str, ...] = ()
    """The paths of all other targets: files that lie below them are shared."""
    paths: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    """Globs over the names of the deployments to report; empty for all."""
    report_id: str | None = None
    """The identity of the report from the command line."""
    default_id: str | None = None
    """The identity of a report on an unknown workspace: the configuration, from the root of its repository."""
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
    recording: Recording | None = None
    """None if the run is not recorded."""
    allow_partial: bool = False
    allow_empty: bool = False
    allow_empty_live: bool = False
    quiet: bool = False
    """Whether notes and progress are left out."""


def resolve(command: str, flags: Flags, config: Config, target: Target | None = None) -> Settings:
    """Combine flags, environment and configuration.

    `target` is one of the configuration's, which it overrides. Raises UsageError for what can't be used, and where no
    path is given and no default path exists.
    """
    variables = environment.variables()
    others = [each.config for each in config.targets if target is not None and each is not target]
    file, config = config.file, target.config if target else config
    policy = resolve_policy(command, flags, config)
    if flags.gate and flags.base is None:
        raise UsageError("--gate requires --base.", hint="Add --base REF, or leave out --gate.")
    live = flags.live[0] if flags.live else None
    asks = command != "validate" and (live is None or command == "init")
    return Settings(
        command=command,
        target=target.name if target else None,
        name_suffix=target.name_suffix if target else "",
        other_paths=tuple(path for other in others for path in other.paths),
        paths=_paths(command, flags, config),
        names=flags.names,
        report_id=flags.report_id,
        default_id=_default_id(file),
        policy=policy,
        config_file=file,
        live=live,
        access=_access(flags, config, target, variables) if asks else None,
        workspace=_workspace(flags, config, file, target, variables) if command != "validate" else None,
        region=flags.region or config.region,
        scope=flags.scope,
        recording=recording(flags),
        allow_partial=flags.allow_partial,
        allow_empty=flags.allow_empty,
        allow_empty_live=flags.allow_empty_live,
        quiet=flags.quiet,
    )


def recording(flags: Flags) -> Recording | None:
    """Return where runs are recorded; raises UsageError for an option that lacks another one."""
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


def _default_id(config_file: FilePath | None) -> str | None:
    if config_file is None:
        return None
    here = FilePath.cwd()
    return os.path.relpath(here / config_file, repository(here) or here).replace(os.sep, "/")


def resolve_targets(command: str, flags: Flags, config: Config) -> tuple[Settings, ...]:
    """Return the settings of each selected target, or those of the one run of a configuration without targets."""
    if not config.targets:
        if flags.targets:
            raise UsageError("--target requires `targets` in driftcheck.yaml.", hint="Remove --target, or add targets.")
        return _reading_once((resolve(command, replace(flags, live=flags.live[-1:]), config),))
    selected = select_targets(config.targets, flags.targets)
    live = _live_by_target(flags.live, config.targets, selected)
    if flags.workspace and len(selected) > 1:
        raise UsageError(
            "--workspace names one workspace, and several targets are selected.", hint="Select one with --target."
        )
    runs = tuple(
        resolve(command, replace(flags, live=live.get(target.name, ())), config, target) for target in selected
    )
    return _reading_once(runs)


def _reading_once(runs: tuple[Settings, ...]) -> tuple[Settings, ...]:
    """Return the runs; raises UsageError if standard input is named twice: the second reader would get nothing."""
    if sum((run.live == "-") + ("-" in run.paths) for run in runs) > 1:
        raise UsageError(
            "standard input (-) can be read once, and it is named for several inputs.",
            hint="Name a file for all of them but one.",
        )
    return runs


def select_targets(targets: Sequence[Target], globs: Sequence[str]) -> tuple[Target, ...]:
    """Return the targets that globs select, all without any; raises UsageError for one that matches no target."""
    names = ", ".join(target.name for target in targets)
    variables: dict[str, str] = {}
    for target in targets:
        other = variables.setdefault(_variable_suffix(target.name), target.name)
        if other != target.name:
            raise UsageError(
                f"the targets {other} and {target.name} have the same variables "
                f"(DRIFTCHECK_API_KEY_{_variable_suffix(target.name)}).",
                hint="Rename one of them in driftcheck.yaml.",
            )
    for glob in globs:
        if not any(glob_matches(glob, target.name) for target in targets):
            raise UsageError(f"no target is named {glob}.", hint=f"The targets of driftcheck.yaml are {names}.")
    return tuple(t for t in targets if not globs or any(glob_matches(glob, t.name) for glob in globs))


def _variable_suffix(target: str) -> str:
    return target.upper().replace("-", "_")


def _live_by_target(
    values: Sequence[str], targets: Sequence[Target], selected: Sequence[Target]
) -> dict[str, tuple[str]]:
    """Return the file of each target; raises UsageError for a value that names no target, or a target twice.

    A file alone belongs to the only selected target.
    """
    names = [target.name for target in targets]
    files: dict[str, tuple[str]] = {}
    for value in values:
        name, _, file = value.partition("=")
        if name not in names and len(selected) == len(values) == 1:
            name, file = selected[0].name, value
        if name not in names or not file:
            raise UsageError(
                f"--live {value} names no target.",
                hint=f"Write --live TARGET=FILE. The targets of driftcheck.yaml are {', '.join(names)}.",
            )
        if name in files:
            raise UsageError(f"--live {name}=FILE is given twice.", hint="Give one file for each target.")
        files[name] = (file,)
    return files


def _paths(command: str, flags: Flags, config: Config) -> tuple[str, ...]:
    if flags.paths or config.paths:
        return flags.paths or config.paths
    existing = tuple(path for path in DEFAULT_PATHS if os.path.lexists(path))
    found = {path for path in existing if discovery.names_anything(path)}
    if flags.base is None and discovery.is_sparse_checkout(os.getcwd()):
        from driftcheck.declarations import git

        found |= git.in_sparse_checkout(FilePath.cwd(), environment.variables(), DEFAULT_PATHS)[1]
    defaults = tuple(path for path in DEFAULT_PATHS if path in found) or existing
    if not defaults and command in ("check", "validate") and not flags.allow_empty and flags.base is None:
        raise UsageError(
            "nothing to check: no PATHS were given, and neither deployments.yaml nor deployments/ exists here.",
            hint="Name files or folders, or run `driftcheck init` to write first declarations.",
        )
    return defaults


def resolve_policy(command: str, flags: Flags, config: Config) -> Policy:
    """Return the policy of flags and configuration; raises UsageError for an unknown class of --gate."""
    strict = flags.strict if flags.strict is not None else config.strict
    fail_on = flags.fail_on or config.fail_on or "error"
    return Policy(
        fail_on=None if fail_on == "never" else Severity(fail_on),
        strict=command in SEVERITIES if strict is None else strict,
        gate=_gate(flags.gate or "drift,conflict"),
        severities={**SEVERITIES.get(command, {}), **config.severities},
        ignores=config.ignores,
        policies=config.policies,
        off=config.off,
    )


def _gate(text: str) -> frozenset[ChangeClass]:
    classes = [part.strip() for part in text.split(",") if part.strip()]
    known = [change_class.value for change_class in ChangeClass]
    unknown = next((part for part in classes if part not in known), None)
    if unknown is not None:
        from difflib import get_close_matches

        from driftcheck.redaction.patterns import shown

        close = get_close_matches(unknown.lower(), known, n=1)
        meant = f"Did you mean {close[0]}? " if close else ""
        raise UsageError(f"unknown class of --gate: {shown(unknown)}.", hint=f"{meant}Classes: {', '.join(known)}.")
    if not classes:
        raise UsageError("--gate expects classes separated by commas.", hint=f"Classes: {', '.join(known)}.")
    return frozenset(ChangeClass(part) for part in classes)


def _access(flags: Flags, config: Config, target: Target | None, variables: Mapping[str, str]) -> Access:
    names = _key_variables(flags)
    if target is not None:
        names = (f"DRIFTCHECK_API_KEY_{_variable_suffix(target.name)}", *names)
    return Access(
        endpoint=_endpoint(flags, config, target, variables),
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


def _endpoint(flags: Flags, config: Config, target: Target | None, variables: Mapping[str, str]) -> str:
    """Return the control plane's address as configured (docs/API.md 1.1); `Connection` checks it."""
    if flags.endpoint and flags.region:
        raise UsageError("--endpoint and --region exclude each other.", hint="--region names a region of the vendor's.")
    if flags.endpoint or flags.region:
        return flags.endpoint or REGIONS[flags.region or ""]
    own = variables.get(f"DRIFTCHECK_ENDPOINT_{_variable_suffix(target.name)}") if target else None
    if own:
        return own
    if target and target.region:
        return REGIONS[target.region]
    if ENDPOINT_VARIABLE in variables:
        return variables[ENDPOINT_VARIABLE]
    langsmith = next((variables[name] for name in DERIVED_VARIABLES if name in variables), None)
    return derive_endpoint(langsmith) if langsmith else REGIONS[config.region or "us"]


def _workspace(
    flags: Flags,
    config: Config,
    config_file: FilePath | None,
    target: Target | None,
    variables: Mapping[str, str],
) -> Workspace | None:
    """Return the workspace to ask for; None for the key's own. Raises UsageError for one that is not a UUID."""
    found = [
        ("--workspace", flags.workspace),
        *([(_origin(target, config_file), target.workspace)] if target else []),
        *((name, variables.get(name)) for name in WORKSPACE_VARIABLES),
        (str(config_file), config.workspace),
    ]
    origin, given = next(((origin, value.strip()) for origin, value in found if value), (None, None))
    if origin is None or given is None:
        return None
    try:
        UUID(given)
    except ValueError:
        shown = "" if holds_credential(given) else f" {given}"
        raise UsageError(
            f"the workspace{shown} given by {origin} is not a workspace id (a UUID).",
            hint="Copy the id from the workspace's settings in LangSmith; a workspace's name can't be used.",
        ) from None
    hint = "Correct the workspace there, or use an API key that belongs to it."
    if target:
        suffix = _variable_suffix(target.name)
        hint += f" DRIFTCHECK_API_KEY_{suffix} and DRIFTCHECK_ENDPOINT_{suffix} are read for this target alone."
    return Workspace(given, origin, hint)


def _origin(target: Target, config_file: FilePath | None) -> str:
    return f"target {target.name} of {config_file}" if config_file else f"--workspace {target.name}=..."


def share_connections(runs: Sequence[Settings]) -> tuple[int, tuple[Settings, ...]]:
    """Return how many runs may read at once and their settings, so that together they keep to --concurrency."""
    asking = [run.access for run in runs if run.access is not None]
    if not asking:
        return len(runs), tuple(runs)
    budget = asking[0].concurrency
    at_once = min(len(asking), max(budget, 1))
    share = max(budget // at_once, 1)
    return at_once, tuple(
        replace(run, access=replace(run.access, concurrency=min(share, run.access.concurrency))) if run.access else run
        for run in runs
    )


def connection(settings: Settings) -> Connection:
    """Return what a fetch needs; raises LiveError without an API key, UsageError for values that can't be used."""
    access = settings.access
    if access is None:
        raise UsageError("this command does not read from the network.")
    if access.api_key is None:
        names = access.key_variables
        common = next((name for name in names if name == "LANGSMITH_API_KEY"), names[0])
        raise LiveError(
            f"no API key: none of {', '.join(names)} is set." if names[1:] else f"no API key: {names[0]} is not set.",
            hint=f"Set {common} to a key that may read deployments, or compare with a saved listing (--live FILE).",
        )
    return Connection(
        endpoint=access.endpoint,
        api_key=access.api_key,
        workspace=settings.workspace.id if settings.workspace else None,
        workspace_origin=settings.workspace.origin if settings.workspace else "",
        workspace_hint=settings.workspace.hint if settings.workspace else None,
        timeout=access.timeout,
        retries=access.retries,
        concurrency=access.concurrency,
        ca_file=access.ca_file,
        allow_http=access.allow_http,
    )
