"""The page of replies for operators: all of them, and nothing that is not said."""

import re
from pathlib import Path

from gateway.listener.replies import TABLE, accepted_as

PAGE = Path(__file__).parents[3] / "docs" / "replies.md"


def test_page_has_every_reply_and_no_other():
    """Each reply of the listener stands there word by word."""
    shown = re.findall(r"`(\d{3} [^`]+)`", PAGE.read_text())
    assert sorted(shown) == sorted({*TABLE, accepted_as("ID").line})


def test_reply_has_the_class_of_its_enhanced_code():
    """RFC 2034 section 4: the first digits agree; only 354 has no enhanced code."""
    assert [line for line in TABLE if not re.match(r"(\d)\d\d \1\.\d\.\d ", line)] == [
        "354 End data with <CR><LF>.<CR><LF>"
    ]
