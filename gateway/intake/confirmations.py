"""Keep what a provider asks before it forwards mail to us, for the person who sets the forward up.

It never becomes a ticket. Trusted is it only when the provider's own signature holds: everybody can write such a
mail, and its link would then confirm somebody else's wish.
"""

from gateway.intake.case import Case, Verdict
from gateway.intake.desk import Desk
from gateway.reading.confirmation import Confirmation as Asked
from gateway.reading.confirmation import read_confirmation
from storage.address import canonical_address, domain_of
from storage.confirmations import Confirmation, add_confirmation
from storage.spool import SpoolState


def keep_confirmation(case: Case, desk: Desk) -> Verdict:
    """Store the confirmation for the queue of the envelope."""
    asked = read_confirmation(case.mail)
    if asked is None:
        return Verdict(SpoolState.SETUP, "confirmation", "a provider asks whether mail may be forwarded here")
    trusted = _is_signed(case.authentication.signers, asked.domains)
    inbox = _inbox(asked, desk)
    kept = Confirmation(
        queue_id=case.queue.number,
        spool_id=case.claimed.id,
        address=case.claimed.recipient,
        provider=asked.provider,
        code=asked.code,
        link=asked.link,
        inbox=inbox,
        trusted=trusted,
        received_at=case.claimed.received_at,
    )
    add_confirmation(desk.session, kept)
    case.note("confirmation", "trusted" if trusted else "not trusted", f"signed by {_names(case)}")
    whose = f" for {inbox}" if inbox else ""
    why = f"{asked.provider} asks whether mail may be forwarded here{whose}"
    return Verdict(SpoolState.SETUP, "confirmation", why)


def _is_signed(signers: tuple[str, ...], domains: tuple[str, ...]) -> bool:
    return any(f".{signer}".endswith(f".{domain}") for signer in signers for domain in domains)


def _names(case: Case) -> str:
    return ", ".join(case.authentication.signers) or "nobody"


def _inbox(asked: Asked, desk: Desk) -> str:
    """The first address named that is not ours: the one that is to forward."""
    ours = desk.office.settings.own_domains
    found = [canonical_address(address) for address in asked.addresses]
    return next((address for address in found if address and domain_of(address) not in ours), "")
