"""The part of `gateway doctor` that asks DNS: are our records there, and does a key sign for every domain in From?

What has to be there is `gateway.published`. A server that does not answer is no finding: mail goes on without it.
"""

from dataclasses import dataclass

from sqlmodel import Session

from config.settings import Settings
from gateway.findings import Finding, Findings, State
from gateway.published import Standing, Unsigned, Wanted, look_up, unsigned_domains, wanted_records


@dataclass(frozen=True, slots=True)
class Due:
    """What the database says that DNS should have; it is asked after the database was let go."""

    unsigned: list[Unsigned]
    records: list[Wanted]


def due_in_dns(session: Session, settings: Settings) -> Due:
    """What to look for."""
    records = [record for record in wanted_records(session, settings) if record.value or record.purpose == "address"]
    return Due(unsigned_domains(session, settings) if settings.outbound.servers else [], records)


def examine_dns(settings: Settings, due: Due) -> Findings:
    """A line for each domain that is not signed for, and for each record that is there or is missed."""
    for unsigned in due.unsigned:
        yield Finding(
            State.WARN,
            f"signing for {unsigned.domain}",
            f"{', '.join(unsigned.queues)} writes as {unsigned.domain} through the default servers, unsigned",
            f"make keys with `gateway dkim new {unsigned.domain}`, or answer via a channel of that account",
        )
    for record in look_up(settings, due.records):
        if record.standing not in (Standing.UNKNOWN, Standing.ADVISED):
            yield _record(record)


def _record(record: Wanted) -> Finding:
    subject = f"DNS {record.purpose} of {record.domain}"
    if record.standing is Standing.OK:
        return Finding(State.OK, subject, "is published")
    found = f"says {' | '.join(record.found)[:200]}" if record.found else f"{record.name} is not there"
    return Finding(State.WARN, subject, found, f"see `gateway dns {record.domain}`")
