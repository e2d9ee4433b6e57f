"""The author behind a mailing list that wrote itself into From.

Google Groups, Mailman, Sympa and others do so where the author's domain asks that what it did not send be refused
(DMARC), and say elsewhere who wrote. Only a From that is the list's own is undone; what the list says instead is not
proved. RFC 7960 section 4.1.3.
"""

import re
from collections.abc import Iterator, Mapping

from gateway.intake.desk import Desk
from gateway.reading.addresses import parse_mailboxes
from gateway.reading.mail import Mail, Person
from storage.address import canonical_address, domain_of

_ADDRESS = re.compile(r"[^\s<>\"(),;:@]{1,64}@[^\s<>\"(),;:@]{1,255}")
_LIST_FIELDS = ("list-post", "x-beenthere", "mailing-list", "x-mailing-list", "x-list-address")
_LIST_ID = re.compile(r"<([^<>\s]{1,255})>")
_ORIGINAL_FIELDS = ("X-Original-From", "Original-From", "X-Original-Sender")
_VIA = re.compile(r"^['\"]?(.{0,200}?)['\"]?\s\(?via\s.{0,200}$", re.IGNORECASE | re.DOTALL)
# Services that write the author's address into the local part of one of theirs.
_ENCODING_DOMAINS = ("groups.io", "dmarc.ietf.org", "yahoogroups.com")
_MAX_FIELD = 4_000


def list_author(mail: Mail, desk: Desk) -> Person | None:
    """Who wrote a mail whose From is that of a list, or None when From is nobody's but the author's."""
    address = canonical_address(mail.author.email)
    if address is None or not _is_lists_own(mail, address, desk):
        return None
    for person in _candidates(mail, address):
        plain = canonical_address(person.email)
        if plain and plain != address and not desk.is_ours(plain):
            return Person(person.name or _name(mail.author.name), person.email)
    return None


def _is_lists_own(mail: Mail, address: str, desk: Desk) -> bool:
    fields = mail.headers_among((*_LIST_FIELDS, "list-id"))
    list_id = fields.get("list-id", [""])[0]
    if _VIA.match(mail.author.name) and (desk.is_ours(address) or list_id):
        return True
    if address in _list_addresses(fields, list_id):
        return True
    return domain_of(address) in _ENCODING_DOMAINS and bool(list_id)


def _list_addresses(fields: Mapping[str, list[str]], list_id: str) -> set[str]:
    values = [value[:_MAX_FIELD] for name in _LIST_FIELDS for value in fields.get(name, [])[:3]]
    found = {canonical_address(address) or "" for value in values for address in _ADDRESS.findall(value)}
    ids = _LIST_ID.findall(list_id[:_MAX_FIELD])
    # RFC 2919: list <support.lists.company.example> is most often support@lists.company.example.
    return found | {id_.lower().replace(".", "@", 1) for id_ in ids}


def _candidates(mail: Mail, address: str) -> Iterator[Person]:
    for name in _ORIGINAL_FIELDS:
        yield from parse_mailboxes(mail.header(name))[:1]
    local, _, domain = address.rpartition("@")
    if domain in _ENCODING_DOMAINS:
        inner = local.replace("=40", "=", 1)
        yield Person("", "@".join(inner.rsplit("=", 1)))
    # Mailman puts the author into Reply-To; where several stand there, nobody knows which of them it is.
    others = [one for one in mail.reply_to if canonical_address(one.email) != address]
    if len(others) == 1:
        yield others[0]


def _name(written: str) -> str:
    match = _VIA.match(written)
    return match[1].strip() if match else written
