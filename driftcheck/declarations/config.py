"""driftcheck.yaml -> Config: policy and paths, never where to connect or write (docs/contract.md, Commands)."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path as FilePath
from typing import TYPE_CHECKING

from driftcheck.declarations import discovery
from driftcheck.declarations.discovery import CONFIG_NAME, SourceText
from driftcheck.errors import DriftcheckError, ExitStatus
from driftcheck.model import JSON, Finding, IgnoreRule, Location, Policy, Severity
from driftcheck.rules import RULES

if TYPE_CHECKING:
    from driftcheck.yamlfile.positions import Text


class ConfigurationError(DriftcheckError):
    """A configuration file that cannot be used: a finding for each of its defects, and a line of the message."""

    status = ExitStatus.INVALID

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("\n".join(_line(found) for found in findings))
        self.findings = tuple(findings)


def _line(found: Finding) -> str:
    return f"{found.location}: {found.message}." + (f" {found.hint}" if found.hint else "")


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
    """Read a configuration file; raises UsageError where it cannot be read, ConfigurationError for its defects."""
    return parse_config(discovery.read_file(str(path)))


def parse_config(source: SourceText) -> Config:
    """Return the configuration in a text; raises ConfigurationError with a finding for each defect."""
    from driftcheck.yamlfile.positions import Text
    from driftcheck.yamlfile.reader import parse

    text = Text(source.name, source.data, parse(source.data))
    defects = sorted(_defects(text), key=lambda found: (found.location or Location("", 0, 0), found.message))
    if defects:
        raise ConfigurationError(defects)
    documents = text.parsed.documents
    return Config() if not documents or documents[0] is None else _config(text, documents[0])


def _defects(text: Text) -> Iterator[Finding]:
    from driftcheck.declarations.house_rules import house_rule_violations
    from driftcheck.declarations.schema import validate

    def found(rule: str, message: str, hint: str | None, position: tuple[int, int]) -> Finding:
        hint = hint or RULES[rule].hint
        return Finding(rule, Severity.ERROR, message, hint, location=Location(text.name, *position))

    for problem in text.parsed.problems:
        if RULES[problem.rule].severity is Severity.ERROR:
            yield found(problem.rule, problem.message, problem.hint, problem.position)
    for number, document in enumerate(text.parsed.documents):
        if number > 0:
            message, hint = "unexpected second document", "Write the configuration as one document."
            yield found("wrong-type", message, hint, text.position(number, ()))
        elif document is not None:
            for violation in (*validate(document, "config"), *islice(house_rule_violations(document), 1_000)):
                if violation.at_key or not text.is_defective(number, violation.path):
                    position = text.position(number, violation.path, at_key=violation.at_key)
                    yield found(violation.rule, violation.message, violation.hint, position)


def _config(text: Text, value: Mapping[str, JSON]) -> Config:
    from driftcheck.declarations.loader import ignore_rules

    return Config(
        paths=tuple(value.get("paths", ())),
        workspace=value.get("workspace"),
        region=value.get("region"),
        ignores=tuple(ignore_rules(text, 0, value, ())),
        severities={rule: Severity(each) for rule, each in value.get("severities", {}).items() if each != "off"},
        off=frozenset(rule for rule, each in value.get("severities", {}).items() if each == "off"),
        fail_on=value.get("fail-on"),
        strict=value.get("strict"),
        policies=tuple(_policies(text, value.get("policies", ()))),
    )


def _policies(text: Text, entries: Iterable[Mapping[str, JSON]]) -> Iterator[Policy]:
    for index, entry in enumerate(entries):
        yield Policy(
            id=entry["id"],
            path=entry["path"],
            schema=entry["schema"],
            location=Location(text.name, *text.position(0, ("policies", index))),
            target=entry.get("target", "*"),
            deployment=entry.get("deployment", "*"),
            where=entry.get("where", {}),
            severity=Severity(entry.get("severity", "error")),
            message=entry.get("message"),
            reason=entry.get("reason"),
            applies_to=frozenset(entry.get("applies_to", ("declared", "live"))),
        )
