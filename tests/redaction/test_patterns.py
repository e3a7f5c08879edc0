"""What counts as a credential: known forms alone, at a cost that doubles with the text."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftcheck.redaction.patterns import holds_credential, is_secret, masks, secrets_among

CREDENTIALS = [
    "lsv2_sk_0123456789abcdef0123456789abcdef_0123456789",
    "lsv2_pt_0123456789abcdef0123456789abcdef_0123456789",
    "sk-" + "a1B2" * 12,
    "sk-ant-api03-abc_DEF-123456789",
    "sk-proj-abc_DEF-123456789",
    "sk-" + "0123abcd" * 4,
    "sk-or-v1-" + "0123abcd" * 8,
    "sk-lf-01234567-89ab-cdef-0123-456789abcdef",
    "sk_" + "live_0123456789abcdef",
    "ghp_" + "a1B2" * 9,
    "github_pat_" + "a1B2_" * 9,
    "glpat-" + "a1B2" * 5,
    "AKIA" + "A1B2" * 4,
    "xoxb-" + "123456789012-abcdef",
    "AIza" + "a1B2_" * 7,
    "hf_" + "a1B2" * 9,
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJlMTIz",
    "-----BEGIN PRIVATE KEY-----",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIE",
    "postgres://agent:hunter2@db.internal/agent",
    "https://:token@git.example.com/repo.git",
    "redis://default:p%40ss@redis:6379/0",
    "postgres://agent:p@ss@db/agent",
    "//agent:hunter2@db.internal/agent",
]

INNOCENT = [
    "",
    "https://github.com/acme-ai/support-agent",
    "https://git@example.com:8443/repo.git",
    "registry.example.com:5000/sk-learn-model-server-image:1.2",
    "registry.example.com/agents/task-runner-for-documents:1.14.2",
    "ghp_short",
    "AKIA",
    "lsv2_",
    "the sk- prefix of a key",
    "sk-live-chat-bot",
    "sk-test-harness-for-claims-and-billing",
    "sk-proj-alpha-support-agent-production",
    "sk-admin-portal-assistant-staging-eu",
    "sk-ant-colony-optimizer-service",
    "sk-or-v1-router-of-all-the-requests",
    "registry.example.com/agents/sk-live-chat-bot:1.0",
    "registry.example.com/tvly-search-proxy-agent:2",
    "glpat-rotation-reminder-service-prod",
    "tvly-search-agent-for-support",
    "xai-explanationsforunderwriters",
    "xoxb-and-other-slack-apps-explained",
    "xapp-1-slack-integration-agent",
    "gsk_competitive_intelligence_agent",
    "hf_inference_endpoint_of_the_claims_team",
    "ghp_0123456789",
    "a//b:c@d",
    "registry.example.com//agents:1@sha256:9b1c7e0d5a2f4c3b",
    "//registry.example.com:5000/agents@sha256:9b1c7e0d5a2f4c3b",
    "//agent:$(DB_PASSWORD)@db/agent",
    "// agent:hunter2@db",
    "//db:5432/agent",
    "postgres://agent:$(DB_PASSWORD)@db/agent",
    "postgres://agent:${DB_PASSWORD}@db/agent",
    "postgres://agent:***@db/agent",
    "postgres://agent:<password>@db/agent",
    "-----BEGIN CERTIFICATE-----",
    "-----BEGIN PUBLIC KEY-----",
    "eyJ",
    "4c9f1b7a0d3e5f62718293a4b5c6d7e8f9012345",
    "sha256:9b1c7e0d5a2f4c3b8e7d6a5f4c3b2a1908f7e6d5c4b3a29180716253443526170",
]


@pytest.mark.parametrize("text", CREDENTIALS)
def test_known_forms_are_credentials(text: str) -> None:
    assert holds_credential(text)


@pytest.mark.parametrize("text", INNOCENT)
def test_ordinary_texts_are_not_credentials(text: str) -> None:
    assert not holds_credential(text)


@given(st.sampled_from(CREDENTIALS), st.sampled_from(["", " ", "\n", "key=", '"', "--token="]), st.text())
def test_a_credential_is_found_at_any_position(credential: str, before: str, after: str) -> None:
    assert holds_credential(f"{before}{credential} {after}")


@pytest.mark.parametrize(
    "piece",
    [
        "sk-",
        "sk-ant ",
        "eyJ",
        "eyJ-",
        "eyJaaaaaaaa.!",
        "://",
        "://a:",
        "://a:b",
        "//",
        "//a:",
        " //a:b",
        "SG.",
        "-----BEGIN A A A ",
        "xox",
        "pcsk_a_",
        "sk-ant-",
        "glpat-a",
        "?a_",
        "?api_key",
        "&x-amz-a",
    ],
)
def test_Y21_time_is_linear_in_the_text(piece: str) -> None:
    def seconds(size: int) -> float:
        text = piece * (size // len(piece))
        best = min(_timed(text) for _ in range(3))
        assert not is_secret(text)
        return best

    assert seconds(100_000) < 10 * seconds(25_000) + 0.1  # quadratic, it would take minutes


def _timed(text: str) -> float:
    start = time.process_time()
    is_secret(text)
    return time.process_time() - start


@pytest.mark.parametrize(
    "text", ["//u:p@h/x", "x=//u:p@h", 'say "//u:p@h"', "//u:$(PASSWORD)@h", "//:p@h", "https://u@h"]
)
def test_K6_a_user_part_is_secret_with_a_scheme_and_without(text: str) -> None:
    assert is_secret(text)


@pytest.mark.parametrize(
    "text", ["a//b@c", "//b@c", "a//b:c@d", "i//agents:1@sha256:9b", "//h:80/a@b", "http://h//a:b@c"]
)
def test_a_path_with_two_slashes_is_not_a_user_part(text: str) -> None:
    assert not is_secret(text)


@pytest.mark.parametrize(
    "query",
    [
        *("?token=abc", "?a=1&key=abc", "?sig=abc%3D", "?signature=abc", "?X-Amz-Signature=ab", "?x-amz-credential=ab"),
        *("?password=abc", "?api_key=abc", "?apikey=abc", "?access_token=a", "#access_token=a", "?client_secret=a"),
        *(
            "?sv=2022&se=2030&sig=abc",
            "?AWSAccessKeyId=abc",
            "?X-Goog-Signature=abc",
            "?auth=abc",
            "?a=1&amp;token=abc",
        ),
        *("?refresh-token=abc", "?Token=abc", "?subscription-key=abc", "?pwd=abc"),
    ],
)
def test_K6_a_credential_like_parameter_of_a_url_is_secret(query: str) -> None:
    assert is_secret(f"https://agents.example.com/path{query}")
    assert secrets_among(["x", f"--url=//h/{query}&b=1"]) == {f"--url=//h/{query}&b=1"}
    name = query.rpartition("=")[0]
    assert not is_secret(f"https://agents.example.com/path{name}=$(NAME)")
    assert not is_secret(f"https://agents.example.com/path{name}=&b=1")


@pytest.mark.parametrize(
    "text",
    [
        *(
            "https://h/?page=2&sort=name",
            "https://h/?tokenizer=x",
            "https://h/?monkey=x",
            "token=abc",
            "https://h/token/x",
        ),
        *("https://h/?signed=true", "https://h/?design=1", "https://h/?keyword=x", "https://h/?token"),
    ],
)
def test_other_parameters_are_shown(text: str) -> None:
    assert not is_secret(text)


@given(st.lists(st.sampled_from([*CREDENTIALS, *INNOCENT, "https://u@h", "//", "a@b", "task-runner"]) | st.text()))
def test_secrets_among_many_are_those_that_are_secret_alone(texts: list[str]) -> None:
    assert secrets_among(texts) == {text for text in texts if is_secret(text)}


def test_every_mask_is_unique_and_not_in_the_text() -> None:
    assert masks(["b", "a"], ()) == {"a": "[redacted]", "b": "[redacted 2]"}
    assert masks(["a", "b"], {"[redacted]", "[redacted 3]"}) == {"a": "[redacted 2]", "b": "[redacted 4]"}
