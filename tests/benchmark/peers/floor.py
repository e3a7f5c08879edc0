"""The floor: YAML to values, JSON to values, ==; no positions, no validation, no report, no garbage collector.

Nothing that reads PyYAML's events in Python and compares can be much faster. It is not a tool: scalars are
distinguished by a memo and little else, and a null that only one side has makes a pair differ.
"""

from __future__ import annotations

import gc
import json
import sys
from pathlib import Path
from typing import Any

from yaml._yaml import CParser
from yaml.events import (
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    StreamEndEvent,
)

_MEANINGS: dict[str, Any] = {"": None, "null": None, "~": None, "true": True, "false": False}


def plain(text: str) -> Any:
    """Return the meaning of an unquoted scalar, and remember it."""
    value: Any = text
    if text[0] in "+-.0123456789":
        for read in (int, float):
            try:
                value = read(text)
                break
            except ValueError:
                pass
    _MEANINGS[text] = value
    return value


def read(next_event: Any, event: Any, known: dict[str, Any] = _MEANINGS) -> Any:
    """Return the value that begins with an event."""
    kind = event.__class__
    if kind is ScalarEvent:
        text = event.value
        return text if event.style else known[text] if text in known else plain(text)
    if kind is MappingStartEvent:
        mapping = {}
        while (event := next_event()).__class__ is not MappingEndEvent:
            key = event.value
            event = next_event()
            if event.__class__ is ScalarEvent:
                text = event.value
                mapping[key] = text if event.style else known[text] if text in known else plain(text)
            else:
                mapping[key] = read(next_event, event)
        return mapping
    entries = []
    while (event := next_event()).__class__ is not SequenceEndEvent:
        entries.append(read(next_event, event))
    return entries


def main(live_file: str, folder: str) -> None:
    """Write how many declared deployments equal the live ones."""
    gc.disable()
    declared = []
    for file in sorted(Path(folder).iterdir()):
        next_event = CParser(file.read_bytes()).get_event
        while (event := next_event()).__class__ is not StreamEndEvent:
            if event.__class__ is DocumentStartEvent:
                declared += read(next_event, next_event())["deployments"]
    pages = json.loads(Path(live_file).read_bytes())
    live = {deployment["name"]: deployment for page in pages for deployment in page["resources"]}
    equal = 0
    for deployment in declared:
        seen = live[deployment["name"]]
        for key, value in deployment.items():
            if seen[key] != value:
                break
        else:
            equal += 1
    sys.stdout.write(f"{equal} of {len(declared)} equal\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
