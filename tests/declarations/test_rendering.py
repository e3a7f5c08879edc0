"""Rendered declarations: they load to what was rendered, say where values are set, and hold no secret."""

from __future__ import annotations

from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from driftcheck.declarations import loader
from driftcheck.declarations.discovery import SourceText
from driftcheck.declarations.rendering import render
from tests.declarations.test_overlays import BASE, LAYERS, OVERLAY, declare, entry_of


@given(LAYERS, st.lists(LAYERS, max_size=3), st.sampled_from(["", "-staging"]), st.booleans())
def test_what_is_rendered_loads_to_equal_deployments(
    base: dict[str, Any],
    overlays: list[dict[str, Any]],
    suffix: str,
    origins: bool,
) -> None:
    texts = [yaml.safe_dump({"deployments": [entry_of(base)]})]
    texts += [yaml.safe_dump({"overlay": [{"name": "agent", **over}]}) for over in overlays]
    declared = declare(*texts, suffix=suffix)
    text = render(declared.deployments, origins=origins)
    again = loader.declare([SourceText("rendered.yaml", text.encode())])
    assert again.deployments == declared.deployments


def test_every_value_names_the_line_that_sets_it() -> None:
    lines = render(declare(BASE, OVERLAY).deployments).splitlines()
    assert lines[1] == "  - name: agent  # 1.yaml:2"
    assert "        min_scale: 1  # 1.yaml:5" in lines
    assert "        max_scale: 6  # 0.yaml:9" in lines
    assert "            image: example.com/otel:2  # 1.yaml:9" in lines


def test_values_that_may_be_secret_are_masked() -> None:
    secret = 'env: [{name: X, value: "hunter2-canary"}]'
    declared = declare(BASE.replace('image: "example.com/otel:1"', f'image: "example.com/otel:1", {secret}'))
    assert "canary" in str(declared.deployments[0].value)
    assert "canary" not in render(declared.deployments)


def test_credentials_are_masked_in_keys_and_in_parameters_of_urls() -> None:
    token = "ghp_" + "a1B2" * 9
    entry = f"""deployments:
- name: one
  source_config:
    resource_spec:
      labels: {{{token}: x, address: "https://example.com/?token=hunter2-canary"}}
"""
    text = render(declare(entry).deployments)
    assert "labels:" in text
    assert token not in text
    assert "canary" not in text


def test_no_deployments_are_rendered_as_an_empty_list() -> None:
    assert render([]) == "deployments: []\n"
