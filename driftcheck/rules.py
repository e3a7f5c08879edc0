"""The catalogue of rules: what each `rule` of a finding means; data, no logic.

An explanation is the rule's page in docs/rules.md and the answer of `driftcheck explain RULE`:
what it means, why it matters, what to do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from driftcheck.model import ChangeClass, Finding, Location, Severity
from driftcheck.paths import Path

ERROR, WARNING, NOTE = Severity.ERROR, Severity.WARNING, Severity.NOTE


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: its id, default severity, title (a short sentence), explanation (Markdown), and what to do next."""

    id: str
    severity: Severity
    title: str
    explanation: str
    hint: str | None = None


def _catalogue(*rules: Rule) -> dict[str, Rule]:
    return {rule.id: rule for rule in rules}


COMPARISON_RULES: Final = _catalogue(
    Rule(
        "drift",
        ERROR,
        "A live value differs from the declared one",
        "The deployment runs with another value than the YAML declares. Revert live (`driftcheck plan`), accept the "
        "live value into the YAML (`driftcheck adopt`), or add an ignore rule with its reason.",
    ),
    Rule(
        "missing-deployment",
        ERROR,
        "A declared deployment is not live",
        "The complete listing was read, the name was queried again, and no deployment has it. Create the deployment, "
        "or remove it from the YAML.",
        "Create it, or remove it from the YAML.",
    ),
    Rule(
        "unmanaged-deployment",
        NOTE,
        "A live deployment is not declared",
        "No file declares this deployment, so its configuration is not checked. Declare it (`driftcheck export` writes "
        "the YAML), or add an ignore rule with `unmanaged: true` that names it.",
    ),
    Rule(
        "unmanaged-preview",
        NOTE,
        "A pull-request preview is live",
        "The platform creates and deletes previews itself; they are listed for completeness.",
    ),
    Rule(
        "unmanaged-managed-agent",
        NOTE,
        "A managed deep agent is live",
        "The platform creates managed agents itself; they are listed for completeness.",
    ),
    Rule(
        "recreated",
        ERROR,
        "The deployment was deleted and created again",
        "Both listings are of one workspace and have the same name with another id. What the former deployment stored, "
        "such as threads and the values of its secrets, is gone, however alike the settings are.",
        "Check that the values of its secrets and its stored data are as expected.",
    ),
    Rule(
        "no-revision",
        NOTE,
        "The service shows no revision yet",
        "Before the first revision the listing shows no secrets and no revision settings, so what is declared of them "
        "can't be compared; it is counted as unverifiable.",
        "Check again once the first revision is deployed.",
    ),
    Rule(
        "unverifiable-image",
        NOTE,
        "A tag is declared and live shows a digest",
        "The listing shows the digest that the tag pointed to when it was deployed. Whether the tag still points to "
        "it, only the registry knows; the field is counted as unverifiable.",
        "Declare the image with its digest (`repository:tag@sha256:...`) to compare it.",
    ),
    Rule(
        "undeclared-sharing",
        WARNING,
        "The deployment is shared outside the organization, which is not declared",
        "`shareable: true` lets LangSmith users outside the organization use the deployment. Declare it if that is "
        "intended, otherwise switch it off.",
        "Declare `shareable`, or switch it off.",
    ),
    Rule(
        "being-deleted",
        NOTE,
        "A deployment is being deleted",
        "Its status is `AWAITING_DELETE` or `AWAITING_FINAL_DELETE`. It counts neither as present nor as drifted; "
        "its name stays reserved until the deletion ends.",
    ),
    Rule(
        "rollout-pending",
        NOTE,
        "The latest revision is not the active one",
        "The control plane lists the latest revision, and that is what was compared. Another revision is active: the "
        "rollout is in progress, was superseded, or failed. Look at the revisions of the deployment.",
        "Look at the revisions of the deployment.",
    ),
    Rule(
        "ambiguous-name",
        ERROR,
        "Several live deployments have one name",
        "Names are unique in a workspace, so the listing contradicts itself and none of these can be compared.",
        "Find out which of them is meant, and delete the others.",
    ),
    Rule(
        "unmodelled-field",
        NOTE,
        "A live field that driftcheck does not know",
        "The service is newer than this version of driftcheck. The field was not compared.",
    ),
    Rule(
        "wrong-workspace",
        WARNING,
        "None of the declared deployments is live",
        "The listing is not empty, but holds none of the declared names. Check endpoint, key and workspace.",
        "Check endpoint, key and workspace.",
    ),
    Rule(
        "suspicious-listing",
        WARNING,
        "The listing looks unusual, though not incomplete",
        "A saved response of exactly 10, 30 or 50 deployments may have been cut by the limit of its request; an "
        "undocumented offset may come from something in between.",
        "Save the listing with `driftcheck snapshot`, which reads every page and checks that none is missing.",
    ),
    Rule(
        "outside-scope",
        NOTE,
        "Declared deployments are outside the requested scope",
        "The listing was narrowed by filters. Declared deployments that it does not contain may be live, so they were "
        "not checked.",
    ),
    Rule(
        "missing-elsewhere",
        WARNING,
        "A deployment that the change under review does not touch is not live",
        "It is declared, and a complete listing does not contain it. The change under review declares it as its base "
        "does, so the change is not the cause and does not fail for it (`--gate drift,conflict,elsewhere` changes "
        "that).",
        "Find out who deleted it; `driftcheck audit` reports it until it is back.",
    ),
    Rule(
        "outdated-deployment",
        NOTE,
        "The base branch has added or removed this deployment since the branch under review left it",
        "Live agrees with what the tip of the base branch declares by now, and the branch under review does not have "
        "that commit yet.",
        "Merge the base branch into the branch under review.",
    ),
    Rule(
        "declaration-removed",
        WARNING,
        "The change under review no longer declares a field that differs from live",
        "The tip of the base branch declares the field, and live has another value. From the merge on nothing compares "
        "it, so the difference is no longer reported.",
        "Declare the value that is live, or keep the field until live is corrected.",
    ),
    Rule(
        "probable-rename",
        NOTE,
        "A missing deployment is probably live under another name",
        "A declared deployment is gone, and one that is not declared has the same repository or image. A name can't be "
        "changed in place, so it was probably created again under another name.",
        "Declare the new name, or restore the old one.",
    ),
    Rule(
        "proposed-creation",
        NOTE,
        "The change under review adds this deployment, which is not live yet",
        "It is declared here, but neither at the base revision nor live: it is to be created after the merge.",
    ),
    Rule(
        "proposed-adoption",
        NOTE,
        "The change under review declares a deployment that is live already",
        "It is declared here and live, but not at the base revision: it is managed from the merge on.",
    ),
    Rule(
        "proposed-removal",
        NOTE,
        "The change under review removes a live deployment from the declarations",
        "It is declared at the base revision and live, but not declared here: it is unmanaged from the merge on, "
        "unless it is deleted.",
    ),
    Rule(
        "proposed-rename",
        NOTE,
        "The change under review probably renames a live deployment",
        "It declares a new name with the repository or image of a live deployment that it removes from the "
        "declarations. A name can't be changed in place: a second deployment with another URL would be created, and "
        "the first one would remain.",
        "Delete the old deployment once the new one is in use.",
    ),
    Rule(
        "run-failed",
        ERROR,
        "The run ended before anything was compared",
        "The command line, the configuration or a saved file could not be used; the message says which and why. This "
        "report replaces an earlier one, which could be mistaken for the result of this run.",
    ),
    Rule(
        "nothing-declared",
        ERROR,
        "Nothing is declared",
        "No file declares a deployment, so nothing was checked. `--allow-empty` accepts that.",
        "Check the paths, or pass --allow-empty.",
    ),
    Rule(
        "unused-ignore",
        WARNING,
        "An ignore rule matched nothing",
        "It suppresses nothing now, and may later suppress something unintended. It could "
        "have matched here. Remove it, or correct its patterns.",
        "Remove it, or correct its patterns.",
    ),
    Rule(
        "expired-ignore",
        WARNING,
        "An ignore rule has expired",
        "It no longer suppresses anything. Renew it with a new date and reason, or remove it.",
        "Renew it with a new date and reason, or remove it.",
    ),
    Rule(
        "catch-all-ignore",
        ERROR,
        "An ignore rule covers everything",
        "A rule whose path matches every field of the configuration, or whose names match every deployment, would turn "
        "the check off, however it is spelled; so would several rules for the same deployments that match every field "
        "together. They are not applied. Name what may differ.",
        "Name what may differ.",
    ),
    Rule(
        "nothing-under-review",
        WARNING,
        "No change is under review, so all drift counts as not touched by it",
        "The commit that is checked out is the tip of the base, and it declares the same. Drift in deployments that a "
        "change does not touch passes.",
        "On the base branch itself, run driftcheck without --base.",
    ),
    Rule(
        "incomplete-base",
        WARNING,
        "The declarations at the base revision could not be read completely",
        "A file, document or deployment was broken there. For a deployment that is not found at the base revision, "
        "it is unknown what the change under review proposes, so each of its differences counts as drift.",
        "Check with a base revision that `driftcheck validate` passes.",
    ),
    Rule(
        "policy-changed",
        WARNING,
        "The change under review alters the policy",
        "Ignore rules or configuration differ from the base branch. The policy of the base branch applied here; "
        "the change takes effect when it is merged.",
    ),
)

LOADING_RULES: Final = _catalogue(
    Rule(
        "unreadable-file",
        ERROR,
        "A file can't be read",
        "It does not exist, is not a regular file, is not readable, or is a link that leads out of the tree. A checked "
        "tree may be untrusted, so links are followed only inside it, and never into `.git`.",
        "Name a regular file of the tree.",
    ),
    Rule(
        "skipped-link",
        ERROR,
        "A linked folder was not read",
        "Links to folders are not followed: they may lead in circles or out of the tree. The link is reported unless "
        "the folder is read under its own name, because what it declares is not known otherwise.",
        "Add the folder itself to the paths, or remove the link.",
    ),
    Rule(
        "skipped-file",
        NOTE,
        "A file that looks like YAML is not read",
        "Folders are searched for names that end in `.yaml` or `.yml`, in any case. This name contains such a suffix "
        "and goes on, as backups and templates do.",
        "Rename the file if it declares deployments.",
    ),
    Rule(
        "empty-file",
        WARNING,
        "A file contains no document",
        "It is empty or contains only comments, so it declares nothing; perhaps it was truncated.",
        "Add `deployments:`, or remove the file.",
    ),
    Rule(
        "duplicate-name",
        ERROR,
        "Two declarations have one name",
        "Names are unique in a workspace, so both can't be right. The first one is compared.",
        "Remove or rename one of them.",
    ),
    Rule(
        "overlay-without-deployment",
        ERROR,
        "An overlay of a name that no earlier path declares",
        "An overlay changes a deployment that a path named earlier declares, by the name that is written there. Paths "
        "are read in the order of the command line or of `paths` in driftcheck.yaml.",
        "Check the name and the order of the paths.",
    ),
    Rule(
        "overlay-without-effect",
        NOTE,
        "An overlay that changes nothing",
        "Every value of this entry is already set by the layers below it.",
        "Remove the entry.",
    ),
    Rule(
        "yaml-syntax",
        ERROR,
        "A file is not valid YAML",
        "The rest of the file can't be read, so nothing is known of what it declares. The mistake is often "
        "above the reported line: indentation, an open quote or bracket.",
    ),
    Rule(
        "text-encoding",
        ERROR,
        "A file is not UTF-8",
        "Declarations are UTF-8, with or without a byte order mark. Other encodings can't be distinguished safely.",
        "Save it as UTF-8.",
    ),
    Rule(
        "line-separator",
        ERROR,
        "A hidden line break",
        "YAML ends lines, and so comments, at a carriage return alone and at U+0085, U+2028 and U+2029. Most "
        "editors and reviews don't show these, so what looks like a comment would count as configuration.",
        "End lines with LF or CRLF, and write such a character as an escape in double quotes.",
    ),
    Rule(
        "control-character",
        ERROR,
        "A control character",
        "YAML forbids control characters other than tab and line breaks.",
        "Remove it, or write it as an escape in double quotes.",
    ),
    Rule(
        "invisible-character",
        WARNING,
        "An invisible character",
        "Zero-width characters and those that reverse text make a file look different from what it contains.",
        "Remove it, or write it as an escape in double quotes.",
    ),
    Rule(
        "yaml-limit",
        ERROR,
        "A file exceeds a limit",
        "Files are read up to 32 MiB, 64 levels of nesting, 4 million values, 500,000 different keys, 20,000 "
        "documents and 1,000 defects, and with 10,000 lists and mappings where no field has any: a list directly in a "
        "list, or deeper than every field. Aliases may expand to about 4 values per byte of the file. There may be 256 "
        "policies. The limits are far above what people write, and stop files that are made to exhaust memory or time.",
        "Reduce the nesting, or split the file.",
    ),
    Rule(
        "too-many-findings",
        WARNING,
        "Too many findings; the rest are not shown",
        "For each file, 1,000 errors and 1,000 other findings are shown. It is an error if the rest has errors.",
        "Fix those that are shown, and run again.",
    ),
    Rule(
        "yaml-alias",
        ERROR,
        "An alias without an anchor",
        "No anchor of this name precedes it in the same document, or the alias is inside its own anchor.",
    ),
    Rule(
        "merge-key",
        ERROR,
        "A merge key that can't be followed",
        "`<<` takes a mapping or a list of mappings, once per mapping.",
    ),
    Rule(
        "yaml-tag",
        ERROR,
        "A tag",
        "Tags (`!name`) make some programs run code or change types. No declaration needs them, so they are refused.",
        "Remove the tag; quote the value if it is a string.",
    ),
    Rule(
        "yaml-directive",
        ERROR,
        "A directive",
        "In some programs, lines that begin with `%` change how a document is read. They are ignored.",
        "Remove the directive.",
    ),
    Rule(
        "duplicate-key",
        ERROR,
        "A key occurs twice in one mapping",
        "Programs differ in which one they use, and so do readers.",
        "Remove one of them.",
    ),
    Rule(
        "non-string-key",
        ERROR,
        "A key that is not a string",
        "Numbers, booleans, null, lists and mappings as keys are read differently by different programs.",
        "Quote the key.",
    ),
    Rule(
        "ambiguous-scalar",
        ERROR,
        "A value that YAML 1.1 and 1.2 read differently",
        "Unquoted `no`, `on`, `0123`, `0o17`, `1_000`, `12:30` or `1e5` are strings in one version and booleans or "
        "numbers in the other, and most programs use the older one. The value is read as the string that was written.",
        "Quote it if it is a string; write `true` or `false` for a boolean, and a number in plain decimal digits.",
    ),
    Rule(
        "number-range",
        ERROR,
        "A number out of range",
        "Integers are exact up to 2^53 in every program that reads JSON, and infinity and NaN are not JSON numbers. An "
        "unquoted commit that consists of digits is such a number too.",
        "Quote it if it is a string.",
    ),
)

VALIDATION_RULES: Final = _catalogue(
    Rule(
        "unknown-field",
        ERROR,
        "A field that the schema does not know",
        "It would not be compared, so a typo would go unnoticed. Correct its name or move it; inside Kubernetes "
        "objects names are camelCase (`volumeMounts`), outside they are snake_case (`volume_mounts`). Keys "
        "that begin with `x-` are free at the top of a document.",
    ),
    Rule(
        "read-only-field",
        ERROR,
        "A field that only the service sets",
        "Ids, times, states and what the platform resolves can't be set or declared. Remove the field, or "
        "declare what it is derived from (`repo_ref` for `repo_commit_sha` and `repo_branch`).",
    ),
    Rule(
        "wrong-type",
        ERROR,
        "A value of the wrong type",
        "YAML infers types of unquoted values: `1.20` is a number, `true` is a boolean, an empty value is null. Quote "
        "strings, and write numbers, `true` and `false` without quotes.",
    ),
    Rule(
        "missing-field",
        ERROR,
        "A required field is missing",
        "A deployment needs its `name`, a container `name` and `image`, a volume mount `name` and `mountPath`, "
        "an ignore rule its `reason`: without it nothing can be compared, or Kubernetes refuses the whole.",
    ),
    Rule(
        "invalid-value",
        ERROR,
        "A value that the field does not accept",
        "The field accepts certain values, or strings of a certain form. The message names them.",
    ),
    Rule(
        "out-of-range",
        ERROR,
        "A number outside the range that the service accepts",
        "CPU begins at 0.1 cores; counts and sizes are never negative. What only Cloud refuses has its own rule, "
        "`above-cloud-maximum`.",
    ),
    Rule(
        "invalid-name",
        ERROR,
        "A deployment name that the service refuses",
        "A name consists of lowercase ASCII letters, digits and hyphens, begins with a letter (or a digit, which some "
        "versions refuse), ends with a letter or digit, and has at most 63 characters.",
    ),
    Rule(
        "invalid-uuid",
        ERROR,
        "An id that is not a UUID",
        "Integrations and listeners are identified by UUID: 32 hexadecimal digits in groups of 8, 4, 4, 4 and 12.",
    ),
    Rule(
        "invalid-dns-label",
        ERROR,
        "A container or volume name that Kubernetes refuses",
        "Names of containers and volumes are DNS labels: lowercase ASCII letters, digits and hyphens, beginning and "
        "ending with a letter or digit, at most 63 characters.",
    ),
    Rule(
        "invalid-quantity",
        ERROR,
        "A string that is not a Kubernetes quantity",
        "A quantity is a number with an optional suffix: `500m`, `0.5`, `1Gi`, `512M`, `1e3`. There is no space and no "
        "`GB` or `MB`.",
    ),
    Rule(
        "invalid-date",
        ERROR,
        "A string that is not a date",
        "Dates are written YYYY-MM-DD and must be in the calendar.",
    ),
    Rule(
        "literal-secret",
        ERROR,
        "A secret value is in the file",
        "Everybody who can read the repository can read the secret, now and in its history. Remove it and revoke it; "
        "declare only the name under `secrets`, or refer to a Kubernetes Secret (`secret_references`, `valueFrom`). "
        "Detected are values under `secrets`, known formats of keys and tokens, private keys, and URLs with a "
        "password, anywhere in a deployment and in the texts of ignore rules and policies.",
    ),
    Rule(
        "unknown-rule",
        ERROR,
        "A rule id that does not exist",
        "`severities` and ignore rules refer to rules by id; this one would never take effect. `driftcheck explain` "
        "lists the rules.",
    ),
)

LINT_RULES: Final = _catalogue(
    Rule(
        "missing-source",
        WARNING,
        "A deployment without `source`",
        "Much depends on the source: which fields apply, and which values the platform sets. Without it, "
        "rules about sources do not apply. Declare `source`; for all deployments of a file, under `defaults`.",
    ),
    Rule(
        "name-starts-with-digit",
        WARNING,
        "A deployment name begins with a digit",
        "The service has refused names that do not begin with a letter, although the vendor's own example allows a "
        "digit (API.md 4, rule 23).",
    ),
    Rule(
        "incomplete-for-create",
        WARNING,
        "A section lacks what the service needs to create such a deployment",
        "What is declared can be compared, but the deployment could not be created from it: a GitHub deployment "
        "needs `integration_id`, `repo_url`, `deployment_type`, `build_on_push` and `langgraph_config_path`, an "
        "external image `image_uri` and a `resource_spec` (`{}` is enough), other sources a `deployment_type`, "
        "`internal_source` also `langgraph_config_path` (API.md 4, rules 3, 4, 6, 7, 8 and 9). Sections that are "
        "not declared at all are left alone.",
    ),
    Rule(
        "field-not-applicable",
        WARNING,
        "A field is declared for a source that it is not documented for",
        "The service's documentation names the sources that a field applies to, but not that others refuse it. The "
        "field is compared, and probably has no effect (API.md 4, rules 7, 9, 10, 12, 14 and "
        "15).",
    ),
    Rule(
        "platform-set-value",
        WARNING,
        "A value is declared that the platform sets",
        "The platform chooses this value for deployments of this source, so it is not compared: URL and built image of "
        "Cloud deployments, type of external images. A copy from the listing is harmless and has no effect "
        "(API.md 3.1, points 2, 7 and 8, and 4, rules 7 and 15).",
    ),
    Rule(
        "config-path-not-allowed",
        ERROR,
        "`langgraph_config_path` for a source that builds nothing",
        "For `external_docker`, `internal_docker` and `internal_template` it must be null (API.md 4, rule 5).",
    ),
    Rule(
        "image-not-allowed",
        ERROR,
        "`image_uri` for a GitHub deployment",
        "The platform builds the image itself and refuses any other; a digest that it shows there is its own, and "
        "only a warning (API.md 4, rule 6).",
    ),
    Rule(
        "custom-url-not-allowed",
        ERROR,
        "`custom_url` for a source whose URL the platform assigns",
        "It may be set for `external_docker` only; a copy of the platform's own `langgraph.app` URL is only a warning "
        "(API.md 4, rule 11).",
    ),
    Rule(
        "tag-built-on-push",
        ERROR,
        "`build_on_push` is true for a tag",
        "A tag does not move, and the service refuses the pair. Set `build_on_push: false`, or track a branch "
        "(API.md 4, rule 1).",
    ),
    Rule(
        "repo-ref-form",
        WARNING,
        "`repo_ref` in a form that the service does not document",
        "Write branches by their bare name (`main`), tags as `refs/tags/<tag>` (API.md 4, rule 2).",
    ),
    Rule(
        "tier-family",
        ERROR,
        "A tier of the wrong family for the deployment type",
        "`SERVERLESS_*` tiers belong to the scale-to-zero types, `DEDICATED_*` tiers to `prod` (API.md 4, rule 36).",
    ),
    Rule(
        "database-tier-not-allowed",
        ERROR,
        "`database_tier` for a serverless deployment",
        "Serverless deployments share a database, so only dedicated ones have a database tier (API.md 4, rule 36).",
    ),
    Rule(
        "namespace-without-listener",
        WARNING,
        "`k8s_namespace` without `listener_id`",
        "The namespace belongs to a listener; without one it has no effect (API.md 4, rule 13).",
    ),
    Rule(
        "command-characters",
        ERROR,
        "An install or build command with characters that the service refuses",
        'Refused are quotes `"`, backticks, backslashes, line breaks, tabs, NUL, `|`, `;`, `$`, `<`, `>` and a '
        "single `&`; `&&` is fine. Put longer commands into a script of the package (API.md 4, rule 14).",
    ),
    Rule(
        "scale-order",
        ERROR,
        "The minimum number of replicas is above the maximum",
        "Unset, `queue_min_scale` and `queue_max_scale` are `min_scale` and `max_scale`, so the two values may be on "
        "unexpected lines (API.md 4, rule 16).",
    ),
    Rule(
        "scale-zero",
        WARNING,
        "Zero replicas for a type that does not scale to zero",
        "Only `dev_zero` and `dev_free_zero` accept 0 (API.md 4, rule 17).",
    ),
    Rule(
        "request-above-limit",
        ERROR,
        "A limit is below what is requested",
        "Kubernetes refuses such a pod. An unset request may be derived from another field: `queue_cpu` defaults to "
        "`cpu` (API.md 4, rule 18).",
    ),
    Rule(
        "above-cloud-maximum",
        WARNING,
        "More CPU than Cloud allows",
        "Cloud and older self-hosted servers refuse requests above 8 and limits above 16 cores; self-hosted "
        "servers since 2026-07 are bounded by the cluster alone (API.md 2.4 and 4, rule 19).",
    ),
    Rule(
        "cpu-rounded",
        WARNING,
        "More decimals than the service keeps",
        "The service rounds CPU to one decimal, a half in an unknown direction. Write the rounded value "
        "(API.md 4, rule 20).",
    ),
    Rule(
        "memory-granularity",
        WARNING,
        "Memory that is not a multiple of 128",
        "Newer servers refuse it, older ones may round it (API.md 4, rule 21).",
    ),
    Rule(
        "deprecated-field",
        WARNING,
        "A deprecated field",
        "`orchestrator_*` and `executor_*` are internal, and newer servers ignore them (API.md 4, rule 22).",
    ),
    Rule(
        "reserved-secret-name",
        WARNING,
        "A variable that the platform sets itself",
        "The vendor's command line tool refuses or drops these names; four of them (`LANGSMITH_API_KEY`, "
        "`LANGSMITH_ENDPOINT`, `POSTGRES_URI_CUSTOM`, `REDIS_URI_CUSTOM`) are allowed for `external_docker` "
        "(API.md 3.3 and 4, rule 28).",
    ),
    Rule(
        "secret-and-reference",
        WARNING,
        "One variable in both `secrets` and `secret_references`",
        "It can have only one value, and which one takes effect is not documented (API.md 4, rule 28).",
    ),
    Rule(
        "duplicate-entry",
        ERROR,
        "Two entries of a list have the same identity",
        "Secrets and secret references, volumes and containers are identified by `name`, mounts by `mountPath`. "
        "The service or Kubernetes refuses duplicates (API.md 4, rules 28, 31 and 32).",
    ),
    Rule(
        "repeated-entry",
        WARNING,
        "A variable or pull secret is listed twice",
        "Kubernetes uses the last of two variables with one name, and it is easy to change the wrong one.",
    ),
    Rule(
        "duplicate-container",
        ERROR,
        "A sidecar and an init container have one name",
        "Names are unique among all containers of a pod (API.md 4, rule 32).",
    ),
    Rule(
        "several-volume-sources",
        ERROR,
        "A volume with more than one source",
        "A volume is exactly one of configMap, secret, emptyDir, persistentVolumeClaim, nfs, projected, "
        "downwardAPI and csi (API.md 4, rule 31).",
    ),
    Rule(
        "volume-without-source",
        WARNING,
        "A volume without a source",
        "A volume needs exactly one source; Kubernetes may treat it as an empty folder. Write `emptyDir: {}` if "
        "that is intended (API.md 4, rule 31).",
    ),
    Rule(
        "unknown-volume",
        WARNING,
        "A mount of a volume that is not declared",
        "`volumes` is declared without it. Kubernetes refuses such a pod, unless the platform adds "
        "the volume itself (API.md 4, rule 31).",
    ),
    Rule(
        "two-sub-paths",
        ERROR,
        "A mount with both `subPath` and `subPathExpr`",
        "One of the two at most (API.md 4, rule 31).",
    ),
    Rule(
        "pull-policy",
        ERROR,
        "An unknown `imagePullPolicy`",
        "Kubernetes knows `Always`, `Never` and `IfNotPresent` (API.md 4, rule 32).",
    ),
    Rule(
        "restart-policy",
        WARNING,
        "An unusual `restartPolicy` of a container",
        "The service documents `Always` and `OnFailure` (API.md 4, rule 32).",
    ),
    Rule(
        "env-name",
        ERROR,
        "A variable name that is not a C identifier",
        "Letters, digits and underscores, not beginning with a digit (API.md 4, rule 33).",
    ),
    Rule(
        "env-value-and-source",
        ERROR,
        "A variable with both `value` and `valueFrom`",
        "One of the two at most (API.md 4, rule 33).",
    ),
    Rule(
        "datastore-settings-unused",
        WARNING,
        "Settings of a bundled datastore that is not used",
        "With `POSTGRES_URI_CUSTOM` no database is provisioned, so `db_*` has no effect; with `REDIS_URI_CUSTOM` "
        "no Redis, so `redis_*` has none (API.md 4, rule 34).",
    ),
    Rule(
        "long-name",
        WARNING,
        "A self-hosted name that the autoscaler cannot take",
        "The autoscaler of self-hosted data planes derives names of Kubernetes objects from the deployment's name and "
        "takes at most 21 characters of it.",
    ),
    Rule(
        "empty-value",
        ERROR,
        "An empty text where the service needs a value",
        "`display_name`, `repo_url`, `template_id`, `image_uri`, `repo_ref` and `langgraph_config_path` are either set "
        "to a value or unset; an empty text is neither.",
    ),
    Rule(
        "invalid-image",
        ERROR,
        "An image that is not an image reference",
        "A reference is `[registry[:port]/]repository[:tag][@digest]`, with a lowercase repository and without spaces, "
        "quotes, a scheme or variables. A block scalar (`|`) ends with a line break, which is not part of one either.",
    ),
    Rule(
        "invalid-dns-subdomain",
        ERROR,
        "A pull secret whose name is not a DNS subdomain",
        "Names of Kubernetes Secrets have at most 253 characters: lowercase letters, digits, hyphens and dots. Each "
        "part between dots begins and ends with a letter or digit (API.md 6, 7).",
    ),
    Rule(
        "type-not-in-region",
        ERROR,
        "A deployment type that the region does not offer",
        "`dev_zero` and `serverless` are refused in the region `aws` (API.md 6, 3). The region is that of the "
        "configuration.",
    ),
    Rule(
        "tier-replicas",
        WARNING,
        "Replicas outside the range of the tier",
        "Serverless S, M and L run at most 1, 2 and 2 replicas, Dedicated S, M and L at most 10, 20 and 40, and "
        "Dedicated at least 2 (API.md 6, 9).",
    ),
    Rule(
        "tier-size",
        WARNING,
        "More CPU or memory than the tier has",
        "All containers of a replica together get 1.1, 4.6 and 9.2 vCPU with 2.75, 5.5 and 11 GiB in Serverless S, M "
        "and L, and 3, 6 and 10 vCPU with 6, 12 and 24 GiB in Dedicated S, M and L, so no request can exceed these "
        "(API.md 6, 9).",
    ),
    Rule(
        "missing-listener",
        NOTE,
        "A self-hosted deployment without `listener_id`",
        "Workspaces that have listeners require one at creation, and it cannot be changed later (API.md 6, 8).",
    ),
    Rule(
        "unpinned-image",
        WARNING,
        "An image without a version",
        "`latest`, or no tag, may be another image tomorrow, so equality proves nothing. Use a version, or "
        "better a digest (API.md 3.2 and 4, rule 35).",
    ),
)

RULES: Final = COMPARISON_RULES | LOADING_RULES | VALIDATION_RULES | LINT_RULES
"""Every rule by its id."""

POLICY_PREFIX: Final = "policy:"
"""What the rule id of a policy's findings begins with; the policy's own id follows."""

SUPPRESSIBLE_RULES: Final = frozenset(
    {
        *(LINT_RULES.keys() - {"literal-secret"}),
        *("missing-deployment", "unmanaged-deployment", "unmanaged-preview", "unmanaged-managed-agent"),
        *("being-deleted", "rollout-pending", "unmodelled-field", "outside-scope", "probable-rename"),
        *("no-revision", "unverifiable-image", "undeclared-sharing", "missing-elsewhere", "outdated-deployment"),
        *(
            "proposed-creation",
            "proposed-adoption",
            "proposed-removal",
            "proposed-rename",
            "recreated",
            "declaration-removed",
        ),
    }
)
"""Rules whose findings an ignore rule may suppress, besides policies.

The others report that something could not be read or that the policy itself is at fault.
"""

CLASSES_OF_RULES: Final[Mapping[str, ChangeClass]] = {
    "missing-deployment": ChangeClass.DRIFT,
    "missing-elsewhere": ChangeClass.ELSEWHERE,
    "outdated-deployment": ChangeClass.OUTDATED,
    "proposed-creation": ChangeClass.PROPOSED,
    "proposed-removal": ChangeClass.PROPOSED,
}
"""The class of whole deployments that are missing or no longer declared, by the rule that reports them."""


def make_finding(
    rule_id: str,
    message: str | None = None,
    *,
    hint: str | None = None,
    severity: Severity | None = None,
    deployment: str | None = None,
    path: Path | None = None,
    location: Location | None = None,
    related: Iterable[Location] = (),
) -> Finding:
    """Return a finding of a rule, with the rule's own title, hint and severity unless others are given."""
    rule = RULES[rule_id]
    return Finding(
        rule=rule.id,
        severity=severity or rule.severity,
        message=message or f"{rule.title}.",
        hint=hint or rule.hint,
        deployment=deployment,
        path=path,
        location=location,
        related=tuple(related),
    )
