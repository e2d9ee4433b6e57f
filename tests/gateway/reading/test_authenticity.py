"""Who really wrote a mail: every case by which a forger could win, and the ways on which honest mail is changed."""

from datetime import UTC, datetime, timedelta

import pytest
from fakes.signing import SIGNED, edwards_record, key_record, key_zone, seal, short_record, sign, sign_with_edwards
from hypothesis import given, settings
from hypothesis import strategies as st
from peers.dns import Zone

from gateway.reading.answers import NO_NAME, NOTHING, TROUBLE, Answer, Question
from gateway.reading.authenticity import Authentication, Envelope, Identity, Trust, assess, examine, inquire

AT = datetime.now(UTC)
FORWARDER = Envelope("192.0.2.99", "mx.forwarder.example", "bounce@forwarder.example")
DIRECT = Envelope("192.0.2.7", "mail.customer.example", "carla@customer.example")
MAIL = (
    b"From: Carla <carla@customer.example>\r\nTo: support@company.example\r\nSubject: Printer\r\n"
    b"Message-ID: <1@customer.example>\r\nContent-Type: text/plain\r\n\r\nIt  smokes. \r\n\r\n"
)
REJECT: Zone = {"_dmarc.customer.example": {"TXT": ["v=DMARC1; p=reject"]}}
SENDS: Zone = {"customer.example": {"TXT": ["v=spf1 ip4:192.0.2.7 -all"]}}
CUSTOMER = key_zone("customer.example")


def judge(
    raw: bytes,
    *zones: Zone,
    envelope: Envelope = FORWARDER,
    author: str = "customer.example",
    silent: str = "-",
    sealers: tuple[str, ...] = (),
) -> Authentication:
    """The word on a mail where these zones are all of DNS; names that contain `silent` get no answer."""
    zone = {name: types for one in zones for name, types in one.items()}
    evidence = examine(raw, envelope, author, AT)
    known: dict[Question, Answer] = {}
    for _ in range(30):
        inquiry = inquire(evidence, known)
        if not inquiry.questions:
            break
        for question in inquiry.questions:
            values = tuple(zone.get(question.name, {}).get(question.type, ()))
            is_there = any(f".{name}".endswith(f".{question.name}") for name in zone)
            nothing = NOTHING if is_there else NO_NAME
            known[question] = TROUBLE if silent in question.name else Answer(values) if values else nothing
    return assess(evidence, inquire(evidence, known), known, Trust("mx.desk.example", frozenset(sealers)))


@pytest.mark.parametrize("simple", [False, True])
def test_a_signature_of_the_authors_domain_verifies_a_forwarded_mail(simple: bool) -> None:
    """SPF fails under forwarding, as always; the aligned signature alone proves the author."""
    spf = {"forwarder.example": {"TXT": ["v=spf1 -all"]}}
    result = judge(sign(MAIL, "customer.example", simple=simple), CUSTOMER, REJECT, spf)
    assert result.as_words() == {"spf": "fail", "dkim": "pass", "dmarc": "pass", "arc": "none", "identity": "verified"}


def test_a_signature_verifies_without_any_dmarc_record() -> None:
    """The domain in From and the one that signed are the same: that is proof enough."""
    result = judge(sign(MAIL, "customer.example"), CUSTOMER)
    assert (result.dkim, result.dmarc, result.identity) == ("pass", "none", Identity.VERIFIED)


def test_a_footer_added_on_the_way_leaves_the_author_unknown() -> None:
    """The header is still signed by the author's domain; only the body is not: that is no forger's work."""
    result = judge(sign(MAIL, "customer.example") + b"-- \r\nSent over our list\r\n", CUSTOMER, REJECT)
    assert (result.dkim, result.dmarc, result.identity) == ("fail", "fail", Identity.UNKNOWN)


def test_a_forged_mail_of_a_domain_that_asks_to_reject_it_has_failed() -> None:
    """Nothing signed by the domain, not sent by it, and its policy is reject."""
    result = judge(MAIL, REJECT)
    assert (result.dmarc, result.identity) == ("fail", Identity.FAILED)
    assert "reject" in result.reason


def test_a_forged_mail_of_a_domain_without_a_policy_is_unknown() -> None:
    """SPF fail alone never makes a mail fail."""
    result = judge(MAIL, {"customer.example": {"TXT": ["v=spf1 -all"]}}, envelope=DIRECT)
    assert (result.spf, result.identity) == ("fail", Identity.UNKNOWN)


def test_a_signature_of_another_domain_proves_nothing() -> None:
    """Anybody can sign what he likes with his own key."""
    raw = sign(MAIL, "evil.example")
    assert judge(raw, key_zone("evil.example")).identity is Identity.UNKNOWN
    assert judge(raw, key_zone("evil.example"), REJECT).identity is Identity.FAILED


def test_a_mail_sent_by_the_domains_own_server_is_verified_by_dmarc() -> None:
    """SPF passes, aligned with From, and the domain has a DMARC record."""
    result = judge(MAIL, SENDS, REJECT, envelope=DIRECT)
    assert (result.spf, result.dmarc, result.identity) == ("pass", "pass", Identity.VERIFIED)


def test_a_mail_sent_by_the_domains_own_server_without_dmarc_is_likely() -> None:
    """SPF alone is a good sign and no proof."""
    assert judge(MAIL, SENDS, envelope=DIRECT).identity is Identity.LIKELY


def test_a_subdomain_signs_for_its_organization() -> None:
    """Relaxed alignment: the DMARC record stands at the organization (RFC 9989 section 4.10)."""
    raw = sign(MAIL, "mail.customer.example")
    result = judge(raw, key_zone("mail.customer.example"), REJECT)
    assert (result.dmarc, result.identity) == ("pass", Identity.VERIFIED)


def test_strict_alignment_is_respected() -> None:
    """The domain wants its own name in signatures and nothing else."""
    strict: Zone = {"_dmarc.customer.example": {"TXT": ["v=DMARC1; p=reject; adkim=s"]}}
    raw = sign(MAIL, "mail.customer.example")
    assert judge(raw, key_zone("mail.customer.example"), strict).identity is Identity.FAILED


def test_a_subdomain_without_any_record_is_likely() -> None:
    """The same family, but nobody says where the organization ends."""
    raw = sign(MAIL, "mail.customer.example")
    assert judge(raw, key_zone("mail.customer.example")).identity is Identity.LIKELY


def test_domains_under_a_public_suffix_are_strangers() -> None:
    """A record with psd=y ends the walk: its children are different organizations."""
    suffix: Zone = {"_dmarc.co.example": {"TXT": ["v=DMARC1; p=none; psd=y"]}}
    raw = sign(MAIL.replace(b"@customer.example>\r\nTo", b"@customer.co.example>\r\nTo"), "evil.co.example")
    result = judge(raw, key_zone("evil.co.example"), suffix, author="customer.co.example")
    assert result.identity is Identity.UNKNOWN


def test_an_organization_that_ends_below_is_no_family_of_its_parent() -> None:
    """A record with psd=n makes a domain an organization of its own."""
    zones: Zone = {
        "_dmarc.customer.example": {"TXT": ["v=DMARC1; p=reject"]},
        "_dmarc.tenant.customer.example": {"TXT": ["v=DMARC1; p=none; psd=n"]},
    }
    raw = sign(MAIL, "tenant.customer.example")
    assert judge(raw, key_zone("tenant.customer.example"), zones).dmarc == "fail"


def test_the_policy_for_subdomains_counts_below_the_organization() -> None:
    """`sp` stands for subdomains that have no record of their own; one that is only tested counts less."""
    raw = MAIL.replace(b"carla@customer.example", b"carla@news.customer.example")
    none: Zone = {"_dmarc.customer.example": {"TXT": ["v=DMARC1; p=reject; sp=none"]}}
    tested: Zone = {"_dmarc.customer.example": {"TXT": ["v=DMARC1; p=quarantine; t=y"]}}
    assert judge(raw, none, author="news.customer.example").identity is Identity.UNKNOWN
    assert judge(raw, tested, author="news.customer.example").identity is Identity.UNKNOWN
    assert judge(raw, REJECT, author="news.customer.example").identity is Identity.FAILED


def test_another_policy_counts_when_the_subdomain_does_not_exist() -> None:
    """`np` stands for subdomains that DNS does not know at all: who writes in their name is no service forgotten."""
    raw = MAIL.replace(b"carla@customer.example", b"carla@news.customer.example")
    strict: Zone = {"_dmarc.customer.example": {"TXT": ["v=DMARC1; p=none; sp=none; np=reject"]}}
    there: Zone = {"news.customer.example": {"MX": ["10 mx.customer.example"]}}
    assert judge(raw, strict, author="news.customer.example").identity is Identity.FAILED
    assert judge(raw, strict, there, author="news.customer.example").identity is Identity.UNKNOWN
    assert judge(raw, strict, author="news.customer.example", silent="news").identity is Identity.UNKNOWN
    odd: Zone = {"_dmarc.customer.example": {"TXT": ["v=DMARC1; p=reject; sp=none; np=maybe"]}}
    assert judge(raw, odd, author="news.customer.example").identity is Identity.UNKNOWN


def test_two_dmarc_records_are_none() -> None:
    """Which of them is meant nobody knows."""
    zone: Zone = {"_dmarc.customer.example": {"TXT": ["v=DMARC1; p=reject", "v=DMARC1; p=none"]}}
    assert judge(MAIL, zone).dmarc == "none"


# What never counts.


def test_a_signature_for_a_part_of_the_body_does_not_count() -> None:
    """With l= anybody may append what he likes."""
    raw = sign(MAIL, "customer.example", length=True) + b"<h1>Pay here</h1>\r\n"
    result = judge(raw, CUSTOMER, REJECT)
    assert (result.dkim, result.identity) == ("none", Identity.FAILED)
    assert any("octets of the body" in why for _, why in result.details)


def test_a_signature_for_the_length_of_the_whole_body_counts() -> None:
    """Nothing was appended: l= does no harm."""
    assert judge(sign(MAIL, "customer.example", length=True), CUSTOMER).identity is Identity.VERIFIED


@pytest.mark.parametrize(
    ("fields", "flaw"), [([b"from", b"to"], "Subject"), ([b"from", b"from", b"subject", b"subject"], "")]
)
def test_a_signature_that_leaves_the_subject_open_does_not_count(fields: list[bytes], flaw: str) -> None:
    """From and Subject are what people read."""
    result = judge(sign(MAIL, "customer.example", fields=fields), CUSTOMER)
    assert (result.dkim == "pass") is not bool(flaw)
    assert not flaw or any(flaw in why for _, why in result.details)


def test_an_expired_signature_does_not_count() -> None:
    """Its author said how long it may be used."""
    old = sign(MAIL, "customer.example", expires=AT - timedelta(minutes=5))
    young = sign(MAIL, "customer.example", expires=AT + timedelta(minutes=5))
    assert judge(old, CUSTOMER).dkim == "none"
    assert judge(young, CUSTOMER).identity is Identity.VERIFIED


@pytest.mark.parametrize("name", [b"From: boss@company.example", b"Subject: Pay", b"Content-Type: text/html"])
def test_a_second_field_that_people_would_see_makes_every_signature_void(name: bytes) -> None:
    """Verifiers read the lower one, mail programs the upper one."""
    result = judge(name + b"\r\n" + sign(MAIL, "customer.example"), CUSTOMER)
    assert (result.dkim, result.identity) == ("none", Identity.UNKNOWN)


def test_two_authors_in_one_field_are_not_proven() -> None:
    """Which of them a program shows is chance."""
    raw = MAIL.replace(b"From: Carla", b"From: boss@company.example, Carla")
    assert judge(sign(raw, "customer.example"), CUSTOMER).identity is Identity.UNKNOWN


def test_a_revoked_key_is_an_error() -> None:
    """An empty p= says that the key may not be used any more (RFC 6376 section 3.6.1)."""
    zone: Zone = {"s._domainkey.customer.example": {"TXT": ["v=DKIM1; p="]}}
    assert judge(sign(MAIL, "customer.example"), zone).dkim == "permerror"


def test_an_edwards_key_verifies() -> None:
    """RFC 8463: short keys of the newer kind, which some providers use beside RSA."""
    zone: Zone = {"s._domainkey.customer.example": {"TXT": [edwards_record()]}}
    assert judge(sign_with_edwards(MAIL, "customer.example"), zone).identity is Identity.VERIFIED
    changed = sign_with_edwards(MAIL, "customer.example").replace(b"Printer", b"Pay me")
    assert judge(changed, zone).dkim == "fail"


def test_a_short_key_is_an_error() -> None:
    """RSA keys below 1024 bits can be computed by anybody (RFC 8301 section 3.2)."""
    zone: Zone = {"s._domainkey.customer.example": {"TXT": [short_record()]}}
    assert judge(sign(MAIL, "customer.example"), zone).dkim == "permerror"


def test_a_missing_key_is_an_error() -> None:
    """The domain does not know this key."""
    assert judge(sign(MAIL, "customer.example")).dkim == "permerror"


def test_of_several_records_the_one_with_a_key_is_taken() -> None:
    """Other services leave their records under the same name."""
    zone: Zone = {"s._domainkey.customer.example": {"TXT": ["site-verification=1", key_record("customer.example")]}}
    assert judge(sign(MAIL, "customer.example"), zone).dkim == "pass"


def test_a_key_of_another_is_a_failure() -> None:
    """The signature was not made with the key that the domain has published."""
    zone: Zone = {"s._domainkey.customer.example": {"TXT": [key_record("evil.example")]}}
    assert judge(sign(MAIL, "customer.example"), zone, REJECT).identity is Identity.FAILED


# DNS that does not answer.


@pytest.mark.parametrize("silent", ["_domainkey", "_dmarc", "example"])
def test_silence_is_never_a_failure(silent: str) -> None:
    """A temporary error is said as such, and the word is unknown at worst."""
    result = judge(sign(MAIL, "customer.example"), CUSTOMER, REJECT, silent=silent)
    assert result.identity in (Identity.UNKNOWN, Identity.VERIFIED)
    assert "temperror" in (result.spf, result.dkim, result.dmarc)


# Sealers.

PROVEN = "dkim=pass (2048-bit key) header.d=customer.example; dmarc=pass (p=REJECT) header.from=customer.example"
CHANGED = b"\r\n-- \r\nfooter\r\n"


def test_a_trusted_sealer_vouches_for_a_changed_mail() -> None:
    """He saw the proof before the mail was changed."""
    sealed = seal(sign(MAIL, "customer.example") + CHANGED, "relay.example", PROVEN)
    zones = (CUSTOMER, key_zone("relay.example"), REJECT)
    result = judge(sealed, *zones, sealers=("relay.example",))
    assert (result.arc, result.dkim, result.identity) == ("pass", "fail", Identity.VERIFIED)
    assert judge(sealed, *zones).identity is Identity.UNKNOWN


def test_a_sealer_whom_nobody_trusts_is_ignored() -> None:
    """His chain holds, and his words are worth nothing."""
    sealed = seal(MAIL, "evil.example", PROVEN)
    result = judge(sealed, key_zone("evil.example"), REJECT, sealers=("relay.example",))
    assert (result.arc, result.identity) == ("pass", Identity.FAILED)


def test_a_stranger_who_seals_last_voids_what_stands_before() -> None:
    """He may have changed everything, and sealed it."""
    sealed = seal(
        seal(MAIL, "relay.example", PROVEN), "evil.example", "arc=pass; dmarc=fail header.from=customer.example"
    )
    zones = (key_zone("relay.example", "evil.example"), REJECT)
    assert judge(sealed, *zones, sealers=("relay.example",)).identity is Identity.FAILED


def test_a_changed_sealed_mail_fails() -> None:
    """The newest signature of the chain must hold."""
    sealed = seal(MAIL, "relay.example", PROVEN) + b"more\r\n"
    result = judge(sealed, key_zone("relay.example"), sealers=("relay.example",))
    assert (result.arc, result.identity) == ("fail", Identity.UNKNOWN)


@pytest.mark.parametrize(
    "results",
    [
        "dmarc=fail header.from=customer.example",
        "dmarc=pass header.from=evil.example",
        "dmarc=fail header.from=evil.example (a comment; dmarc=pass header.from=customer.example)",
        'spf=pass smtp.mailfrom="a;dmarc=pass header.from=customer.example;"@evil.example; dmarc=fail',
        "dmarc=fail header.from=x; dmarc=pass header.from=customer.example",
    ],
)
def test_a_trusted_sealer_who_saw_no_proof_does_not_vouch(results: str) -> None:
    """What a stranger smuggles into comments, quotes or a second result is not his word."""
    sealed = seal(MAIL, "relay.example", results)
    result = judge(sealed, key_zone("relay.example"), REJECT, sealers=("relay.example",))
    assert result.identity is not Identity.VERIFIED


# Result fields of others.


def test_a_mail_is_likely_when_a_trusted_domain_signed_it() -> None:
    """The operator's word for a relay; it is no proof. A record with rubbish in it is read as far as it goes."""
    odd: Zone = {"_dmarc.customer.example": {"TXT": ["v=DMARC1; p=none; rubbish; ;"]}}
    result = judge(sign(MAIL, "relay.example"), key_zone("relay.example"), odd, sealers=("relay.example",))
    assert (result.identity, result.is_proven) == (Identity.LIKELY, False)


def test_foreign_result_fields_are_never_read() -> None:
    """Also when they bear our name; the trace tells of it."""
    forged = b"Authentication-Results: mx.desk.example; dmarc=pass header.from=customer.example\r\n" + MAIL
    result = judge(forged, REJECT)
    assert result.identity is Identity.FAILED
    assert any(word == "ignored" and "mx.desk.example" in why for word, why in result.details)


# SPF.


@pytest.mark.parametrize(
    ("record", "result"),
    [
        ("v=spf1 a -all", "pass"),
        ("v=spf1 mx -all", "pass"),
        ("v=spf1 include:other.example -all", "pass"),
        ("v=spf1 redirect=other.example", "pass"),
        ("v=spf1 ~all", "softfail"),
        ("v=spf1 include:customer.example -all", "permerror"),
        ("v=spf1 exp=why.customer.example -all", "fail"),
        ("v=spf1 nonsense", "permerror"),
    ],
)
def test_spf_asks_as_the_record_wants(record: str, result: str) -> None:
    """Mechanisms that need further questions get their answers in further rounds."""
    zone: Zone = {
        "customer.example": {"TXT": [record], "A": ["192.0.2.7"], "MX": ["10 mx.customer.example"]},
        "mx.customer.example": {"A": ["192.0.2.7"]},
        "other.example": {"TXT": ["v=spf1 ip4:192.0.2.0/28 -all"]},
    }
    assert judge(MAIL, zone, envelope=DIRECT).spf == result


def test_spf_of_a_null_reverse_path_asks_the_name_in_helo() -> None:
    """RFC 7208 section 2.4."""
    zone: Zone = {"mail.customer.example": {"TXT": ["v=spf1 ip4:192.0.2.7 -all"]}}
    assert judge(MAIL, zone, envelope=Envelope("192.0.2.7", "mail.customer.example", "")).spf == "pass"


# Hostile bytes.


@settings(deadline=None)
@given(st.binary(max_size=500), st.text(max_size=60), st.text(max_size=60))
def test_any_bytes_have_a_word(raw: bytes, helo: str, path: str) -> None:
    """Whatever the mail and its envelope hold, nothing raises."""
    envelope = Envelope("192.0.2.7", helo, path)
    assert judge(raw, envelope=envelope).identity in Identity
    assert judge(b"DKIM-Signature: v=1; " + raw + b"\r\n" + MAIL, CUSTOMER, envelope=envelope).identity in Identity


SEALED = seal(sign(MAIL, "customer.example"), "relay.example", PROVEN)


@settings(deadline=None)
@given(st.integers(0, len(SEALED)), st.binary(max_size=4))
def test_a_damaged_signed_mail_has_a_word(place: int, octets: bytes) -> None:
    """Neither do a signature or a seal that somebody has damaged."""
    damaged = SEALED[:place] + octets + SEALED[place + 3 :]
    assert judge(damaged, CUSTOMER, key_zone("relay.example"), REJECT).identity in Identity


@pytest.mark.parametrize(
    "value", [b"v=1; h=" + b" " * 90_000 + b"x", b"b=" + b"\r\n " * 30_000, b"h=" + b"a:" * 40_000]
)
def test_a_signature_made_to_cost_time_is_passed_over(value: bytes) -> None:
    """dkimpy's expressions would take minutes for it."""
    assert judge(b"DKIM-Signature: " + value + b"\r\n" + MAIL).dkim == "none"


@pytest.mark.parametrize("octets", [b" ", b"\r\n", b"\t ", b" \r\n"])
def test_a_body_made_to_cost_time_is_hashed_quickly(octets: bytes) -> None:
    """Runs of blanks and of empty lines, of which a regular expression would make an evening."""
    raw = sign(MAIL, "customer.example") + octets * 2_000_000 + b"x\r\n"
    began = datetime.now(UTC)
    assert judge(raw, CUSTOMER).dkim == "fail"
    assert datetime.now(UTC) - began < timedelta(seconds=5)


def test_the_default_fields_are_those_that_count() -> None:
    """The tests sign what honest signers do."""
    assert {b"from", b"subject"} <= set(SIGNED)
