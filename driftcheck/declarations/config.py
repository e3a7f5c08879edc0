"""driftcheck.yaml -> Config: policy and paths, never where to connect or write (docs/contract.md, Commands)."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path as FilePath
from typing import TYPE_CHECKING

from driftcheck.declarations import discovery
from driftcheck.declarations.discovery import CONFIG_NAME, SourceText
from driftcheck.errors import ConfigurationError
from driftcheck.model import JSON, IgnoreRule, Location, Policy, Severity
from driftcheck.rules import RULES

if TYPE_CHECKING:
    from driftcheck.declarations.layers import Source


@dataclass(frozen=True, slots=True)
class Config:
    """What a configuration file says; None and empty where it says nothing."""

    paths: tuple[str, ...] = ()
    """Relative to the file's folder."""
    workspace: str | None = None
    region: str | None = None
    ignores: tuple[IgnoreRule, ...] = ()
    severities: Mapping[str, Severity] = field(default_factory=dict)
    """Severities by rule id."""
    off: frozenset[str] = frozenset()
    """Ids of lint rules and policies whose findings are counted and not reported."""
    fail_on: str | None = None
    """A severity, or `never`."""
    strict: bool | None = None
    policies: tuple[Policy, ...] = ()


def config_places(here: FilePath) -> list[FilePath]:
    """Give where driftcheck.yaml may stand, the nearest first: from a folder upwards to the repository's root.

    Outside of a repository that is the folder alone.
    """
    folders = [here, *here.parents]
    root = _repository(here)
    return [folder / CONFIG_NAME for folder in folders[: folders.index(root) + 1 if root else 1]]


def find_config(here: FilePath) -> FilePath | None:
    """Give the nearest driftcheck.yaml, if there is one."""
    return next((file for file in config_places(here) if os.path.lexists(file)), None)


def from_folder(config: Config, folder: FilePath, here: FilePath) -> Config:
    """Give a configuration of one folder with paths that begin at another."""
    return replace(config, paths=tuple(os.path.relpath(folder / path, here) for path in config.paths))


def is_in_repository(file: FilePath, here: FilePath) -> bool:
    """Tell whether a file lies in the repository that a folder belongs to."""
    root = _repository(here)
    return root is not None and FilePath(os.path.realpath(file)).is_relative_to(os.path.realpath(root))


def _repository(here: FilePath) -> FilePath | None:
    return next((folder for folder in (here, *here.parents) if os.path.lexists(folder / ".git")), None)


def load_config(path: FilePath) -> Config:
    """Read a configuration file; raises UsageError where it can't be read, ConfigurationError for what it says."""
    return parse_config(discovery.read_file(str(path)))


def parse_config(text: SourceText) -> Config:
    """Read a configuration from a text; raises ConfigurationError, whose message has a line for each defect."""
    from driftcheck.declarations.layers import Source

    source = Source(text.name, text.data)
    defects = sorted(_defects(source))
    if defects:
        error = ConfigurationError("\n".join(f"{place}: {message}" for place, message in defects))
        first = defects[0][0]
        error.place = (first.file, first.line, first.column)
        raise error
    value = source.parsed.documents[0] if source.parsed.documents else None
    return Config() if value is None else _config(source, value)


def _defects(source: Source) -> Iterator[tuple[Location, str]]:
    """Find what is wrong with a configuration: its place, and what to do about it."""
    from driftcheck.declarations.house_rules import house_rule_violations
    from driftcheck.declarations.schema import validate

    parsed = source.parsed
    for problem in parsed.problems:
        if RULES[problem.rule].severity is Severity.ERROR:
            yield source.location(problem.place), _sentence(problem.message, problem.hint)
    for number, document in enumerate(parsed.documents):
        if number > 0:
            yield source.locate(number, ()), _sentence("a second document", "A configuration is one document.")
        elif document is not None:
            for violation in (*validate(document, "config"), *islice(house_rule_violations(document), 1_000)):
                if not source.has_problem(number, violation):
                    yield source.place(number, violation), _sentence(violation.message, violation.hint)


def _sentence(message: str, hint: str | None) -> str:
    return f"{message}. {hint}" if hint else f"{message}."


def _config(source: Source, value: Mapping[str, JSON]) -> Config:
    from driftcheck.declarations.documents import ignore_rules

    return Config(
        paths=tuple(value.get("paths", ())),
        workspace=value.get("workspace"),
        region=value.get("region"),
        ignores=tuple(ignore_rules(source, 0, value, ())),
        severities={rule: Severity(each) for rule, each in value.get("severities", {}).items() if each != "off"},
        off=frozenset(rule for rule, each in value.get("severities", {}).items() if each == "off"),
        fail_on=value.get("fail-on"),
        strict=value.get("strict"),
        policies=tuple(_policies(source, value.get("policies", ()))),
    )


def _policies(source: Source, entries: Iterable[Mapping[str, JSON]]) -> Iterator[Policy]:
    for index, entry in enumerate(entries):
        yield Policy(
            id=entry["id"],
            path=entry["path"],
            schema=entry["schema"],
            location=source.locate(0, ("policies", index)),
            target=entry.get("target", "*"),
            deployment=entry.get("deployment", "*"),
            where=entry.get("where", {}),
            severity=Severity(entry.get("severity", "error")),
            message=entry.get("message"),
            reason=entry.get("reason"),
            applies_to=frozenset(entry.get("applies_to", ("declared", "live"))),
        )
