"""Equivalences: values that the service does not distinguish are equal, and no others are."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftcheck import fields
from driftcheck.comparison.equality import (
    canonical_repository_url,
    is_rounded_to,
    may_be_same_image,
    quantity,
    same_as_written,
    same_quantity,
    same_scalar,
    same_uuid,
)
from driftcheck.fields import Field
from tests.comparison.api import QUANTITIES
from tests.comparison.echo import _MODES, rounded

PLAIN = Field()
CPU = fields.deployment().at(("source_config", "resource_spec", "cpu"))
MEMORY = fields.deployment().at(("source_config", "resource_spec", "memory_mb"))
SIZE_LIMIT = fields.deployment().at(("source_config", "resource_spec", "volumes", 0, "emptyDir", "sizeLimit"))
LIMIT = fields.deployment().at(("source_config", "resource_spec", "sidecars", 0, "resources", "limits", "cpu"))

SCALARS = st.one_of(
    st.booleans(),
    st.integers(-(2**60), 2**60),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
    st.sampled_from([text for line in QUANTITIES for text in line]),
)
FIELDS = st.sampled_from(
    [PLAIN, CPU, MEMORY, SIZE_LIMIT, LIMIT, Field(equivalence="uuid"), Field(equivalence="repository-url")]
)
JSON = st.recursive(
    st.one_of(st.none(), SCALARS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


# --- numbers, bools and texts ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("one", "other"), [(1, 1.0), (0, -0.0), (2**53, float(2**53)), (128, 128.0)])
def test_D7_D8_numbers_are_equal_by_value(one: float, other: float) -> None:
    assert same_scalar(one, other, MEMORY)


@pytest.mark.parametrize(
    ("one", "other"),
    [(1, True), (0, False), (1.0, True), (1, "1"), (True, "true"), (0, ""), (1.5, "1.5"), (2**53, 2**53 + 1)],
)
def test_D7_booleans_and_strings_are_not_numbers(one: Any, other: Any) -> None:
    for field in (PLAIN, CPU, MEMORY):
        assert not same_scalar(one, other, field)
        assert not same_scalar(other, one, field)


def test_D8_numbers_are_as_they_are_written() -> None:
    assert not same_scalar(0.1 + 0.2, 0.3, PLAIN)
    assert same_scalar(0.1 + 0.2, 0.3, CPU)
    assert not same_scalar(0.3, 0.1 + 0.2, CPU)


@given(SCALARS, SCALARS, FIELDS)
def test_equality_is_symmetric_and_holds_of_a_value_itself(one: Any, other: Any, field: Field) -> None:
    assert same_scalar(one, one, field)
    assert same_as_written(one, other, field) == same_as_written(other, one, field)


# --- CPU ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("declared", "live"),
    [(0.25, 0.2), (0.25, 0.3), (0.35, 0.3), (0.35, 0.4), (0.125, 0.1), (1.05, 1), (1.05, 1.1), (2, 2.0), (0.24, 0.2)],
)
def test_cpu_is_equal_to_itself_rounded_either_way(declared: float, live: float) -> None:
    assert same_scalar(declared, live, CPU)


@pytest.mark.parametrize(
    ("declared", "live"),
    [
        (0.25, 0.1),
        (0.25, 0.4),
        (0.25, 0.35),
        (0.15, 0.25),
        (1, 1.1),
        (0.2, 0.3),
        (1.24, 1.3),
        (2, 3),
        (0.24, 0.16),
        (2, 2.04),
        (0.25, 0.249),
    ],
)
def test_cpu_differs_where_no_way_of_rounding_makes_both_one(declared: float, live: float) -> None:
    assert not same_scalar(declared, live, CPU)


def test_no_other_number_is_rounded() -> None:
    assert not same_scalar(0.25, 0.3, MEMORY)


@given(st.decimals(0, 64, places=3).map(float), st.sampled_from(_MODES))
def test_what_the_service_stores_equals_what_was_sent(value: float, mode: str) -> None:
    assert is_rounded_to(value, rounded(value, mode), 1)


@given(st.decimals(0, 64, places=3).map(float), st.decimals(0, 64, places=3).map(float))
def test_rounding_never_bridges_a_tenth(one: float, other: float) -> None:
    if abs(Fraction(repr(one)) - Fraction(repr(other))) >= Fraction(1, 10):
        assert not is_rounded_to(one, other, 1)


@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(-(10**30), 10**30))
def test_D8_no_number_is_too_large_to_round(one: float, other: int) -> None:
    assert same_scalar(one, one, CPU)
    assert same_scalar(other, other, CPU)
    assert isinstance(is_rounded_to(one, other, 1), bool)


# --- Kubernetes quantities ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("line", QUANTITIES, ids=lambda line: line[0])
def test_forms_of_one_quantity_are_equal(line: tuple[str, ...]) -> None:
    assert len({quantity(text) for text in line}) == 1
    assert all(same_quantity(one, other) for one in line for other in line)


def test_different_quantities_differ_however_near() -> None:
    for one, other in combinations(QUANTITIES, 2):
        assert not same_quantity(one[0], other[0])


@pytest.mark.parametrize(
    "text", ["", "x", "1 Gi", "Gi", "1gi", "1KI", "--1", "1e", "0x10", "1_000", "1\n", "½", "nan", "inf"]
)
def test_an_invalid_quantity_equals_itself_alone(text: str) -> None:
    assert quantity(text) is None
    assert same_scalar(text, text, LIMIT)
    assert not same_scalar(text, "1", LIMIT)


def test_quantities_are_compared_exactly_not_through_floats() -> None:
    assert not same_quantity("9007199254740993", "9007199254740992")
    assert not same_quantity("0.1", "0.1000000000000000055")


def test_a_size_limit_may_be_a_number_and_a_limit_is_a_text() -> None:
    assert same_scalar(1073741824, "1Gi", SIZE_LIMIT)
    assert same_scalar("1Gi", 1073741824.0, SIZE_LIMIT)
    assert not same_scalar(True, "1", SIZE_LIMIT)
    assert not same_scalar("1", 1, LIMIT)


def test_quantities_are_compared_where_kubernetes_has_them_only() -> None:
    assert not same_scalar("500m", "0.5", PLAIN)


# --- URLs, UUIDs, commits ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://github.com/acme/agent", "https://github.com/acme/agent.git"),
        ("https://github.com/acme/agent", "https://github.com/acme/agent/"),
        ("https://github.com/acme/agent", "https://GitHub.com/Acme/Agent.git/"),
        ("https://github.com/acme/agent", "https://github.com/acme/AGENT.GIT"),
        ("https://git.example.com/acme/agent", "https://GIT.example.com/acme/agent.git"),
        ("https://git.example.com:8443/a/b", "HTTPS://git.EXAMPLE.com:8443/a/b/"),
    ],
)
def test_forms_of_one_repository_url_are_equal(one: str, other: str) -> None:
    assert canonical_repository_url(one) == canonical_repository_url(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://github.com/acme/agent", "https://github.com/acme/agents"),
        ("https://git.example.com/acme/agent", "https://git.example.com/Acme/agent"),
        ("https://github.com/acme/agent", "http://github.com/acme/agent"),
        ("https://github.com/acme/agent", "https://github.com.example.com/acme/agent"),
        ("https://github.com/acme/agent", "https://github.com/acme/agent.git.git"),
        ("https://github.com:1/acme/agent", "https://github.com:2/acme/agent"),
        ("https://a@git.example.com/x", "https://b@git.example.com/x"),
        ("https://git.example.com/x?a", "https://git.example.com/x?b"),
    ],
)
def test_different_repositories_differ(one: str, other: str) -> None:
    assert canonical_repository_url(one) != canonical_repository_url(other)


@given(st.text(max_size=20) | st.from_regex(r"https?://[a-zA-Z@:.]{0,9}(/[A-Za-z.]{0,5}){0,4}(\?a)?", fullmatch=True))
def test_the_form_of_a_url_is_final_and_never_fails(url: str) -> None:
    assert canonical_repository_url(canonical_repository_url(url)) == canonical_repository_url(url)


def test_uuids_are_equal_in_any_case() -> None:
    one = "3f0f7a5e-2f3c-4a3b-8b0c-0a54d2f0c1aa"
    assert same_uuid(one, one.upper())
    assert not same_uuid(one, one.replace("a", "b"))
    assert not same_uuid("a", "A")


# --- images ------------------------------------------------------------------------------------------------------

IMAGE = fields.deployment().at(("source_revision_config", "image_uri"))
ONE, OTHER = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("agent", "agent:latest"),
        ("team/agent", "team/agent:latest"),
        ("docker.io/agent:1", "docker.io/library/agent:1"),
        ("index.docker.io/library/agent:1", "docker.io/agent:1"),
        ("Registry.Example.com/agent:1", "registry.example.com/agent:1"),
        (f"docker.io/agent:1@{ONE}", f"docker.io/library/agent@{ONE}"),
    ],
)
def test_references_that_kubernetes_reads_as_equal_are_one_image(one: str, other: str) -> None:
    assert same_scalar(one, other, IMAGE)
    assert same_scalar(other, one, IMAGE)


@pytest.mark.parametrize(
    ("declared", "live"),
    [
        ("agent:1", "docker.io/library/agent:1"),
        ("docker.io/team/agent:1", "team/agent:1"),
        ("agent:1", f"index.docker.io/library/agent@{ONE}"),
        ("registry.example.com/agent:1", f"registry.example.com/agent@{ONE}"),
        ("registry.example.com/agent:1", f"registry.example.com/agent:1@{ONE}"),
        ("registry:5000/agent", f"registry:5000/agent@{ONE}"),
    ],
)
def test_a_tag_and_a_short_name_may_stand_for_what_is_live(declared: str, live: str) -> None:
    assert not same_scalar(declared, live, IMAGE)
    assert may_be_same_image(declared, live)


@pytest.mark.parametrize(
    ("declared", "live"),
    [
        ("agent:1", "docker.io/library/agent:2"),
        ("agent:1", "docker.io/team/agent:1"),
        ("agent:1", "quay.io/library/agent:1"),
        ("registry.example.com/agent:5000", "registry.example.com:5000/agent"),
        ("registry.example.com/agent:1", f"registry.example.com/agent:2@{ONE}"),
        (f"registry.example.com/agent@{ONE}", "registry.example.com/agent:1"),
        (f"registry.example.com/agent@{ONE}", f"registry.example.com/agent@{OTHER}"),
    ],
)
def test_other_references_are_other_images(declared: str, live: str) -> None:
    assert not same_scalar(declared, live, IMAGE)
    assert not may_be_same_image(declared, live)
