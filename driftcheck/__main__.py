"""The entry of the process."""

from __future__ import annotations

import gc
import sys

if __name__ == "__main__" and not sys.flags.safe_path:
    # `python -m` puts the current folder first, where a tree under check could hold a yaml.py (FAULTS R3).
    del sys.path[0]


def run() -> None:
    """Run the command line and end the process with the contract's exit status.

    The garbage collector looks for circles seldom: values are made by the million, and hold none (docs/benchmarks.md).
    """
    gc.set_threshold(50_000, 50, 1_000)
    try:
        from driftcheck.cli.main import main

        status = main(sys.argv[1:])
    except KeyboardInterrupt:
        status = 130
    except ImportError as error:
        sys.stderr.write(f"error: driftcheck is not installed as it should be: {error.name} can't be imported.\n")
        status = 4
    sys.exit(status)


if __name__ == "__main__":
    run()
