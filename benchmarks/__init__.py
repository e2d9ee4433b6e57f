"""What the gateway can do, measured beside Postfix in the same run: ratios, never a limit on time.

A shared machine is twice as fast at one minute as at the next, so each round measures both, one after the
other, and what counts is the ratio of the medians. No test asserts any of it.
"""

import sys
from pathlib import Path

# The peers (a private Postfix, a PostgreSQL, a gateway in a folder) are those of the tests.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
