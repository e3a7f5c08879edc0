"""The catalogue of rules: what each `rule` of a finding means; data, no logic.

An explanation is the rule's page in docs/rules.md and the answer of `driftcheck explain RULE`:
what it means, why it matters, and, from its hint, what to do.
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
        "The complete listing was read, the name was queried again, and no deployment has it.",
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
        "The platform creates a preview for a pull request and deletes it again, so it is not declared.",
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
        "Both listings are of the same workspace and contain this name with different ids. Even if the settings are "
        "equal, what the former deployment stored is gone, such as threads and the values of its secrets.",
        "Check the values of its secrets and its stored data.",
    ),
    Rule(
        "no-revision",
        NOTE,
        "The service shows no revision yet",
        "Before the first revision the listing shows neither secrets nor revision settings. Such fields are counted as "
        "unverifiable.",
        "Check again once the first revision is deployed.",
    ),
    Rule(
        "unverifiable-image",
        NOTE,
        "A tag is declared and live shows a digest",
        "The listing shows the digest that the tag pointed to when it was deployed. Only the registry knows whether "
        "the tag still points to it, so the field is counted as unverifiable.",
        "Declare the image with its digest (`repository:tag@sha256:...`) to compare it.",
    ),
    Rule(
        "other-branch",
        NOTE,
        "The latest revision was made from another branch than the tracked one",
        "The service shows the tracked branch (`repo_branch`), which is compared, and what the latest revision was "
        "made from (`repo_ref`). They can differ, because the tracked branch can be changed without a new revision.",
        "Deploy the tracked branch, or track the other one.",
    ),
    Rule(
        "undeclared-sharing",
        WARNING,
        "The deployment is shared outside the organization, which is not declared",
        "`shareable: true` lets LangSmith users outside the organization use the deployment.",
        "Declare `shareable`, or switch it off.",
    ),
    Rule(
        "being-deleted",
        NOTE,
        "A deployment is being deleted",
        "Its status is `AWAITING_DELETE` or `AWAITING_FINAL_DELETE`. It counts neither as present nor as drifted. Its "
        "name stays reserved until the deletion ends.",
        "If a file declares it, remove it there, or create it again once the deletion has ended.",
    ),
    Rule(
        "rollout-pending",
        NOTE,
        "The latest revision is not the active one",
        "The listing shows the latest revision, and driftcheck compared that one. Another revision is active, because "
        "the rollout is in progress, was superseded, or failed. LangSmith shows which, in the list of revisions on the "
        "page of the deployment.",
        "Open it in LangSmith to see whether the rollout is in progress or has failed.",
    ),
    Rule(
        "ambiguous-name",
        ERROR,
        "Several live deployments have one name",
        "Names are unique in a workspace, so the listing contradicts itself, and none of these can be compared.",
        "Find out which of them is the right one, and delete the others.",
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
        "The listing is not empty, but contains none of the declared names.",
        "Check endpoint, key and workspace.",
    ),
    Rule(
        "suspicious-listing",
        WARNING,
        "The listing looks unusual, though not incomplete",
        "A saved response of a round number of deployments, such as 10, 50 or 200, may be only the first page. An "
        "offset that the API does not document may come from a proxy.",
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
        "Live agrees with the tip of the base branch. The branch under review does not have that commit yet.",
        "Merge the base branch into the branch under review.",
    ),
    Rule(
        "declaration-removed",
        WARNING,
        "The change under review no longer declares a field that differs from live",
        "The tip of the base branch declares the field, and live has another value. After the merge the field is "
        "not compared, and the difference is not reported.",
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
        "It is declared here, but not at the base revision, and it is not live. It must be created after the merge.",
    ),
    Rule(
        "proposed-adoption",
        NOTE,
        "The change under review declares a deployment that is live already",
        "It is declared here and live, but not declared at the base revision. Once this is merged, it is managed.",
    ),
    Rule(
        "proposed-removal",
        NOTE,
        "The change under review removes a live deployment from the declarations",
        "It is declared at the base revision and live, but not declared here. Once this is merged, it is unmanaged, "
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
        "No file declares a deployment, so nothing was checked.",
        "Check the paths, or pass --allow-empty.",
    ),
    Rule(
        "unused-ignore",
        WARNING,
        "An ignore rule matched nothing",
        "Everything that it could match was compared, and nothing matched. If it stays, it may later suppress "
        "something unintended.",
        "Remove it, or correct its patterns.",
    ),
    Rule(
        "expired-ignore",
        WARNING,
        "An ignore rule has expired",
        "It no longer suppresses anything.",
        "Renew it with a new date and reason, or remove it.",
    ),
    Rule(
        "catch-all-ignore",
        ERROR,
        "An ignore rule covers everything",
        "A rule whose path matches every field, or whose names match every deployment, would turn the check off. So "
        "would several rules for the same deployments that together match every field. Such rules are not applied.",
        "Name what may differ.",
    ),
    Rule(
        "nothing-under-review",
        WARNING,
        "No change is under review, so all drift counts as not touched by it",
        "The commit that is checked out is the tip of the base, and it declares the same. With --base, drift does not "
        "fail the check in deployments that the change does not touch, so here none does.",
        "On the base branch itself, run driftcheck without --base.",
    ),
    Rule(
        "incomplete-base",
        WARNING,
        "The declarations at the base revision could not be read completely",
        "A file, document or deployment was broken there. If a deployment is not found at the base revision, "
        "driftcheck can't know what the change under review proposes for it, so each of its differences counts as "
        "drift.",
        "Check with a base revision that `driftcheck validate` passes.",
    ),
    Rule(
        "policy-changed",
        WARNING,
        "The change under review alters the policy",
        "Ignore rules or configuration differ from the base branch. This run used those of the base branch; the change "
        "takes effect when it is merged.",
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
        "the folder is read under its own name, because otherwise nothing is known of what it declares.",
        "Add the folder itself to the paths, or remove the link.",
    ),
    Rule(
        "skipped-file",
        NOTE,
        "A file that looks like YAML is not read",
        "In folders, driftcheck reads files whose names end in `.yaml` or `.yml`, in upper or lower case. This name "
        "continues after such a suffix, as those of backups and templates do.",
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
        "An overlay changes a deployment that an earlier path declares, and finds it by its name. Paths are read in "
        "the order of the command line, or of `paths` in driftcheck.yaml.",
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
        "In YAML, a lone carriage return, U+0085, U+2028 and U+2029 end a line, and with it a comment. Most editors "
        "and review tools don't show them, so text that looks like a comment would be configuration.",
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
        "policies and 200 targets. The limits are far above what people write, and stop files that are made to exhaust "
        "memory or time.",
        "Reduce the nesting, or split the file.",
    ),
    Rule(
        "too-many-findings",
        WARNING,
        "Too many findings; the rest are not shown",
        "At most 1,000 errors and 1,000 other findings are shown for each file. This is an error if errors are among "
        "the rest.",
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
        "Some programs use the first one, others the last, and people may read either.",
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
        "Unquoted `no`, `on`, `0123`, `0o17`, `1_000`, `12:30` and `1e5` are strings in one version and booleans or "
        "numbers in the other, and most programs use the older version. driftcheck reads the string that is written.",
        "Quote it if it is a string; write `true` or `false` for a boolean, and a number in plain decimal digits.",
    ),
    Rule(
        "number-range",
        ERROR,
        "A number out of range",
        "Integers are exact up to 2^53 in every program that reads JSON, and infinity and NaN are not JSON numbers. An "
        "unquoted commit that consists of digits only is read as such a number.",
        "Quote it if it is a string.",
    ),
)

VALIDATION_RULES: Final = _catalogue(
    Rule(
        "unknown-field",
        ERROR,
        "A field that the schema does not know",
        "It would not be compared, so a typo would go unnoticed. Correct its name or move it. Names are camelCase "
        "inside Kubernetes objects (`volumeMounts`) and snake_case elsewhere (`volume_mounts`). At the top of a "
        "document, keys that begin with `x-` are allowed for any purpose.",
    ),
    Rule(
        "read-only-field",
        ERROR,
        "A field that only the service sets",
        "Ids, times, states and values that the platform works out can't be declared. Remove the field, or "
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
        "A deployment needs a `name`, a container a `name` and an `image`, a volume mount a `name` and a `mountPath`, "
        "and an ignore rule a `reason`. Without it nothing can be compared, or Kubernetes refuses the object.",
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
        "CPU is at least 0.1 cores; counts and sizes are not negative. The maximum on Cloud has its own rule, "
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
        "Everybody who can read the repository can read the secret, even after it is removed, in the history. Revoke "
        "it, and declare only its name under `secrets`, or refer to a Kubernetes Secret (`secret_references`, "
        "`valueFrom`). driftcheck detects values under `secrets`, and in every text of a deployment, ignore rule or "
        "policy it detects keys and tokens of known formats, private keys, and URLs with a password.",
    ),
    Rule(
        "unknown-rule",
        ERROR,
        "A rule id that does not exist",
        "`severities` and ignore rules name rules by id, and one with an unknown id never takes effect. `driftcheck "
        "explain` lists the rules.",
    ),
)

LINT_RULES: Final = _catalogue(
    Rule(
        "missing-source",
        WARNING,
        "A deployment without `source`",
        "The source decides which fields apply and which values the platform sets. Without it, rules that depend on "
        "the source are not checked. Declare `source`, or declare it once for a file under `defaults`.",
    ),
    Rule(
        "name-starts-with-digit",
        WARNING,
        "A deployment name begins with a digit",
        "The service has refused names that do not begin with a letter, although the vendor's own example allows a "
        "digit.",
    ),
    Rule(
        "incomplete-for-create",
        WARNING,
        "A section lacks what the service needs to create such a deployment",
        "What is declared can be compared, but the deployment could not be created from it: a GitHub deployment "
        "needs `integration_id`, `repo_url`, `deployment_type`, `build_on_push` and `langgraph_config_path`, an "
        "external image `image_uri` and a `resource_spec` (`{}` is enough), other sources a `deployment_type`, "
        "`internal_source` also a `langgraph_config_path`. Sections that are not declared at all are not checked for "
        "this.",
    ),
    Rule(
        "field-not-applicable",
        WARNING,
        "A field is declared for a source that it is not documented for",
        "The documentation of the service names the sources that a field applies to. It does not say what happens for "
        "other sources. The field is compared, and probably has no effect.",
    ),
    Rule(
        "platform-set-value",
        WARNING,
        "A value is declared that the platform sets",
        "For this source the platform chooses the value, such as the URL and the image of a Cloud deployment, or the "
        "type of an external image. It is not compared; a value that was copied from the listing does no harm.",
    ),
    Rule(
        "config-path-not-allowed",
        ERROR,
        "`langgraph_config_path` for a source that builds nothing",
        "For `external_docker`, `internal_docker` and `internal_template` it must be null.",
    ),
    Rule(
        "image-not-allowed",
        ERROR,
        "`image_uri` for a GitHub deployment",
        "The platform builds the image itself and refuses any other. A digest is only a warning, since it may be a "
        "copy of what the platform shows.",
    ),
    Rule(
        "custom-url-not-allowed",
        ERROR,
        "`custom_url` for a source whose URL the platform assigns",
        "It may be set for `external_docker` only. A copy of the platform's own `langgraph.app` URL is only a warning.",
    ),
    Rule(
        "tag-built-on-push",
        ERROR,
        "`build_on_push` is true for a tag",
        "A tag does not move, and the service refuses this combination. Set `build_on_push: false`, or track a branch.",
    ),
    Rule(
        "repo-ref-form",
        WARNING,
        "`repo_ref` in a form that the service does not document",
        "Write branches by their bare name (`main`), tags as `refs/tags/<tag>`.",
    ),
    Rule(
        "tier-family",
        ERROR,
        "A tier of the wrong family for the deployment type",
        "`SERVERLESS_*` tiers belong to the scale-to-zero types, `DEDICATED_*` tiers to `prod`.",
    ),
    Rule(
        "database-tier-not-allowed",
        ERROR,
        "`database_tier` for a serverless deployment",
        "Serverless deployments share a database, so only dedicated ones have a database tier.",
    ),
    Rule(
        "namespace-without-listener",
        WARNING,
        "`k8s_namespace` without `listener_id`",
        "The namespace belongs to a listener; without one it has no effect.",
    ),
    Rule(
        "command-characters",
        ERROR,
        "An install or build command with characters that the service refuses",
        'Refused are quotes `"`, backticks, backslashes, line breaks, tabs, NUL, `|`, `;`, `$`, `<`, `>` and a '
        "single `&`; `&&` is fine. Put longer commands into a script of the package.",
    ),
    Rule(
        "scale-order",
        ERROR,
        "The minimum number of replicas is above the maximum",
        "If `queue_min_scale` or `queue_max_scale` is unset, the service uses `min_scale` or `max_scale`, so look at "
        "those too.",
    ),
    Rule(
        "scale-zero",
        WARNING,
        "Zero replicas for a type that does not scale to zero",
        "Only `dev_zero` and `dev_free_zero` accept 0.",
    ),
    Rule(
        "request-above-limit",
        ERROR,
        "A limit is below what is requested",
        "Kubernetes refuses such a pod. If a request is unset, it may be derived from another field: `queue_cpu` "
        "defaults to `cpu`.",
    ),
    Rule(
        "above-cloud-maximum",
        WARNING,
        "More CPU than Cloud allows",
        "Cloud and older self-hosted servers refuse requests above 8 and limits above 16 cores; for self-hosted "
        "servers since July 2026 the cluster is the only limit.",
    ),
    Rule(
        "cpu-rounded",
        WARNING,
        "More decimals than the service keeps",
        "The service rounds CPU to one decimal; whether it rounds 0.25 to 0.2 or to 0.3 is not documented. Write the "
        "rounded value.",
    ),
    Rule(
        "memory-granularity",
        WARNING,
        "Memory that is not a multiple of 128",
        "Newer servers refuse it, older ones may round it.",
    ),
    Rule(
        "deprecated-field",
        WARNING,
        "A deprecated field",
        "`orchestrator_*` and `executor_*` are internal, and newer servers ignore them.",
    ),
    Rule(
        "reserved-secret-name",
        WARNING,
        "A variable that the platform sets itself",
        "The vendor's command line tool refuses or drops these names; four of them (`LANGSMITH_API_KEY`, "
        "`LANGSMITH_ENDPOINT`, `POSTGRES_URI_CUSTOM`, `REDIS_URI_CUSTOM`) are allowed for `external_docker`.",
    ),
    Rule(
        "secret-and-reference",
        WARNING,
        "One variable in both `secrets` and `secret_references`",
        "It can have only one value, and which one takes effect is not documented.",
    ),
    Rule(
        "duplicate-entry",
        ERROR,
        "Two entries of a list have the same identity",
        "Secrets and secret references, volumes and containers are identified by `name`, mounts by `mountPath`. "
        "The service or Kubernetes refuses duplicates.",
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
        "Names are unique among all containers of a pod.",
    ),
    Rule(
        "several-volume-sources",
        ERROR,
        "A volume with more than one source",
        "A volume has exactly one source: configMap, secret, emptyDir, persistentVolumeClaim, nfs, projected, "
        "downwardAPI or csi.",
    ),
    Rule(
        "volume-without-source",
        WARNING,
        "A volume without a source",
        "A volume needs exactly one source; Kubernetes may treat it as an empty folder. Write `emptyDir: {}` if "
        "that is intended.",
    ),
    Rule(
        "unknown-volume",
        WARNING,
        "A mount of a volume that is not declared",
        "`volumes` is declared, but does not contain this volume. Kubernetes refuses such a pod, unless the platform "
        "adds the volume itself.",
    ),
    Rule(
        "two-sub-paths",
        ERROR,
        "A mount with both `subPath` and `subPathExpr`",
        "At most one of the two may be set.",
    ),
    Rule(
        "pull-policy",
        ERROR,
        "An unknown `imagePullPolicy`",
        "Kubernetes knows `Always`, `Never` and `IfNotPresent`.",
    ),
    Rule(
        "restart-policy",
        WARNING,
        "An unusual `restartPolicy` of a container",
        "The service documents `Always` and `OnFailure`.",
    ),
    Rule(
        "env-name",
        ERROR,
        "A variable name that is not a C identifier",
        "A C identifier consists of letters, digits and underscores, and does not begin with a digit.",
    ),
    Rule(
        "env-value-and-source",
        ERROR,
        "A variable with both `value` and `valueFrom`",
        "At most one of the two may be set.",
    ),
    Rule(
        "datastore-settings-unused",
        WARNING,
        "Settings of a bundled datastore that is not used",
        "With `POSTGRES_URI_CUSTOM` the service creates no database, so `db_*` has no effect. With `REDIS_URI_CUSTOM` "
        "it creates no Redis, so `redis_*` has no effect.",
    ),
    Rule(
        "long-name",
        WARNING,
        "A self-hosted name that the autoscaler cannot take",
        "The autoscaler of a self-hosted data plane builds names of Kubernetes objects from the name of the "
        "deployment, which may have at most 21 characters for that.",
    ),
    Rule(
        "empty-value",
        ERROR,
        "An empty text where the service needs a value",
        "`display_name`, `repo_url`, `template_id`, `image_uri`, `repo_ref` and `langgraph_config_path` need "
        "a value. Remove the field to leave it unset.",
    ),
    Rule(
        "invalid-image",
        ERROR,
        "An image that is not an image reference",
        "A reference is `[registry[:port]/]repository[:tag][@digest]`, with a lowercase repository and without spaces, "
        "quotes, a scheme or variables. A value that is written as a block (`|`) ends with a line break, which is "
        "not allowed either.",
    ),
    Rule(
        "invalid-dns-subdomain",
        ERROR,
        "A pull secret whose name is not a DNS subdomain",
        "Names of Kubernetes Secrets have at most 253 characters: lowercase letters, digits, hyphens and dots. Each "
        "part between dots begins and ends with a letter or digit.",
    ),
    Rule(
        "type-not-in-region",
        ERROR,
        "A deployment type that the region does not offer",
        "The region `aws` refuses `dev_zero` and `serverless`. The region is the one in driftcheck.yaml.",
    ),
    Rule(
        "tier-replicas",
        WARNING,
        "Replicas outside the range of the tier",
        "A deployment of Serverless S, M or L has at most 1, 2 or 2 replicas; one of Dedicated S, M or L has at least "
        "2 and at most 10, 20 or 40.",
    ),
    Rule(
        "tier-size",
        WARNING,
        "More CPU or memory than the tier has",
        "A request can't exceed what all containers of a replica share. In Serverless S, M and L that is 1.1, 4.6 and "
        "9.2 vCPU with 2.75, 5.5 and 11 GiB; in Dedicated S, M and L it is 3, 6 and 10 vCPU with 6, 12 and 24 GiB.",
    ),
    Rule(
        "missing-listener",
        NOTE,
        "A self-hosted deployment without `listener_id`",
        "Workspaces that have listeners require one at creation, and it cannot be changed later.",
    ),
    Rule(
        "unpinned-image",
        WARNING,
        "An image without a version",
        "`latest`, or no tag, may be another image tomorrow, so equal values do not prove equal images. Use a version, "
        "or better a digest.",
    ),
)

RULES: Final = COMPARISON_RULES | LOADING_RULES | VALIDATION_RULES | LINT_RULES
"""Every rule by its id."""

POLICY_PREFIX: Final = "policy:"
"""What the rule id of a policy's findings begins with; the policy's own id follows."""

SUPPRESSIBLE_RULES: Final = frozenset(COMPARISON_RULES | LINT_RULES) - {
    "drift",
    "ambiguous-name",
    "wrong-workspace",
    "suspicious-listing",
    "run-failed",
    "nothing-declared",
    "unused-ignore",
    "expired-ignore",
    "catch-all-ignore",
    "nothing-under-review",
    "incomplete-base",
    "policy-changed",
}
"""Rules whose findings an ignore rule may suppress, besides policies.

The others report that something could not be read or that the policy itself is at fault.
"""

ABSENCE_RULES: Final = frozenset({"missing-deployment", "missing-elsewhere"})
"""Rules that report a declared deployment that is not live, and should be."""

UNMANAGED_RULES: Final = frozenset({"unmanaged-deployment", "unmanaged-preview", "unmanaged-managed-agent"})
"""Rules that report a live deployment that is not declared."""

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
