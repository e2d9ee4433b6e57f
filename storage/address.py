"""The one form in which addresses compare.

Case is folded (also the local part: no mail system of today tells Ann from ann) and domains are
A-labels (RFC 5891), so that one mailbox is one string. Tags and dots are left as they are: only their
server knows what they mean. Whether two addresses are likely one person's is another question: `untagged`.
"""

import re
from functools import lru_cache

_MAX_ADDRESS = 320
_DOMAIN = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*\.?|\[[0-9a-fv:.]+\]")
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f-\x9f<>,;\u2028\u2029\ud800-\udfff]")
# A local part with one of these is written in quotes, else it would be read as another address.
_SPECIAL = re.compile(r'["\\@()\[\]:]')


def canonical_address(address: str) -> str | None:
    """The form to compare and to store, or None when it is no address (RFC 5321 section 4.1.2).

    `"Ann"@Example.ORG` and `ann@example.org` are the same; a domain in U-labels becomes A-labels. Quotes stay
    where the local part needs them. The canonical form of a canonical form is itself.
    """
    return None if len(address) > _MAX_ADDRESS else _canonical(address)


# The same few addresses are asked about again and again while a batch of mail is filed.
@lru_cache(maxsize=4096)
def _canonical(address: str) -> str | None:
    local, at, domain = address.strip().rpartition("@")
    if not at:
        return None
    plain_domain, plain_local = canonical_domain(domain), _canonical_local(local)
    if plain_domain is None or plain_local is None:
        return None
    canonical = f"{plain_local}@{plain_domain}"
    return canonical if len(canonical) <= _MAX_ADDRESS else None


def canonical_domain(domain: str) -> str | None:
    """A domain in lower-case A-labels without a final dot, or None when it is none."""
    domain = domain.strip().lower()
    if not domain.isascii():
        import idna  # slow (30 ms), and few domains need it

        try:
            domain = idna.encode(domain, uts46=True).decode()
        except UnicodeError:
            return None
    return domain.rstrip(".") if len(domain) <= 255 and _DOMAIN.fullmatch(domain) else None


def domain_of(canonical: str) -> str:
    """The domain of a canonical address."""
    return canonical.rpartition("@")[2]


def untagged(canonical: str) -> str:
    """The mailbox behind `user+tag@domain` (RFC 5233), as most servers have it: to compare, never to send to."""
    local, _, domain = canonical.rpartition("@")
    return f"{local.partition('+')[0] or local}@{domain}"


def _canonical_local(local: str) -> str | None:
    is_quoted = len(local) > 1 and local[0] == local[-1] == '"'
    plain = (re.sub(r"\\(.)", r"\1", local[1:-1]) if is_quoted else local).casefold()
    if not plain or _FORBIDDEN.search(plain):
        return None
    if not _SPECIAL.search(plain):
        return plain
    return '"' + re.sub(r'(["\\])', r"\\\1", plain) + '"' if is_quoted else None
