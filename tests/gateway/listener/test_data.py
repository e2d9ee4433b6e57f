"""The end of a mail is found wherever the network cuts it, and its bytes are those that were sent."""

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.listener.data import Incoming
from gateway.listener.limits import Budget
from gateway.listener.replies import MAIL_TOO_LARGE

pytestmark = pytest.mark.hypothesis

DOT = b"\r\n.\r\n"
PIECES = st.lists(st.sampled_from([b"a", b".", b"\r\n", b"..", b"\r\n.", b"x" * 40]), max_size=60).map(b"".join)


def fed(incoming: Incoming, whole: bytes, cuts: list[int]) -> tuple[int, bytes]:
    """How much was sent until the mail was whole, and what stands behind its dot."""
    edges = sorted({0, len(whole), *(cut for cut in cuts if cut < len(whole))})
    for start, end in pairwise(edges):
        behind = incoming.take(bytearray(whole[start:end]))
        if behind is not None:
            return end, bytes(behind)
    raise AssertionError("the mail does not end")


@given(PIECES, st.lists(st.integers(0, 400)), st.sampled_from([0, 1, 20]))
@example(b"x" * 30 + b"a.", [30, 34, 35], 20)  # of a mail that is refused the last octets are kept, a dot among them
@example(b"a." * 40, [], 0)
@example((b"." * 19) + b"\r\n.a", [], 0)
@example(b"", [1, 2], 0)
def test_the_first_dot_alone_on_a_line_ends_a_mail(text: bytes, cuts: list[int], largest: int) -> None:
    """However it comes, whatever stands before it, and also when the mail is too large to be taken."""
    whole = text + DOT + b"QUIT\r\n"
    end = (b"\r\n" + whole).find(DOT) + len(DOT) - 2
    incoming = Incoming(largest, Budget(0))
    sent, behind = fed(incoming, whole, cuts)
    assert sent - len(behind) == end
    assert behind == whole[end:sent]
    if largest and end - 3 > largest:
        assert incoming.content() is MAIL_TOO_LARGE
    else:
        lines = whole[: end - 3].split(b"\r\n")
        assert incoming.content() == b"\r\n".join(line.removeprefix(b".") for line in lines)
