"""The entry of the process."""

from __future__ import annotations

import gc
import os
import sys
from typing import Any, Final, NoReturn

if __name__ == "__main__" and not sys.flags.safe_path:
    # `python -m` puts the current folder first, where a tree under check could hold a yaml.py (FAULTS R3).
    del sys.path[0]


NOT_NEEDED: Final = (
    "brotli",
    "brotlicffi",
    "numpy",
    "pandas",
    "polars",
    "pydantic",
    "pygments",
    "rich",
    "trio",
    "zstandard",
)
"""What libraries of ours load wherever it is installed, for uses that are not ours: it takes longer than the rest."""


def run() -> NoReturn:
    """Run the command line and end the process with the contract's exit status.

    Values are made by the million and hold no circles: the garbage collector looks for some but seldom, and at the
    end, when both streams were flushed, nothing is taken apart (docs/benchmarks.md).
    """
    gc.set_threshold(500_000, 50, 1_000)
    modules: dict[str, Any] = sys.modules
    modules.update(dict.fromkeys(NOT_NEEDED))  # None stands for what can't be imported
    try:
        from driftcheck.cli.main import main
    except KeyboardInterrupt:
        sys.exit(130)
    except ImportError as error:
        sys.stderr.write(f"error: driftcheck is not installed as it should be: {error.name} can't be imported.\n")
        sys.exit(4)
    try:
        status = main(sys.argv[1:])
    except KeyboardInterrupt:
        status = 130
    os._exit(status)


if __name__ == "__main__":
    run()
