"""What a run is to do, resolved once: flags before environment before configuration file.

Where driftcheck connects to and what it writes come from flags and environment alone; a file in the
checked tree has a say in policy and paths only (docs/contract.md, Commands).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Final

from driftcheck.declarations.config import Config
from driftcheck.errors import LiveError, UsageError
from driftcheck.live.endpoint import REGIONS, Connection, derive_endpoint, endpoint_url
from driftcheck.model import ChangeClass, IgnoreRule, Severity
from driftcheck.redaction.patterns import holds_credential

CONFIG_NAME: Final = "driftcheck.yaml"
DEFAULT_PATHS: Final = ("deployments.yaml", "deployments")
KEY_VARIABLES: Final = ("LANGGRAPH_HOST_API_KEY", "LANGSMITH_API_KEY", "LANGCHAIN_API_KEY")
_VARIABLE: Final = re.compile("(?!lsv2_|ls__)[A-Za-z_][A-Za-z0-9_]*")
"""The name of an environment variable. LangSmith's keys could be one, by their letters."""
WORKSPACE_VARIABLES: Final = ("LANGSMITH_TENANT_ID", "LANGSMITH_WORKSPACE_ID")

SEVERITIES: Final[Mapping[str, Mapping[str, Severity]]] = {
    "audit": {
        "unmanaged-deployment": Severity.ERROR,
        "being-deleted": Severity.WARNING,
        "rollout-pending": Severity.WARNING,
        "probable-rename": Severity.WARNING,
    },
    "compare": {"unmanaged-deployment": Severity.ERROR},
}
"""What weighs more than in a check where a workspace is looked at as a whole; there the comparison is strict, too."""


@dataclass(frozen=True, slots=True)
class Flags:
    """What the command line (or the variable of an option) said; None where it said nothing."""

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


@dataclass(frozen=True, slots=True)
class Policy:
    """What counts, and how much."""

    fail_on: Severity | None = Severity.ERROR
    """The least severity that makes exit status 1; None for none."""
    strict: bool = False
    gate: frozenset[ChangeClass] = frozenset({ChangeClass.DRIFT, ChangeClass.CONFLICT})
    severities: Mapping[str, Severity] = field(default_factory=dict)
    """Severities of rules in place of their own."""
    ignores: tuple[IgnoreRule, ...] = ()


@dataclass(frozen=True, slots=True)
class Settings:
    """What a run is to do."""

    command: str
    paths: tuple[str, ...]
    policy: Policy
    flags: Flags
    config_file: FilePath | None = None
    workspace: str | None = None
    region: str | None = None


def resolve(command: str, flags: Flags, config: Config, config_file: FilePath | None, here: FilePath) -> Settings:
    """Bring flags and configuration together; `here` is the folder that default paths are looked for in.

    Raises UsageError where no path is given and none of the usual ones is there, and for flags that can't be used.
    """
    _refuse_keys(flags)
    policy = resolve_policy(command, flags, config)
    if flags.gate and flags.base is None:
        raise UsageError("--gate chooses among classes that only --base can tell apart.", hint="Name a --base, too.")
    return Settings(
        command=command,
        paths=_paths(command, flags, config, here),
        policy=policy,
        flags=flags,
        config_file=config_file,
        workspace=config.workspace,
        region=config.region,
    )


def _paths(command: str, flags: Flags, config: Config, here: FilePath) -> tuple[str, ...]:
    if flags.paths or config.paths:
        return flags.paths or config.paths
    usual = tuple(path for path in DEFAULT_PATHS if (here / path).exists())
    if not usual and command in ("check", "validate") and not flags.allow_empty:
        raise UsageError(
            "Nothing to check: no path was given, and there is neither deployments.yaml nor deployments/ here.",
            hint="Name files or folders, or run `driftcheck init` for a first declaration.",
        )
    return usual[:1]


def resolve_policy(command: str, flags: Flags, config: Config) -> Policy:
    """Give the policy that flags and a configuration make; raises UsageError for a value that is none."""
    whole = command in SEVERITIES
    strict = flags.strict if flags.strict is not None else config.strict
    return Policy(
        fail_on=_severity(flags.fail_on or config.fail_on or "error"),
        strict=whole if strict is None else strict,
        gate=_gate(flags.gate or "drift,conflict"),
        severities={**SEVERITIES.get(command, {}), **config.severities},
        ignores=config.ignores,
    )


def _severity(text: str) -> Severity | None:
    return None if text == "never" else Severity(text)


def _gate(text: str) -> frozenset[ChangeClass]:
    classes = [part.strip() for part in text.split(",") if part.strip()]
    known = [change_class.value for change_class in ChangeClass]
    if not classes or any(part not in known for part in classes):
        raise UsageError("--gate takes classes separated by commas.", hint=f"The classes are {', '.join(known)}.")
    return frozenset(ChangeClass(part) for part in classes)


def connection(settings: Settings, environ: Mapping[str, str]) -> Connection:
    """Give what a fetch needs; raises LiveError where there is no key, UsageError for what can't be used."""
    flags = settings.flags
    return Connection(
        endpoint=endpoint(settings, environ),
        api_key=_key(flags, environ),
        workspace=workspace(settings, environ),
        timeout=flags.timeout,
        retries=flags.retries,
        concurrency=flags.concurrency,
        ca_file=flags.ca_file,
        allow_http=flags.allow_http,
    )


def endpoint(settings: Settings, environ: Mapping[str, str]) -> str:
    """Give the control plane's base URL (docs/contract.md, Commands; API.md 1.1)."""
    given = settings.flags.endpoint or environ.get("LANGGRAPH_HOST_URL")
    if not given and (langsmith := environ.get("LANGSMITH_ENDPOINT")):
        given = derive_endpoint(langsmith)
    return endpoint_url(given or REGIONS[settings.region or "us"], allow_http=settings.flags.allow_http)


def workspace(settings: Settings, environ: Mapping[str, str]) -> str | None:
    """Give the workspace to ask for: flag, environment, configuration; None for the key's own."""
    named = next((environ[name] for name in WORKSPACE_VARIABLES if environ.get(name)), None)
    return settings.flags.workspace or named or settings.workspace


def _key(flags: Flags, environ: Mapping[str, str]) -> str:
    names = key_variables(flags)
    for name in names:
        if environ.get(name):
            return environ[name]
    raise LiveError(
        f"There is no API key: none of {', '.join(names)} is set."
        if names[1:]
        else f"There is no API key in {names[0]}.",
        hint=f"Set {'LANGSMITH_API_KEY' if names[1:] else names[0]} to a key that may read deployments, or compare "
        "with a saved listing (--live FILE).",
    )


def _refuse_keys(flags: Flags) -> None:
    """Raise UsageError for a name of a variable that may be the key itself, which is not repeated then."""
    name = flags.api_key_env
    if name and (not _VARIABLE.fullmatch(name) or holds_credential(name)):
        raise UsageError(
            "--api-key-env takes the name of an environment variable, and what was given is none.",
            hint="Set LANGSMITH_API_KEY to the key, or name the variable that holds it. If that was a key, it is "
            "known now to whoever can see this command line: replace it.",
        )


def key_variables(flags: Flags) -> tuple[str, ...]:
    """Give the environment variables that may hold the key, the first that is set counts."""
    return (flags.api_key_env,) if flags.api_key_env else KEY_VARIABLES
