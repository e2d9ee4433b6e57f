"""The mails of the demo: what five customers write, as it arrives after their company's inbox has forwarded it."""

from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid

INBOX = "support@roastery.example"


@dataclass(frozen=True, slots=True)
class Letter:
    """What a person writes."""

    name: str
    email: str
    subject: str
    text: str
    html: str = ""
    attachment: tuple[str, bytes] | None = None
    headers: tuple[tuple[str, str], ...] = ()


LETTERS = (
    Letter(
        "Carla Nunes",
        "carla.nunes@customer.example",
        "My grinder stopped",
        "Hello,\n\nsince this morning my grinder only hums. It is eight months old.\n\nKind regards\nCarla\n",
        "<p>Hello,</p><p>since this morning my grinder <b>only hums</b>. It is eight months old.</p><p>Carla</p>",
    ),
    Letter(
        "João Araújo",
        "joao@padaria.example",
        "Fatura de outubro em falta",
        "Bom dia,\n\nainda não recebi a fatura de outubro. Podem enviá-la?\n\nObrigado\nJoão\n",
    ),
    Letter(
        "Dr. Petra Müller",
        "petra.mueller@praxis.example",
        "Lieferadresse ändern",
        "Guten Tag,\n\nbitte liefern Sie ab sofort an die Adresse im Anhang.\n\nMit freundlichen Grüßen\nP. Müller\n",
        attachment=("Adresse.txt", b"Marktplatz 1\n12345 Musterstadt\n"),
    ),
    Letter(
        "佐藤 健",
        "sato@kissa.example",
        "注文について",
        "お世話になっております。\n先週の注文はいつ届きますか。\n佐藤\n",
    ),
    Letter(
        "Owen Out",
        "owen@office.example",
        "Automatic reply: away until Monday",
        "I am out of the office until Monday.\n",
        headers=(("Auto-Submitted", "auto-replied"),),
    ),
)


def forwarded(letter: Letter) -> EmailMessage:
    """The letter as the company's inbox passes it on: to the inbox in the header, with traces of the way."""
    message = EmailMessage(policy=SMTP)
    message["Delivered-To"] = INBOX
    message["X-Forwarded-To"] = INBOX
    message["From"] = f'"{letter.name}" <{letter.email}>'
    message["To"] = f"Roastery Support <{INBOX}>"
    message["Subject"] = letter.subject
    message["Date"] = formatdate(localtime=True)
    message["Message-ID"] = make_msgid(domain=letter.email.partition("@")[2])
    for name, value in letter.headers:
        message[name] = value
    message.set_content(letter.text)
    if letter.html:
        message.add_alternative(letter.html, subtype="html")
    if letter.attachment:
        name, content = letter.attachment
        message.add_attachment(content, maintype="text", subtype="plain", filename=name)
    return message


def answer_to(received: EmailMessage, text: str) -> EmailMessage:
    """What the customer's mail program makes of an answer to a mail that he got from us."""
    message = EmailMessage(policy=SMTP)
    message["From"] = str(received["To"])
    message["To"] = str(received["Reply-To"] or received["From"])
    message["Subject"] = f"Re: {received['Subject']}"
    message["Date"] = formatdate(localtime=True)
    message["Message-ID"] = make_msgid(domain="customer.example")
    message["In-Reply-To"] = str(received["Message-ID"])
    message["References"] = f"{received['References'] or ''} {received['Message-ID']}".strip()
    body = received.get_body(("plain",))
    quoted = "".join(f"> {line}\n" for line in (body.get_content() if body else "").splitlines())
    message.set_content(f"{text}\n\nOn Monday, {received['From']} wrote:\n{quoted}")
    return message
