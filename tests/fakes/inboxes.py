"""Mails in an inbox, and how to sign in to it."""

from peers.dovecot_imap import PASSWORD, DovecotImap

from gateway.mailbox.account import Account


def account(server: DovecotImap, user: str, **changes: object) -> Account:
    """How to sign in to an inbox of the server."""
    values: dict[str, object] = {"host": "127.0.0.1", "port": server.port, "security": "none"}
    values |= {"user": user, "password": PASSWORD, "timeout_seconds": 20.0}
    return Account(**(values | changes))  # type: ignore[arg-type]  # one test a field


def mails(count: int, first: int = 0) -> list[bytes]:
    """So many mails, each of a customer of his own, that say the same whenever they are made."""
    return [_mail(number) for number in range(first, first + count)]


def _mail(number: int) -> bytes:
    lines = (
        f"Return-Path: <customer{number}@client.example>",
        f"From: Customer {number} <customer{number}@client.example>",
        "To: support@company.example",
        f"Subject: Parcel {number}",
        f"Message-ID: <{number}.parcel@client.example>",
        "",
        f"Where is parcel {number}?",
        "",
    )
    return "\r\n".join(lines).encode()
