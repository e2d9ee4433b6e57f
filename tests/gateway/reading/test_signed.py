"""The canonical forms of a body are those of dkimpy, made in linear time."""

from dkim.canonicalization import Relaxed, Simple
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.reading.signed import relaxed, take_apart, without_empty_end

PIECES = st.lists(st.sampled_from([b" ", b"\t", b"\r\n", b"\r", b"a", b"\n\r\n", b"b c"]), max_size=12).map(b"".join)


@settings(deadline=None)
@given(PIECES)
def test_both_forms_are_those_of_dkimpy(body: bytes) -> None:
    """For every body that ends with a line end, as each one does that came by SMTP."""
    body += b"\r\n"
    assert relaxed(body) == Relaxed.canonicalize_body(body)
    assert without_empty_end(body) == Simple.canonicalize_body(body)


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_taken_apart(raw: bytes) -> None:
    """A header that is none is malformed, not an error."""
    mail = take_apart(raw)
    assert mail.is_malformed or all(value.endswith(b"\r\n") for _, value in mail.fields)


def test_header_is_malformed_when_the_mail_begins_with_an_empty_line() -> None:
    """No signature of such a mail can be judged."""
    assert take_apart(b"\r\nFrom: a\r\n\r\nx").is_malformed


def test_line_ends_are_mended_when_a_signed_body_has_bare_ones() -> None:
    """A bare LF counts as a line end for every verifier."""
    assert take_apart(b"From: a\nDKIM-Signature: x\n\none\ntwo\n").body == b"one\r\ntwo\r\n"
