"""The configuration file: policy and paths, but never where to connect or write (docs/contract.md, Commands)."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path as FilePath
from typing import TYPE_CHECKING

from driftcheck.declarations import discovery
from driftcheck.declarations.discovery import CONFIG_NAME, SourceText
from driftcheck.errors import DriftcheckError, ExitStatus, UsageError
from driftcheck.model import JSON, Finding, HousePolicy, IgnoreRule, Location, Severity
from driftcheck.rules import RULES, make_finding

if TYPE_CHECKING:
    from driftcheck.declarations.schema import Pointer
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
    """The content of a configuration file; None or empty for what it does not set."""

    paths: tuple[str, ...] = ()
    """Relative to the file's folder."""
    workspace: str | None = None
    region: str | None = None
    ignores: tuple[IgnoreRule, ...] = ()
    severities: Mapping[str, Severity] = field(default_factory=dict)
    """Severities by rule id."""
    off: frozenset[str] = frozenset()
    """Ids of lint rules and house policies that are turned off; their findings are suppressed."""
    fail_on: str | None = None
    """A severity, or `never`."""
    strict: bool | None = None
    policies: tuple[HousePolicy, ...] = ()
    targets: tuple[Target, ...] = ()
    file: FilePath | None = None
    """Where the configuration in use is; not set in that of a target."""


@dataclass(frozen=True, slots=True)
class Target:
    """One workspace to check, with what is declared for it."""

    name: str
    config: Config
    """What holds for the target: its own values over those at the top of the file; ignore rules of both."""
    name_suffix: str = ""
    workspace: str | None = None
    """The target's own; it takes precedence over common variables. That of `config` may be the file's."""
    region: str | None = None
    """The target's own region; it takes precedence over common variables."""


def config_candidates(here: FilePath) -> list[FilePath]:
    """Return where driftcheck.yaml may be, the nearest first: from a folder upwards to the repository's root.

    Outside a repository, that is only the folder.
    """
    folders = [here, *here.parents]
    root = repository(here)
    return [folder / CONFIG_NAME for folder in folders[: folders.index(root) + 1 if root else 1]]


def find_config(here: FilePath) -> FilePath | None:
    """Return the nearest driftcheck.yaml, if there is one."""
    return next((file for file in config_candidates(here) if os.path.lexists(file)), None)


def require_nearest(paths: Iterable[str], in_use: FilePath | None, here: FilePath) -> None:
    """Raise UsageError if a driftcheck.yaml is nearer to a named path than the one in use.

    Otherwise another configuration's policy and workspace would apply to the path.
    """
    used = os.path.realpath(in_use) if in_use else None
    for path in paths:
        full = FilePath(discovery.full_path(path, str(here)))
        folder = full if full.is_dir() else FilePath(discovery.split_glob(str(full), str(here))[0])
        nearest = find_config(folder if folder.is_dir() else folder.parent)
        if nearest is None or path == "-" or os.path.realpath(nearest) == used:
            continue
        if used is None or not FilePath(used).is_relative_to(os.path.realpath(nearest.parent)):
            shown, own = os.path.relpath(nearest, here), os.path.relpath(used, here) if used else None
            raise UsageError(
                f"{path} has its own configuration, {shown}, and "
                + (f"{own} is in use." if own else "no configuration is in use."),
                hint=f"Run driftcheck in {os.path.dirname(shown) or '.'}, or name the configuration with --config.",
            )


def from_folder(config: Config, folder: FilePath, here: FilePath) -> Config:
    """Return a configuration with its paths made relative to another folder."""
    return replace(
        config,
        paths=tuple(os.path.relpath(folder / path, here) for path in config.paths),
        targets=tuple(replace(each, config=from_folder(each.config, folder, here)) for each in config.targets),
    )


def is_in_repository(file: FilePath, here: FilePath) -> bool:
    """Return whether a file is in the repository that a folder belongs to."""
    root = repository(here)
    return root is not None and FilePath(os.path.realpath(file)).is_relative_to(os.path.realpath(root))


def repository(here: FilePath) -> FilePath | None:
    """Return the root of the repository that a folder belongs to."""
    return next((folder for folder in (here, *here.parents) if os.path.lexists(folder / ".git")), None)


def load_config(path: FilePath) -> Config:
    """Read a configuration file; raises UsageError if it cannot be read, ConfigurationError for its defects."""
    return parse_config(discovery.read_file(str(path)), folder_of(path).absolute())


def folder_of(file: FilePath) -> FilePath:
    """Return the folder that the paths of a configuration are relative to: its own, or the current one for a pipe."""
    return FilePath.cwd() if discovery.is_descriptor(str(file)) else file.parent


def parse_config(source: SourceText, folder: FilePath) -> Config:
    """Return the configuration in a text, whose paths stay inside the tree around the file's folder.

    Raises ConfigurationError with a finding for each defect.
    """
    from driftcheck.yamlfile.positions import Text
    from driftcheck.yamlfile.reader import parse

    text = Text(source.name, source.data, parse(source.data))
    defects = sorted(_defects(text, folder), key=lambda found: (found.location or Location("", 0, 0), found.message))
    if defects:
        raise ConfigurationError(defects)
    documents = text.parsed.documents
    return Config() if not documents or documents[0] is None else _config(text, documents[0])


def _defects(text: Text, folder: FilePath) -> Iterator[Finding]:
    from driftcheck.declarations.policy_checks import policy_violations
    from driftcheck.declarations.schema import validate

    def found(rule: str, message: str, hint: str | None, position: tuple[int, int]) -> Finding:
        location = Location(text.name, *position)
        return make_finding(rule, message, hint=hint, severity=Severity.ERROR, location=location)

    off = _positions_of_off(text)
    for problem in text.parsed.problems:
        if RULES[problem.rule].severity is Severity.ERROR and problem.position not in off:
            yield found(problem.rule, problem.message, problem.hint, problem.position)
    for number, document in enumerate(text.parsed.documents):
        if number > 0:
            message, hint = "unexpected second document", "Write the configuration as one document."
            yield found("wrong-type", message, hint, text.position(number, ()))
        elif document is not None:
            for violation in (*validate(document, "config"), *islice(policy_violations(document), 1_000)):
                if violation.at_key or not text.is_defective(number, violation.path):
                    position = text.position(number, violation.path, at_key=violation.at_key)
                    yield found(violation.rule, violation.message, violation.hint, position)
            for path in _outside(document, folder):
                message = "the path leads out of the tree of the configuration"
                hint = "Name such files on the command line."
                yield found("invalid-value", message, hint, text.position(number, path))


def _positions_of_off(text: Text) -> frozenset[tuple[int, int]]:
    """Return the positions of the severity `off`; unquoted, YAML 1.1 reads it as a boolean, which means the same."""
    from driftcheck.declarations.policy_checks import holders

    return frozenset(
        text.position(0, (*pointer, "severities", rule))
        for document in text.parsed.documents[:1]
        for pointer, holder in holders(document)
        if isinstance(severities := holder.get("severities"), dict)
        for rule, severity in severities.items()
        if severity == "off"
    )


def _outside(document: JSON, folder: FilePath) -> Iterator[Pointer]:
    """Yield the paths in a configuration of files outside of its repository, or of its folder if it is in none."""
    from driftcheck.declarations.policy_checks import holders

    root = str(repository(folder) or folder)
    for above, holder in holders(document):
        paths = holder.get("paths")
        for index, path in enumerate(paths if isinstance(paths, list) else ()):
            if not isinstance(path, str):
                continue
            # `-` is standard input, which is not a file of the tree either.
            if path == "-" or not discovery.is_within(os.path.normpath(os.path.join(folder, path)), root):
                yield (*above, "paths", index)


def _config(text: Text, value: Mapping[str, JSON]) -> Config:
    policies = tuple(_policies(text, value.get("policies", ())))
    config = replace(_settings(value, _ignores(text, value, ())), policies=policies)
    targets = value.get("targets", {})
    return replace(config, targets=tuple(_target(text, config, value, name, own) for name, own in targets.items()))


def _ignores(text: Text, value: Mapping[str, JSON], above: Pointer) -> tuple[IgnoreRule, ...]:
    from driftcheck.declarations.ignore_rules import read_ignore_rules

    return tuple(read_ignore_rules(text, 0, value, above=above))


def _settings(value: Mapping[str, JSON], ignores: tuple[IgnoreRule, ...]) -> Config:
    """Return the settings of the top of the file, or of a target."""
    severities = value.get("severities", {})
    return Config(
        paths=tuple(value.get("paths", ())),
        workspace=value.get("workspace"),
        region=value.get("region"),
        ignores=ignores,
        severities={rule: Severity(each) for rule, each in severities.items() if each != "off"},
        off=frozenset(rule for rule, each in severities.items() if each == "off"),
        fail_on=value.get("fail-on"),
        strict=value.get("strict"),
    )


def _target(text: Text, config: Config, top: Mapping[str, JSON], name: str, own: Mapping[str, JSON]) -> Target:
    given = {key: each for key, each in own.items() if each != []}  # `paths: []` names no other ones
    severities = {**top.get("severities", {}), **own.get("severities", {})}
    ignores = (*config.ignores, *_ignores(text, own, ("targets", name)))
    return Target(
        name,
        replace(_settings({**top, **given, "severities": severities}, ignores), policies=config.policies),
        name_suffix=own.get("name_suffix", ""),
        workspace=own.get("workspace"),
        region=own.get("region"),
    )


def _policies(text: Text, entries: Iterable[Mapping[str, JSON]]) -> Iterator[HousePolicy]:
    for index, entry in enumerate(entries):
        yield HousePolicy(
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
