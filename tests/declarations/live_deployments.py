"""Live deployments as the endpoint could list them, drawn from the schema's own field tree, odd ones included."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from driftcheck import fields
from driftcheck.fields import Field
from driftcheck.model import REDACTED_MARKER

COMMIT = "0123456789abcdef0123456789abcdef01234567"
CREDENTIALS = ("lsv2_sk_0123456789abcdef_canary", "https://user:canary-password@example.com/x", "ghp_" + "c4nary" * 6)
CANARIES = ("canary", "c4nary")

odd_texts = st.one_of(
    st.sampled_from(
        [
            *(
                "no",
                "on",
                "Yes",
                "y",
                "N",
                "null",
                "~",
                "true",
                "",
                " ",
                "0123",
                "0o17",
                "1_000",
                "12:30",
                "1e5",
                "1.5",
            ),
            *(
                "2026-01-05",
                "=",
                "<<",
                "- x",
                "a: b",
                "a #b",
                "# c",
                "'",
                '"',
                "\\",
                "%x",
                "@x",
                "`x`",
                "!x",
                "&x",
                "*x",
            ),
            *("::error::x", "##[error]x", "a\nb", "\ttab", "\x1b[0m", "\x00", "\u2028", "\u0085", "\u200b", "\ufeff"),
            *(
                "\ud800",
                "{}",
                "[]",
                "{{x}}",
                "---",
                "...",
                "--x",
                "-x",
                "?",
                "? x",
                ".inf",
                ".nan",
                "0x1F",
                "+1",
                "é日本",
            ),
        ]
    ),
    st.text(max_size=12),
    st.text("abcxyz019._-:/ #@=", max_size=20),
)
texts = st.one_of(st.text("abcdefghij0123456789-", min_size=1, max_size=10), odd_texts, st.sampled_from(CREDENTIALS))
numbers = st.one_of(
    st.integers(0, 20),
    st.sampled_from([0.1, 0.25, 1.0, 1.5, 2.0, 128, 2**53 + 1, 1e22, 1e-7, -1]),
)
scalars = st.one_of(texts, numbers, st.booleans(), st.none(), st.builds(dict, st.just(REDACTED_MARKER)))
free = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(odd_texts | texts, inner, max_size=3),
    max_leaves=6,
)


def values(field: Field, *, odd: bool) -> st.SearchStrategy[Any]:
    """Return values of a field: valid ones, and with `odd` sometimes invalid ones."""
    fitting = st.one_of(*(_of_type(kind, field, odd=odd) for kind in sorted(field.types))) if field.types else free
    usual = st.one_of(fitting, fitting, fitting, st.none())
    return st.one_of(*[usual] * 9, free) if odd else usual


def _of_type(kind: str, field: Field, *, odd: bool) -> st.SearchStrategy[Any]:
    match kind:
        case "object":
            return objects(field, odd=odd)
        case "array":
            items = values(field.items, odd=odd) if field.items else free
            return st.lists(items if odd else items.filter(lambda item: item is not None), max_size=3)
        case "boolean":
            return st.booleans()
        case "integer" | "number":
            whole = st.integers(int(field.minimum or 0) + 1, 16)
            return whole if kind == "integer" else st.one_of(whole, whole.map(lambda n: n / 2), st.just(0.25))
    if field.enum:
        return st.sampled_from(field.enum) | (st.just("FROM_THE_FUTURE") if odd else st.nothing())
    if field.quantity:
        return st.sampled_from(["500m", "1Gi", "0.5", "2"])
    if field.equivalence == "uuid":
        return st.uuids(version=4).map(str)
    if field.branch:
        return st.sampled_from(["main", "refs/tags/v1", COMMIT])
    return texts if odd else st.text("abcdefghij0123456789", min_size=1, max_size=10).map("v".__add__)


@st.composite
def objects(draw: st.DrawFn, field: Field, *, odd: bool) -> dict[str, Any]:
    known = (
        draw(st.lists(st.sampled_from(sorted(field.properties)), max_size=8, unique=True)) if field.properties else []
    )
    needed = [name for name in ("name", "image", "mountPath", "secret_name", "secret_key") if name in field.properties]
    found = {name: draw(values(field.properties[name], odd=odd)) for name in dict.fromkeys([*needed, *known])}
    for name in needed:
        if not odd and found[name] is None:
            found[name] = f"n{draw(st.integers(0, 99))}"
    if field.values is not None:
        keys = odd_texts if odd else st.text("abc.-/", min_size=1, max_size=5)
        found |= draw(st.dictionaries(keys, values(field.values, odd=odd), max_size=3))
    elif odd and draw(st.integers(0, 9)) == 0:
        found["field_of_the_future"] = draw(free)
    return found


@st.composite
def deployments(draw: st.DrawFn, *, odd: bool = True) -> dict[str, Any]:
    """Return a deployment as one item of the listing holds it."""
    schema = fields.deployment()
    found = draw(objects(schema, odd=odd))
    found["name"] = draw(st.from_regex(r"\A[a-z][a-z0-9-]{0,10}[a-z0-9]\Z"))
    for section in ("source_config", "source_revision_config"):
        found.setdefault(section, draw(objects(schema.properties[section], odd=odd)))
    config = found["source_config"]
    if isinstance(config, dict) and draw(st.booleans()):
        config["resource_spec"] = draw(objects(schema.properties["source_config"].properties["resource_spec"], odd=odd))
    found.setdefault("source", draw(values(schema.properties["source"], odd=odd)))
    names = texts if odd else st.text("ABC_", min_size=1, max_size=5)
    found["secrets"] = draw(st.lists(st.builds(lambda n: {"name": n}, names), max_size=3, unique_by=str))
    found["id"] = str(draw(st.uuids(version=4)))
    found["status"] = "READY"
    return found
