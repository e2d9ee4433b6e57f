"""The program `gateway`, also `python -m gateway`."""

import sys


def main() -> int:
    """Run the command of the command line; returns its exit status."""
    from gateway.cli.ending import run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
