"""What a customer's mail program makes of "answer", written as the programs write it, from the mail's bytes alone."""

import email
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import getaddresses, make_msgid
from typing import cast


def read(raw: bytes) -> EmailMessage:
    """A mail that came out of the gateway, as any program would read it."""
    return cast(EmailMessage, email.message_from_bytes(raw, policy=SMTP))  # type: ignore[arg-type]


def answer_address(received: EmailMessage) -> str:
    """Where an answer goes: Reply-To, else From. RFC 5322 section 3.6.2."""
    [(_, address)] = getaddresses([str(received["Reply-To"] or received["From"])])
    return address


def as_gmail(received: EmailMessage, text: str) -> bytes:
    """Gmail: `Re:`, In-Reply-To, the whole chain in References, the quotation below an attribution."""
    answer = _answer(received, f"Re: {_bare(received)}")
    answer["In-Reply-To"] = str(received["Message-ID"])
    answer["References"] = _chain(received)
    quoted = "".join(f"> {line}\n" for line in _text(received).splitlines())
    answer.set_content(f"{text}\n\nOn Mon, Mar 2, 2026 at 10:00 AM {received['From']} wrote:\n\n{quoted}")
    return answer.as_bytes()


def as_outlook(received: EmailMessage, text: str) -> bytes:
    """Outlook: `RE:`, a Thread-Index, and the quotation under the header of the mail that it answers."""
    answer = _answer(received, f"RE: {_bare(received)}")
    answer["Thread-Topic"] = _bare(received)
    answer["Thread-Index"] = "AQHb1Yk3wJ0o8m2mV0uW1m4Vb7c1yQ=="
    answer["In-Reply-To"] = str(received["Message-ID"])
    answer["References"] = _chain(received)
    header = f"From: {received['From']}\nSent: Monday, March 2, 2026 10:00 AM\nTo: {received['To']}\nSubject: "
    answer.set_content(
        f"{text}\n\n________________________________\n{header}{received['Subject']}\n\n{_text(received)}"
    )
    return answer.as_bytes()


def without_thread(received: EmailMessage, text: str) -> bytes:
    """A web form or a phone: another subject, no ids, nothing quoted; only the address was kept."""
    answer = _answer(received, "one more thing")
    answer.set_content(f"{text}\n")
    return answer.as_bytes()


def _answer(received: EmailMessage, subject: str) -> EmailMessage:
    answer = EmailMessage(policy=SMTP.clone(max_line_length=998))
    answer["From"] = str(received["To"])
    answer["To"] = answer_address(received)
    answer["Subject"] = subject
    answer["Date"] = "Mon, 2 Mar 2026 11:00:00 +0000"
    answer["Message-ID"] = make_msgid(domain="client.example")
    return answer


def _bare(received: EmailMessage) -> str:
    return str(received["Subject"]).removeprefix("Re: ")


def _chain(received: EmailMessage) -> str:
    return f"{received['References'] or ''} {received['Message-ID']}".strip()


def _text(received: EmailMessage) -> str:
    body = received.get_body(("plain",))
    return str(body.get_content()) if body else ""
