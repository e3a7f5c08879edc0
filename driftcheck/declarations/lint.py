"""Rules across the fields of one declared deployment (docs/API.md section 4), offline.

Each rule is a function from a `_Subject` to violations, and one line of `_CHECKS`. A rule concerns only
declared values and values derived from them, because a field that is not declared may have any value in live. The
schema reports values of the wrong shape.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import Any, Final, TypeAlias

from driftcheck import fields
from driftcheck.declarations.schema import Pointer, Violation, without_credentials
from driftcheck.fields import Field
from driftcheck.model import JSON, Comparison, Declaration, Finding, Severity, Status
from driftcheck.paths import Path
from driftcheck.redaction.patterns import holds_credential
from driftcheck.rules import LINT_RULES, make_finding

_CONFIG: Final = "source_config"
_REVISION: Final = "source_revision_config"
_SPEC: Final[Pointer] = (_CONFIG, "resource_spec")
_NOTHING: Final[Mapping[str, JSON]] = {}


_Entries: TypeAlias = list[tuple[Pointer, Mapping[str, JSON]]]
"""The objects in a list, each with its path."""


@dataclass(slots=True)
class _Subject:
    """A declared deployment, and the parts that many rules need; a part of the wrong type is empty."""

    name: str
    value: Mapping[str, JSON]
    source: JSON
    config: Mapping[str, JSON]
    revision: Mapping[str, JSON]
    spec: Mapping[str, JSON]
    secrets: _Entries
    references: _Entries
    containers: _Entries
    volumes: _Entries
    mounts: _Entries
    """Those of all containers."""


def lint(name: str, value: Mapping[str, JSON], *, may_hold_credentials: bool = True) -> Iterator[Violation]:
    """Return the violations of a declared deployment over its `defaults`; their paths begin at the deployment."""
    subject = _subject(name, value)
    if may_hold_credentials:
        yield from _literal_secrets(subject)
    for check in _CHECKS:
        yield from check(subject)


def lint_in_context(value: Mapping[str, JSON], *, region: str | None, is_new: bool) -> Iterator[Violation]:
    """Return the violations of a declared deployment that depend on its workspace's region, or on its being created."""
    config = _mapping(value, _CONFIG)
    kind = config.get("deployment_type")
    if region == "aws" and kind in ("dev_zero", "serverless"):
        message = f"`{kind}` is not available in the region `aws`"
        yield Violation("type-not-in-region", message, (_CONFIG, "deployment_type"), "Choose another type or region.")
    if is_new and value.get("source") == "external_docker" and config and config.get("listener_id") is None:
        message = "`listener_id` is missing; workspaces with listeners require it at creation"
        yield Violation("missing-listener", message, (_CONFIG,), at_key=True)


def findings_in_context(
    declarations: Iterable[Declaration], *, region: str | None, new: Container[str]
) -> Iterator[Finding]:
    """Return the findings that depend on the region, or on a deployment (one of those that are `new`) being created."""
    for declaration in declarations:
        for violation in lint_in_context(declaration.value, region=region, is_new=declaration.name in new):
            yield make_finding(
                violation.rule,
                violation.message,
                hint=violation.hint,
                deployment=declaration.name,
                path=violation.path,
                location=declaration.locate(violation.path),
            )


def accepted_by_live(findings: Iterable[Finding], comparisons: Iterable[Comparison]) -> Iterator[Finding]:
    """Return findings; a warning about a value that live holds as declared is a note, as the service accepts it.

    So is a warning about a deployment that is unknown, because its values may be live.
    """
    compared = {comparison.name: _Compared(comparison) for comparison in comparisons}
    for found in findings:
        comparison = compared.get(found.deployment or "")
        is_warning = found.rule in LINT_RULES and found.severity is Severity.WARNING
        if is_warning and comparison is not None and found.path is not None and comparison.may_hold(found):
            yield replace(found, severity=Severity.NOTE)
        else:
            yield found


class _Compared:
    """A comparison, in which many findings are looked up."""

    def __init__(self, comparison: Comparison) -> None:
        self._comparison = comparison

    def may_hold(self, found: Finding) -> bool:
        """Return whether live agrees with what a finding is about, as far as that is known."""
        comparison = self._comparison
        if comparison.status is Status.UNKNOWN:
            return True
        if comparison.id is None or comparison.status not in (Status.IN_SYNC, Status.DRIFTED, Status.PROPOSED):
            return False
        if found.rule == "incomplete-for-create":
            return True
        path = found.path or ()
        is_below = any(path[:length] in self._others for length in range(len(path) + 1))
        return not is_below and path not in self._around

    @cached_property
    def _others(self) -> frozenset[Path]:
        """What differs or can't be seen."""
        return frozenset((*(change.path for change in self._comparison.changes), *self._comparison.unverifiable))

    @cached_property
    def _around(self) -> frozenset[Path]:
        return frozenset(other[:length] for other in self._others for length in range(len(other) + 1))


def lint_invalid(name: str, value: Mapping[str, JSON]) -> Iterator[Violation]:
    """Return the violations to report even for a deployment that breaks the schema: credentials outside `secrets`.

    Credentials among `secrets` break the schema and are reported there.
    """
    for violation in _literal_secrets(_subject(name, value)):
        if violation.path[:1] != ("secrets",):
            yield violation


def _subject(name: str, value: Mapping[str, JSON]) -> _Subject:
    config = _mapping(value, _CONFIG)
    spec = _mapping(config, "resource_spec")
    containers = [*_entries(spec, "sidecars", _SPEC), *_entries(spec, "init_containers", _SPEC)]
    mounts = _entries(spec, "volume_mounts", _SPEC)
    for path, container in containers:
        mounts += _entries(container, "volumeMounts", path)
    return _Subject(
        name=name,
        value=value,
        source=value.get("source"),
        config=config,
        revision=_mapping(value, _REVISION),
        spec=spec,
        secrets=_entries(value, "secrets"),
        references=_entries(value, "secret_references"),
        containers=containers,
        volumes=_entries(spec, "volumes", _SPEC),
        mounts=mounts,
    )


def _mapping(parent: Mapping[str, JSON], key: str) -> Mapping[str, JSON]:
    child = parent.get(key)
    return child if isinstance(child, dict) else _NOTHING


def _entries(parent: Mapping[str, JSON], key: str, above: Pointer = ()) -> _Entries:
    children = parent.get(key)
    if not isinstance(children, list):
        return []
    return [((*above, key, index), child) for index, child in enumerate(children) if isinstance(child, dict)]


def _text(parent: Mapping[str, JSON], key: str) -> str | None:
    value = parent.get(key)
    return value if isinstance(value, str) else None


def _is_set(value: JSON) -> bool:
    return value not in (None, "", False) and value != [] and value != {}


# --- sources -----------------------------------------------------------------------------------------------------


def _missing_source(subject: _Subject) -> Iterator[Violation]:
    if "source" not in subject.value:
        yield Violation("missing-source", "missing `source`", (), "Add `source:`.")


_NEEDED: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "github": (
        *((_CONFIG, "integration_id"), (_CONFIG, "repo_url"), (_CONFIG, "deployment_type"), (_CONFIG, "build_on_push")),
        (_REVISION, "langgraph_config_path"),
    ),
    "external_docker": ((_CONFIG, "resource_spec"), (_REVISION, "image_uri")),
    "internal_docker": ((_CONFIG, "deployment_type"),),
    "internal_source": ((_CONFIG, "deployment_type"), (_REVISION, "langgraph_config_path")),
    "internal_template": ((_CONFIG, "deployment_type"),),
}
"""What the service needs to create a deployment, by source (docs/API.md 4, rules 3, 4, 6, 7, 8, 9)."""


def _incomplete_for_create(subject: _Subject) -> Iterator[Violation]:
    for section in (_CONFIG, _REVISION):
        declared = subject.value.get(section)
        if not isinstance(declared, dict):
            continue
        needed = _NEEDED.get(subject.source, ()) if isinstance(subject.source, str) else ()
        missing = [f"`{key}`" for part, key in needed if part == section and declared.get(key) is None]
        if missing:
            message = f"`{section}` lacks {', '.join(missing)}, which creating such a deployment requires"
            yield Violation("incomplete-for-create", message, (section,))


_REFUSED: Final[Mapping[str, tuple[tuple[Pointer, str], ...]]] = {
    "github": (
        ((_REVISION, "image_uri"), "image-not-allowed"),
        ((_CONFIG, "custom_url"), "custom-url-not-allowed"),
    ),
    "external_docker": (((_REVISION, "langgraph_config_path"), "config-path-not-allowed"),),
    "internal_docker": (
        ((_REVISION, "langgraph_config_path"), "config-path-not-allowed"),
        ((_CONFIG, "custom_url"), "custom-url-not-allowed"),
    ),
    "internal_source": (((_CONFIG, "custom_url"), "custom-url-not-allowed"),),
    "internal_template": (
        ((_REVISION, "langgraph_config_path"), "config-path-not-allowed"),
        ((_CONFIG, "custom_url"), "custom-url-not-allowed"),
    ),
}
"""What the service refuses, by source (docs/API.md 4, rules 5, 6, 11)."""

_PLATFORM_URL: Final = re.compile(r"https://[^/]+\.langgraph\.app/?", re.IGNORECASE)


def _of_platform(key: str, value: JSON) -> bool:
    """Return whether a value looks like one that the platform sets itself, so that a copy of it is harmless."""
    if not isinstance(value, str):
        return False
    return bool(_PLATFORM_URL.fullmatch(value)) if key == "custom_url" else key == "image_uri" and "@sha256:" in value


def _wrong_for_source(subject: _Subject) -> Iterator[Violation]:
    source = subject.source
    if not isinstance(source, str) or source not in _REFUSED:
        return
    for path, rule in _REFUSED[source]:
        value = _at(subject.value, path)
        if _is_set(value) and not _of_platform(str(path[-1]), value):
            message = f"`{path[-1]}` cannot be set for the source `{source}`"
            yield Violation(rule, message, path, "Remove it.", at_key=True)
        elif _is_set(value):
            yield _platform_set(path, source)
    for path, sources in _inapplicable(source):
        if not _is_set(_at(subject.value, path)):
            continue
        if sources is None:
            yield _platform_set(path, source)
        else:
            message = f"`{path[-1]}` is documented for {sources} only, and the source is `{source}`"
            yield Violation("field-not-applicable", message, path, at_key=True)


def _platform_set(path: Pointer, source: str) -> Violation:
    message = f"the platform sets `{path[-1]}` for the source `{source}`, so it is not compared"
    return Violation("platform-set-value", message, path, "Remove it.", at_key=True)


@cache
def _inapplicable(source: str) -> tuple[tuple[Pointer, str | None], ...]:
    """Return the outermost fields that do not belong to a source, with the sources they are documented for.

    The sources are None if the platform sets the value.
    """
    refused = {path for path, _ in _REFUSED[source]}
    found: list[tuple[Pointer, str | None]] = []

    def search(field: Field, path: Pointer) -> None:
        for key, child in field.properties.items():
            below = (*path, key)
            if child.read_only or below in refused:
                continue
            if child.platform_sets(source):
                found.append((below, None))
            elif child.applies_to and source not in child.applies_to:
                found.append((below, ", ".join(f"`{name}`" for name in sorted(child.applies_to))))
            elif not path:
                search(child, below)

    search(fields.deployment(), ())
    return tuple(found)


def _at(value: Any, path: Pointer) -> JSON:
    for segment in path:
        value = value.get(segment) if isinstance(value, dict) else None
    return value


def _name(subject: _Subject) -> Iterator[Violation]:
    if subject.name[:1].isdigit():
        yield Violation("name-starts-with-digit", "the name begins with a digit", ("name",), "Begin it with a letter.")


_AUTOSCALER_NAME: Final = 21
"""The autoscaler of self-hosted data planes derives names from the deployment's, and Kubernetes bounds them."""


def _long_name(subject: _Subject) -> Iterator[Violation]:
    if subject.source == "external_docker" and _AUTOSCALER_NAME < len(subject.name) <= 63:
        message = f"the name is longer than {_AUTOSCALER_NAME} characters, the limit of the autoscaler"
        yield Violation("long-name", message, ("name",), "Choose a shorter name, or do without autoscaling.")


_TEXTS: Final[tuple[Pointer, ...]] = (
    ("display_name",),
    (_CONFIG, "repo_url"),
    (_CONFIG, "template_id"),
    (_REVISION, "image_uri"),
    (_REVISION, "repo_ref"),
    (_REVISION, "langgraph_config_path"),
)


def _empty_texts(subject: _Subject) -> Iterator[Violation]:
    for path in _TEXTS:
        value = _at(subject.value, path)
        if isinstance(value, str) and not value.strip():
            hint = "Write its value, or remove the field; null declares that it is unset."
            yield Violation("empty-value", f"`{path[-1]}` is empty", path, hint)


def _repo_ref(subject: _Subject) -> Iterator[Violation]:
    ref = subject.revision.get("repo_ref")
    if not isinstance(ref, str):
        return
    if ref.startswith("refs/tags/"):
        if subject.config.get("build_on_push") is True:
            message, hint = (
                "`build_on_push` must be false for a tag",
                "Set it to false, or name a branch in `repo_ref`.",
            )
            yield Violation("tag-built-on-push", message, (_CONFIG, "build_on_push"), hint)
    elif ref.startswith(("refs/", "heads/", "tags/")):
        hint = "Write a branch by its name alone, and a tag as `refs/tags/<tag>`."
        yield Violation("repo-ref-form", "`repo_ref` is not in a documented form", (_REVISION, "repo_ref"), hint)


_SERVERLESS: Final = frozenset({"dev_zero", "dev_free_zero", "serverless"})
_DEDICATED: Final = frozenset({"prod", "dedicated"})


def _tiers(subject: _Subject) -> Iterator[Violation]:
    kind = _text(subject.config, "deployment_type")
    if kind not in _SERVERLESS | _DEDICATED:
        return
    serverless = kind in _SERVERLESS
    if serverless and _is_set(subject.value.get("database_tier")):
        message = "`database_tier` is for dedicated deployments only"
        yield Violation("database-tier-not-allowed", message, ("database_tier",), at_key=True)
    wrong = "DEDICATED_" if serverless else "SERVERLESS_"
    for key in ("deployment_tier", "compute_tier", *(() if serverless else ("database_tier",))):
        tier = subject.value.get(key)
        if isinstance(tier, str) and tier.startswith(wrong):
            yield Violation("tier-family", f"`{key}` does not belong to the family of `deployment_type`", (key,))


@dataclass(frozen=True, slots=True)
class _Size:
    """The resources of a tier (docs/API.md 6.9)."""

    vcpu: float
    memory_mb: int
    """Both are the totals of all containers."""
    most_replicas: int


_SIZES: Final = {
    "SERVERLESS_S": _Size(1.1, 2816, 1),
    "SERVERLESS_M": _Size(4.6, 5632, 2),
    "SERVERLESS_L": _Size(9.2, 11264, 2),
    "DEDICATED_S": _Size(3, 6144, 10),
    "DEDICATED_M": _Size(6, 12288, 20),
    "DEDICATED_L": _Size(10, 24576, 40),
}
_LEAST_DEDICATED: Final = 2


def _tier_sizes(subject: _Subject) -> Iterator[Violation]:
    key = next((key for key in ("compute_tier", "deployment_tier") if _text(subject.value, key)), None)
    tier = _text(subject.value, key) if key else None
    if key is None or tier not in _SIZES:
        return
    size = _SIZES[tier]
    most, least = _number(subject.spec.get("max_scale")), _number(subject.spec.get("min_scale"))
    if most is not None and most > size.most_replicas:
        message = f"`max_scale` is above {size.most_replicas}, the maximum of `{tier}`"
        yield Violation("tier-replicas", message, (*_SPEC, "max_scale"), related=((key,),))
    if least is not None and least < _LEAST_DEDICATED and tier.startswith("DEDICATED_"):
        message = f"`min_scale` is below {_LEAST_DEDICATED}, the minimum of `{tier}`"
        yield Violation("tier-replicas", message, (*_SPEC, "min_scale"), related=((key,),))
    yield from _above_tier(subject, key, ("cpu", "queue_cpu", "core_cpu"), size.vcpu, f"vCPU of `{tier}`")
    memory = ("memory_mb", "queue_memory_mb", "core_memory_mb")
    yield from _above_tier(subject, key, memory, size.memory_mb, f"MB of `{tier}`")


def _above_tier(subject: _Subject, tier: str, keys: Iterable[str], total: float, unit: str) -> Iterator[Violation]:
    for key in keys:
        number = _number(subject.spec.get(key))
        if number is not None and number > total:
            message = f"`{key}` is above the {total:g} {unit} in total"
            yield Violation("tier-size", message, (*_SPEC, key), related=((tier,),))


def _namespace(subject: _Subject) -> Iterator[Violation]:
    namespace = _mapping(subject.config, "listener_config").get("k8s_namespace")
    if namespace is not None and subject.config.get("listener_id", _NOTHING) is None:
        path = (_CONFIG, "listener_config", "k8s_namespace")
        yield Violation("namespace-without-listener", "`k8s_namespace` requires a `listener_id`", path)


_REFUSED_IN_COMMANDS: Final = re.compile(r'["`\\\n\r\0\t|;$<>]')


def _commands(subject: _Subject) -> Iterator[Violation]:
    for key in ("install_command", "build_command"):
        command = subject.config.get(key)
        if isinstance(command, str) and (_REFUSED_IN_COMMANDS.search(command) or "&" in command.replace("&&", "")):
            hint = 'Remove quotes ", backticks, backslashes, line breaks, tabs and | ; $ < > &; `&&` is allowed.'
            message = f"`{key}` contains a character that the service refuses"
            yield Violation("command-characters", message, (_CONFIG, key), hint)


# --- sizes -------------------------------------------------------------------------------------------------------


@cache
def _spec_fields() -> Mapping[str, Field]:
    return fields.deployment().properties[_CONFIG].properties["resource_spec"].properties


def _number(value: JSON) -> float | None:
    return value if value.__class__ in (int, float) else None


def _effective(spec: Mapping[str, JSON], key: str) -> tuple[float, str] | None:
    """Return the number that is certainly live, and the field that declares it: the field itself or its origin.

    The origin counts only if the field is declared as unset, because an undeclared field may have any value.
    """
    declared = _number(spec.get(key))
    if declared is not None:
        return declared, key
    rule = _spec_fields()[key].effective
    if key not in spec or rule is None or rule.of is None:
        return None
    base = _effective(spec, rule.of)
    return None if base is None else (base[0] * rule.times, base[1])


def _single_sizes(subject: _Subject) -> Iterator[Violation]:
    known = _spec_fields()
    for key, value in subject.spec.items():
        field = known.get(key)
        if field is None or value is None:
            continue
        if field.deprecated:
            message = f"`{key}` is deprecated"
            yield Violation("deprecated-field", message, (*_SPEC, key), "Remove it.", at_key=True)
        number = _number(value)
        if number is None:
            continue
        path = (*_SPEC, key)
        if field.decimals is not None and round(number, field.decimals) != number:
            yield Violation("cpu-rounded", f"`{key}` will be rounded to one decimal", path)
        if field.granularity and number % field.granularity:
            yield Violation("memory-granularity", f"`{key}` is not a multiple of {field.granularity}", path)
        if field.cloud_maximum is not None and number > field.cloud_maximum:
            message = f"`{key}` is above {field.cloud_maximum:g}, the maximum of Cloud and older servers"
            yield Violation("above-cloud-maximum", message, path)


def _limits(subject: _Subject) -> Iterator[Violation]:
    for key, value in subject.spec.items():
        limit = _number(value) if "_limit" in key else None
        rule = _spec_fields()[key].effective if limit is not None and key in _spec_fields() else None
        request = _effective(subject.spec, rule.of) if rule is not None and rule.of is not None else None
        if rule is not None and limit is not None and request is not None and request[0] > limit:
            related = ((*_SPEC, request[1]),)
            yield Violation("request-above-limit", f"`{key}` is below `{rule.of}`", (*_SPEC, key), related=related)


def _scales(subject: _Subject) -> Iterator[Violation]:
    spec = subject.spec
    for least, most in (("min_scale", "max_scale"), ("queue_min_scale", "queue_max_scale")):
        declared = [key for key in (most, least) if _number(spec.get(key)) is not None]
        low, high = _effective(spec, least), _effective(spec, most)
        if declared and low is not None and high is not None and low[0] > high[0]:
            related = tuple((*_SPEC, key) for key in (low[1], high[1]) if key != declared[0])
            message = f"`{least}` is above `{most}`"
            yield Violation("scale-order", message, (*_SPEC, declared[0]), related=related)
        elif _never_scales_to_zero(subject):
            for key in declared:
                if spec[key] == 0:
                    yield Violation("scale-zero", f"`{key}` is 0 for a type that does not scale to zero", (*_SPEC, key))


def _never_scales_to_zero(subject: _Subject) -> bool:
    kind = _text(subject.config, "deployment_type")
    return kind not in _SERVERLESS and (kind is not None or subject.source == "external_docker")


# --- secrets -----------------------------------------------------------------------------------------------------

_SELF_HOSTED_NAMES: Final = frozenset(
    {"LANGSMITH_API_KEY", "LANGSMITH_ENDPOINT", "POSTGRES_URI_CUSTOM", "REDIS_URI_CUSTOM"}
)
_RESERVED_NAMES: Final = frozenset(
    (
        *("LANGCHAIN_TRACING_V2", "LANGSMITH_TRACING_V2", "LANGCHAIN_ENDPOINT", "LANGCHAIN_PROJECT"),
        *("LANGSMITH_PROJECT", "LANGCHAIN_API_KEY", "LANGSMITH_CONTROL_PLANE_API_KEY", "POSTGRES_URI"),
        *("POSTGRES_PASSWORD", "DATABASE_URI", "REDIS_URI", "LANGGRAPH_AUTH_TYPE", "LANGSMITH_AUTH_ENDPOINT"),
        *(
            "LANGSMITH_AUTH_VERIFY_TENANT_ID",
            "LANGSMITH_TENANT_ID",
            "LANGSMITH_HOST_PROJECT_ID",
            "LANGSMITH_HOST_PROJECT_NAME",
        ),
        *("LANGSMITH_HOST_REVISION_ID", "LANGSMITH_LANGGRAPH_GIT_REPO", "LANGSMITH_LANGGRAPH_GIT_REF"),
        *("LANGSMITH_LANGGRAPH_GIT_REF_SHA", "LANGGRAPH_GIT_REPO_PATH", "LOG_JSON", "LOG_DICT_TRACEBACKS"),
        *("LANGCHAIN_CALLBACKS_BACKGROUND", "DD_TRACE_PSYCOPG_ENABLED", "DD_TRACE_REDIS_ENABLED"),
        *("LANGSMITH_DEPLOYMENT_NAME", "LANGGRAPH_CLOUD_LICENSE_KEY", "PATH", "PORT", "MOUNT_PREFIX"),
        *("LSD_ENV", "LSD_DD_API_KEY", "LSD_DD_ENDPOINT", "LSD_DEPLOYMENT_TYPE"),
    )
)
"""Variables that the platform sets or the vendor's command line tool refuses (docs/API.md 3.3)."""


def _by_name(entries: _Entries) -> dict[str, Pointer]:
    """Return the path of each name, of duplicates the first."""
    return {entry["name"]: (*path, "name") for path, entry in reversed(entries) if isinstance(entry.get("name"), str)}


def _variables(subject: _Subject) -> Iterator[Violation]:
    secrets, references = _by_name(subject.secrets), _by_name(subject.references)
    own = subject.source == "external_docker" or not isinstance(subject.source, str)
    for name, path in (*secrets.items(), *references.items()):
        if name in _RESERVED_NAMES or (name in _SELF_HOSTED_NAMES and not own):
            yield Violation("reserved-secret-name", "the platform sets a variable of this name itself", path)
    for name in secrets.keys() & references.keys():
        yield Violation("secret-and-reference", "the variable is also among `secrets`", references[name])
    for variable, prefix in (("POSTGRES_URI_CUSTOM", "db_"), ("REDIS_URI_CUSTOM", "redis_")):
        if variable not in secrets and variable not in references:
            continue
        unused = [key for key, value in subject.spec.items() if key.startswith(prefix) and value is not None]
        if unused:
            *others, last = (f"`{key}`" for key in unused)
            listed = f"{', '.join(others)} and {last}" if others else last
            verb = "have" if others else "has"
            message = f"{listed} {verb} no effect because `{variable}` is set"
            yield Violation("datastore-settings-unused", message, (*_SPEC, unused[0]), at_key=True)


def _literal_secrets(subject: _Subject) -> Iterator[Violation]:
    texts = [*_texts(subject.value, ())]
    if not holds_credential("\n".join(text for _, text in texts)):  # one search for the usual case
        return
    for path, text in texts:
        if holds_credential(text):
            hint = "Remove and revoke it; declare its name under `secrets`, or refer to a Kubernetes Secret."
            yield without_credentials(Violation("literal-secret", "the file contains a credential", path, hint))


def _texts(node: JSON, path: Pointer) -> Iterator[tuple[Pointer, str]]:
    if isinstance(node, str):
        yield path, node
    elif isinstance(node, dict):
        for key, child in node.items():
            yield (*path, key), key
            yield from _texts(child, (*path, key))
    elif isinstance(node, list):
        for index, child in enumerate(node):
            yield from _texts(child, (*path, index))


# --- containers and volumes --------------------------------------------------------------------------------------


def _duplicates(subject: _Subject) -> Iterator[Violation]:
    for entries in (subject.secrets, subject.references, subject.volumes, subject.containers):
        yield from _repeated("duplicate-entry", entries, "name")
    yield from _repeated("duplicate-entry", subject.mounts, "mountPath")
    yield from _repeated("repeated-entry", _entries(subject.spec, "image_pull_secrets", _SPEC), "name")
    for path, container in subject.containers:
        yield from _repeated("repeated-entry", _entries(container, "env", path), "name")


def _repeated(rule: str, entries: _Entries, identity: str) -> Iterator[Violation]:
    """Report entries of which an earlier one in the same list has the same identity."""
    if len(entries) < 2:
        return
    seen: set[tuple[Pointer, str]] = set()
    for path, entry in entries:
        name = entry.get(identity)
        if isinstance(name, str):
            known = path[:-1], name
            if known in seen:
                message = f"an earlier entry of `{path[-2]}` has the same `{identity}`"
                yield Violation(rule, message, (*path, identity))
            seen.add(known)


def _incomplete_entries(subject: _Subject) -> Iterator[Violation]:
    """Report entries without a field that the schema cannot require, since the layer below an overlay may set it."""
    for entries, keys in ((subject.containers, ("image",)), (subject.references, ("secret_name", "secret_key"))):
        for path, entry in entries:
            for key in keys:
                if key not in entry:
                    yield Violation("missing-field", f"missing field `{key}` in `{path[-2]}[{path[-1]}]`", path)


def _containers(subject: _Subject) -> Iterator[Violation]:
    sidecars = {_text(entry, "name") for path, entry in subject.containers if path[-2] == "sidecars"} - {None}
    for path, container in subject.containers:
        if path[-2] == "init_containers" and _text(container, "name") in sidecars:
            yield Violation("duplicate-container", "a sidecar has the same `name`", (*path, "name"))
        policy = container.get("imagePullPolicy")
        if policy is not None and policy not in ("Always", "Never", "IfNotPresent"):
            message = "`imagePullPolicy` must be `Always`, `Never` or `IfNotPresent`"
            yield Violation("pull-policy", message, (*path, "imagePullPolicy"))
        policy = container.get("restartPolicy")
        if policy is not None and policy not in ("Always", "OnFailure"):
            message = "`restartPolicy` is documented as `Always` or `OnFailure`"
            yield Violation("restart-policy", message, (*path, "restartPolicy"))
        yield from _environment(path, container)


_C_IDENTIFIER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def _environment(path: Pointer, container: Mapping[str, JSON]) -> Iterator[Violation]:
    for below, entry in _entries(container, "env", path):
        name = entry.get("name")
        if isinstance(name, str) and not _C_IDENTIFIER.fullmatch(name):
            hint = "Use letters, digits and underscores, and do not begin with a digit."
            yield Violation("env-name", "the name of the variable is not a C identifier", (*below, "name"), hint)
        if _is_set(entry.get("value")) and entry.get("valueFrom") is not None:
            message = "a variable has either `value` or `valueFrom`, not both"
            yield Violation("env-value-and-source", message, (*below, "valueFrom"), at_key=True)


@cache
def _volume_sources() -> frozenset[str]:
    volume = _spec_fields()["volumes"].items
    return frozenset(volume.properties if volume else ()) - {"name"}


def _volumes(subject: _Subject) -> Iterator[Violation]:
    for path, volume in subject.volumes:
        sources = [key for key in volume if key in _volume_sources() and volume[key] is not None]
        if not sources:
            hint = f"One of {', '.join(f'`{name}`' for name in sorted(_volume_sources()))}."
            yield Violation("volume-without-source", "the volume has no source", path, hint)
        elif len(sources) > 1:
            message = f"the volume has more than one source: {', '.join(f'`{name}`' for name in sources)}"
            yield Violation("several-volume-sources", message, (*path, sources[1]), at_key=True)


def _mounts(subject: _Subject) -> Iterator[Violation]:
    volumes = {_text(volume, "name") for _, volume in subject.volumes}
    for path, mount in subject.mounts:
        if "volumes" in subject.spec and _text(mount, "name") not in volumes:
            yield Violation("unknown-volume", "no volume of this name is declared", (*path, "name"))
        if _is_set(mount.get("subPath")) and _is_set(mount.get("subPathExpr")):
            message = "a mount has either `subPath` or `subPathExpr`, not both"
            yield Violation("two-sub-paths", message, (*path, "subPathExpr"), at_key=True)


def _images(subject: _Subject) -> Iterator[Violation]:
    images: list[tuple[Pointer, JSON]] = [((_REVISION, "image_uri"), subject.revision.get("image_uri"))]
    images += [((*path, "image"), container.get("image")) for path, container in subject.containers]
    for path, image in images:
        if not isinstance(image, str) or not image.strip():
            continue
        match = _IMAGE.fullmatch(image)
        if match is None or len(match["name"]) > _MAX_IMAGE_NAME:
            message = f"`{path[-1]}` is not an image reference"
            yield Violation("invalid-image", message, path, _image_hint(image))
        elif not _is_pinned(image):
            hint = "Add a version, or better a digest: `image@sha256:...`."
            yield Violation("unpinned-image", f"`{path[-1]}` has no version", path, hint)


_IMAGE: Final = re.compile(
    r"(?P<name>(?:(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:.]+\])(?::[0-9]+)?/)?"  # registry
    r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*)"  # repository
    r"(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?"  # tag
    r"(?:@(?:sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128}"
    r"|(?!sha(?:256|384|512):)[A-Za-z][A-Za-z0-9]*(?:[+._-][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}))?"  # digest
)

_MAX_IMAGE_NAME: Final = 255
"""These are the limits of distribution/reference and of the OCI's image specification."""


def _image_hint(image: str) -> str:
    if image != image.strip():
        return (
            "Remove the white space around it; a block scalar (`|`, `>`) ends with a line break, `|-` and `>-` do not."
        )
    if "://" in image:
        return "Write it without a scheme: `registry.example.com/team/agent:1.2.3`."
    if "@sha256:" in image:
        return "A SHA-256 digest has 64 hexadecimal digits, in lower case."
    if "$" in image:
        return "Variables are not expanded: write the reference itself."
    return "Write `registry.example.com/team/agent:1.2.3`, with a lowercase repository."


_SUBDOMAIN: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*")
_MAX_SUBDOMAIN: Final = 253


def _pull_secrets(subject: _Subject) -> Iterator[Violation]:
    for path, entry in _entries(subject.spec, "image_pull_secrets", _SPEC):
        name = entry.get("name")
        if isinstance(name, str) and name and not (len(name) <= _MAX_SUBDOMAIN and _SUBDOMAIN.fullmatch(name)):
            message = f"the name must be a DNS subdomain of at most {_MAX_SUBDOMAIN} characters"
            hint = "Use lowercase letters, digits, hyphens and dots; begin and end each part with a letter or digit."
            yield Violation("invalid-dns-subdomain", message, (*path, "name"), hint)


def _is_pinned(image: str) -> bool:
    if "@" in image:
        return True
    tag = image.rpartition("/")[2].partition(":")[2]
    return tag not in ("", "latest")


_Check: TypeAlias = Callable[[_Subject], Iterator[Violation]]

_CHECKS: Final[tuple[_Check, ...]] = (
    _missing_source,
    _name,
    _long_name,
    _empty_texts,
    _incomplete_for_create,
    _wrong_for_source,
    _repo_ref,
    _tiers,
    _tier_sizes,
    _namespace,
    _commands,
    _single_sizes,
    _limits,
    _scales,
    _variables,
    _duplicates,
    _incomplete_entries,
    _containers,
    _volumes,
    _mounts,
    _images,
    _pull_secrets,
)
