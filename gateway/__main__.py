"""The program `gateway`, also `python -m gateway`."""

import os
import sys


def main() -> int:
    """Run the command of the command line; returns its exit status."""
    # pydantic would open every installed package to look for plugins of its own, and we want none.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    from gateway.cli.ending import run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
