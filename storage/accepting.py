"""Accept mails at the least cost: a batch of them in one transaction, after which their senders hear 250.

What the rows mean, is said by `storage.spool`; what becomes of them, is `intake`.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlmodel import col

from storage.bulk import BulkInsert
from storage.driver import on_driver
from storage.ids import new_ids
from storage.spool import Acceptance, Arrival, Raw, Spool, SpoolState

_Mail = tuple[str, Arrival]  # under the id of its acceptance, if it is new
_Row = tuple[str, str, str, str]

# In the order in which they are filled below. What a waiting mail has no value for stays null.
_INSERT_SPOOL = BulkInsert(
    Spool,
    ("sha256", "recipient", "id", "acceptance_id"),
    fixed={
        "state": SpoolState.RECEIVED,
        "reason": "",
        "trace": [],
        "passed": [],
        "storm_of": "",
        "attempts": 0,
        "lease_owner": "",
    },
)
_INSERT_ACCEPTANCE = BulkInsert(
    Acceptance, ("id", "reverse_path", "helo", "peer", "protocol", "tls", "received_at"), is_new=True
)
_INSERT_RAW = BulkInsert(Raw, ("acceptance_id", "sha256", "size", "content", "pack"), is_new=True)


# A function, because its plan is kept for a connection: planning cost more than all else of a batch, and prepared
# statements do not survive pgbouncer. Its arguments are the columns above, its result the rows that are new in the
# spool; an acceptance and a raw are written only for a mail that has one.
POSTGRES_FUNCTION = """
CREATE FUNCTION accept_mails(
    varchar[], varchar[], varchar[], varchar[],
    varchar[], varchar[], varchar[], varchar[], varchar[], varchar[], timestamptz[],
    varchar[], varchar[], integer[], bytea[], varchar[]
) RETURNS SETOF varchar LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY
    WITH spooled AS (
        INSERT INTO spool (
            sha256, recipient, id, acceptance_id, state, reason, trace, passed, storm_of, attempts, lease_owner
        )
        SELECT rows.*, 'received', '', '[]', '[]', '', 0, ''
        FROM unnest($1, $2, $3, $4) AS rows
        ON CONFLICT DO NOTHING RETURNING acceptance_id
    ), accepted AS (
        INSERT INTO acceptance (id, reverse_path, helo, peer, protocol, tls, received_at)
        SELECT rows.* FROM unnest($5, $6, $7, $8, $9, $10, $11) AS rows(id)
        WHERE id IN (SELECT acceptance_id FROM spooled)
    ), kept AS (
        INSERT INTO raw (acceptance_id, sha256, size, content, pack)
        SELECT rows.* FROM unnest($12, $13, $14, $15, $16) AS rows(id)
        WHERE id IN (SELECT acceptance_id FROM spooled)
    )
    SELECT acceptance_id FROM spooled;
END
$$
"""
_CALL = (
    "SELECT FROM accept_mails(%s::varchar[], %s::varchar[], %s::varchar[], %s::varchar[], "
    "%s::varchar[], %s::varchar[], %s::varchar[], %s::varchar[], %s::varchar[], %s::varchar[], %s::timestamptz[], "
    "%s::varchar[], %s::varchar[], %s::integer[], %b::bytea[], %s::varchar[])"
)


def accept(connection: sa.Connection, arrivals: Sequence[Arrival]) -> list[str]:
    """Store mails; returns the id to name in each 250. Only after the commit are they kept.

    A mail that is there already for all its recipients answers the id of its first acceptance. On PostgreSQL
    all is stored by one statement, which may be a transaction by itself.
    """
    mails = list(zip(new_ids(len(arrivals)), arrivals, strict=True))
    # Sorted by key, so that two processes never wait for each other in a circle.
    rows = sorted([row for id_, arrival in mails for row in _spool_rows(id_, arrival)])
    if connection.dialect.name == "postgresql":
        return _answers(connection, mails, _insert_at_once(connection, mails, rows) == len(rows))
    ids = _answers(connection, mails, _INSERT_SPOOL.run(connection, rows) == len(rows))
    new = [mail for mail, id_ in zip(mails, ids, strict=True) if mail[0] == id_]
    _INSERT_ACCEPTANCE.run(connection, _acceptance_rows(new))
    _INSERT_RAW.run(connection, _raw_rows(new))
    return ids


def _insert_at_once(connection: sa.Connection, mails: Sequence[_Mail], rows: list[_Row]) -> int:
    """By one statement, for each would be a round trip; returns how many rows the spool has got."""
    spool, acceptance, raw = (one.prepared(connection) for one in (_INSERT_SPOOL, _INSERT_ACCEPTANCE, _INSERT_RAW))
    arrays = [*spool.arrays(rows), *acceptance.arrays(_acceptance_rows(mails)), *raw.arrays(_raw_rows(mails))]
    return on_driver(connection, "execute", _CALL, arrays)


def _spool_rows(acceptance_id: str, arrival: Arrival) -> list[_Row]:
    digest, recipients = arrival.sha256, dict.fromkeys(arrival.recipients)
    return [
        (digest, recipient, f"{acceptance_id}-{place}" if place > 1 else acceptance_id, acceptance_id)
        for place, recipient in enumerate(recipients, start=1)
    ]


def _acceptance_rows(mails: Sequence[_Mail]) -> list[tuple[object, ...]]:
    return [(id_, a.reverse_path, a.helo, a.peer, a.protocol, a.tls, a.received_at) for id_, a in mails]


def _raw_rows(mails: Sequence[_Mail]) -> list[tuple[object, ...]]:
    return [(id_, arrival.sha256, arrival.size, arrival.content, arrival.pack) for id_, arrival in mails]


def _answers(connection: sa.Connection, mails: Sequence[_Mail], are_all_new: bool) -> list[str]:
    if are_all_new:
        return [id_ for id_, _ in mails]
    return [_first_acceptance(connection, id_, arrival) for id_, arrival in mails]


def _first_acceptance(connection: sa.Connection, acceptance_id: str, arrival: Arrival) -> str:
    """The id to answer when some rows were there: our own when it has a new row, else the oldest one."""
    query = sa.select(col(Spool.acceptance_id)).where(
        col(Spool.sha256) == arrival.sha256, col(Spool.recipient).in_(arrival.recipients)
    )
    found = set(connection.execute(query).scalars())
    return acceptance_id if acceptance_id in found else min(found)
