"""Addresses compare by one form, and nothing that somebody writes as one makes us fall over."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from storage.address import canonical_address, canonical_domain, domain_of

# Every code point, lone surrogates too: header fields and command lines hold them.
ANY_TEXT = st.text(st.characters(), max_size=80)
LOCAL_LIKE = st.text(st.sampled_from('aZ"\\@.+-ßİ()<> \x00\ud800:['), max_size=12)


@pytest.mark.parametrize(
    ("spelling", "canonical"),
    [
        ("ann@example.org", "ann@example.org"),
        ("Ann@Example.ORG", "ann@example.org"),
        ("  ann@example.org\r\n", "ann@example.org"),
        ('"Ann"@example.org', "ann@example.org"),
        ('"an\\n"@example.org', "ann@example.org"),
        ("ann@example.org.", "ann@example.org"),
        ("ann+tag@example.org", "ann+tag@example.org"),
        ("a.n.n@example.org", "a.n.n@example.org"),
        ("ann@münchen.example", "ann@xn--mnchen-3ya.example"),
        ("ann@MÜNCHEN.example", "ann@xn--mnchen-3ya.example"),
        ("ann@XN--MNCHEN-3YA.example", "ann@xn--mnchen-3ya.example"),
        ("STRAẞE@example.org", "strasse@example.org"),
        ("δοκιμή@example.org", "δοκιμή@example.org"),
        ("ann..b.@docomo.example", "ann..b.@docomo.example"),
        ("ann@[192.0.2.1]", "ann@[192.0.2.1]"),
        ('"a@b"@example.org', '"a@b"@example.org'),
        ('"A\\"B"@example.org', '"a\\"b"@example.org'),
        ("o'neil/x=y@example.org", "o'neil/x=y@example.org"),
    ],
)
def test_spellings_of_one_mailbox_have_one_form(spelling: str, canonical: str) -> None:
    """Case, quotes that are not needed, white space around and U-labels do not make another address."""
    assert canonical_address(spelling) == canonical


@pytest.mark.parametrize(
    "garbage",
    [
        "",
        "@",
        "ann",
        "ann@",
        "@example.org",
        '""@example.org',
        "a@b@example.org",
        'a"b@example.org',
        "a b@example.org",
        '"a b"@example.org',
        "ann@exa mple.org",
        "ann@-example.org",
        "ann@example..org",
        "ann@exam_ple.org>",
        "ann@example.org,bob@example.org",
        "ann@example.org\x00",
        "an\x00n@example.org",
        "an\x1bn@example.org",
        "an\udcffn@example.org",
        "ann@\udcff.example",
        "ann@xn--\u0301.example",
        "<ann@example.org>",
        "a" * 310 + "@example.org",
        "ann@" + "a." * 130 + "org",
    ],
)
def test_garbage_is_no_address(garbage: str) -> None:
    """What no server could deliver to, or what would break a header or a database, has no form."""
    assert canonical_address(garbage) is None


@settings(max_examples=300, deadline=None)
@given(ANY_TEXT | st.builds("{}@{}".format, ANY_TEXT | LOCAL_LIKE, ANY_TEXT | st.just("example.org")))
@example("a@\u3002")
@example("ΐ" * 150 + "@example.org")
def test_any_text_has_a_form_that_is_its_own_or_none(text: str) -> None:
    """Garbage never raises; a canonical form is one storable line that is canonical itself."""
    canonical = canonical_address(text)
    if canonical is not None:
        assert canonical_address(canonical) == canonical
        assert len(canonical) <= 320
        assert canonical.encode().isascii() or canonical.rpartition("@")[0]
        assert not set(canonical) & set("\x00\r\n <>,;")
        assert domain_of(canonical).isascii()


@settings(max_examples=200, deadline=None)
@given(ANY_TEXT)
def test_any_text_as_a_domain_has_a_form_or_none(text: str) -> None:
    """Garbage as a domain never raises either."""
    domain = canonical_domain(text)
    assert domain is None or canonical_domain(domain) == domain
