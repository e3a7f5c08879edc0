"""The script that one would write first: yaml.safe_load, jsonschema.validate, DeepDiff of every pair."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import jsonschema
import yaml
from deepdiff import DeepDiff


def main(schema_file: str, live_file: str, folder: str) -> None:
    """Print what differs between declared and live."""
    schema = json.loads(Path(schema_file).read_text())
    live = {d["name"]: d for page in json.loads(Path(live_file).read_text()) for d in page["resources"]}
    for file in sorted(Path(folder).iterdir()):
        document = yaml.safe_load(file.read_text())
        jsonschema.validate(document, schema)
        for declared in document["deployments"]:
            found = DeepDiff(declared, {key: live[declared["name"]][key] for key in declared})
            sys.stdout.write(f"{declared['name']}: {found.pretty()}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
