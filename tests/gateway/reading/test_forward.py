"""Forwards made by hand: of many clients and languages, and mails that only look like one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.reading.forward import find_forward
from gateway.reading.forward_subject import base_subject, is_forward_subject
from gateway.reading.mail import Forwarded, Mail, Person

ANN = Person("Ann Lee", "ann@customer.example")
BODY = "The printer burns.\n\nPlease help."


def lines(*lines: str) -> str:
    return "\n".join(lines)


def found(subject: str, text: str) -> Forwarded:
    forwarded = find_forward(subject, text, None)
    assert forwarded is not None
    return forwarded


# Separator, then the labels of From, Date, Subject and To as the client writes them in that language.
SEPARATED = [
    ("---------- Forwarded message ---------", "From", "Date", "Subject", "To"),
    ("---------- Forwarded message ----------", "De", "Date", "Subject", "To"),
    ("Begin forwarded message:", "From", "Date", "Subject", "To"),
    ("Anfang der weitergeleiteten Nachricht:", "Von", "Datum", "Betreff", "An"),
    ("Début du message réexpédié :", "De", "Date", "Objet", "À"),
    ("Início da mensagem reencaminhada:", "De", "Data", "Assunto", "Para"),
    ("Inicio del mensaje reenviado:", "De", "Fecha", "Asunto", "Para"),
    ("Inizio messaggio inoltrato:", "Da", "Data", "Oggetto", "A"),
    ("İleti başlangıcı:", "Kimden", "Tarih", "Konu", "Kime"),
    ("-------- Forwarded Message --------", "From", "Date", "Subject", "To"),
    ("-------- Přeposlaná zpráva --------", "Od", "Datum", "Předmět", "Komu"),
    ("-------- Videresendt besked --------", "Fra", "Dato", "Emne", "Til"),
    ("-------- Weitergeleitete Nachricht --------", "Von", "Datum", "Betreff", "An"),
    ("-------- Mensaje reenviado --------", "De", "Fecha", "Asunto", "Para"),
    ("-------- Välitetty viesti --------", "Lähettäjä", "Päiväys", "Aihe", "Vastaanottaja"),
    ("-------- Message transféré --------", "De", "Date", "Sujet", "Pour"),
    ("-------- Proslijeđena poruka --------", "Šalje", "Datum", "Naslov", "Prima"),
    ("-------- Továbbított üzenet --------", "Feladó", "Dátum", "Tárgy", "Címzett"),
    ("-------- Messaggio Inoltrato --------", "Mittente", "Data", "Oggetto", "Destinatario"),
    ("-------- Doorgestuurd bericht --------", "Van", "Datum", "Onderwerp", "Aan"),
    ("-------- Videresendt melding --------", "Fra", "Dato", "Emne", "Til"),
    ("-------- Treść przekazanej wiadomości --------", "Nadawca", "Data", "Temat", "Adresat"),
    ("-------- Mensagem encaminhada --------", "De", "Data", "Assunto", "Para"),
    ("-------- Mesaj redirecționat --------", "De la", "Dată", "Subiect", "Pentru"),
    ("-------- Перенаправленное сообщение --------", "От", "Дата", "Тема", "Кому"),
    ("-------- Preposlaná správa --------", "Od", "Dátum", "Predmet", "Komu"),
    ("-------- Vidarebefordrat meddelande --------", "Från", "Datum", "Ämne", "Till"),
    ("-------- Yönlendirilmiş İleti --------", "Gönderen", "Tarih", "Konu", "Alıcı"),
    ("-------- Переслане повідомлення --------", "Від", "Дата", "Тема", "Кому"),
    ("-------- 転送メッセージ --------", "差出人", "日付", "件名", "宛先"),
    ("-------- 转发的邮件 --------", "发件人", "日期", "主题", "收件人"),
    ("-------- 轉寄郵件 --------", "寄件者", "日期", "主旨", "收件者"),
    ("-------- 전달된 메시지 --------", "보낸 사람", "날짜", "제목", "받는 사람"),
    ("----- İletilmiş Mesaj -----", "Kimden", "Gönderildi", "Konu", "Kime"),
    ("----- Message transmis -----", "De", "Envoyé", "Objet", "À"),
]


@pytest.mark.parametrize(("separator", "author", "date", "subject", "to"), SEPARATED)
def test_forward_is_read_when_its_separator_says_so(
    separator: str, author: str, date: str, subject: str, to: str
) -> None:
    """A separator that says "forwarded" needs no subject prefix."""
    text = lines(
        "See below.",
        "",
        separator,
        f"{author}: Ann Lee <ann@customer.example>",
        f"{date}: 2021-10-27 15:14",
        f"{subject}: The printer",
        f"{to}: desk@company.example",
        "",
        BODY,
    )
    forwarded = found("The printer", text)
    assert forwarded.author == ANN
    assert forwarded.date == datetime(2021, 10, 27, 15, 14, tzinfo=UTC)
    assert forwarded.subject == "The printer"
    assert forwarded.to == (Person("", "desk@company.example"),)
    assert forwarded.body == BODY
    assert forwarded.note == "See below."


# Prefix of the subject, then the labels of From, Date, To and Subject as Outlook writes them.
OUTLOOK = [
    ("FW", "From", "Sent", "To", "Subject"),
    ("WG", "Von", "Gesendet", "An", "Betreff"),
    ("TR", "De", "Envoyé", "À", "Objet"),
    ("RV", "De", "Enviado el", "Para", "Asunto"),
    ("ENC", "De", "Enviado", "Para", "Assunto"),
    ("ENC", "De", "Enviada em", "Para", "Assunto"),
    ("I", "Da", "Inviato", "A", "Oggetto"),
    ("FW", "Van", "Verzonden", "Aan", "Onderwerp"),
    ("PD", "Od", "Wysłano", "Do", "Temat"),
    ("VB", "Från", "Skickat", "Till", "Ämne"),
    ("VS", "Fra", "Sendt", "Til", "Emne"),
    ("VL", "Lähettäjä", "Lähetetty", "Vastaanottaja", "Aihe"),
    ("FW", "Od", "Odesláno", "Komu", "Předmět"),
    ("FW", "Od", "Odoslané", "Komu", "Predmet"),
    ("FW", "От", "Отправлено", "Кому", "Тема"),
    ("ILT", "Kimden", "Gönderildi", "Kime", "Konu"),
    ("FW", "Feladó", "Küldve", "Címzett", "Tárgy"),
    ("FW", "De la", "Trimis", "Către", "Subiect"),
    ("FW", "Šalje", "Poslano", "Prima", "Predmet"),
    ("转发", "发件人", "发送时间", "收件人", "主题"),
    ("轉寄", "寄件者", "寄件日期", "收件者", "主旨"),
    ("FW", "差出人", "送信日時", "宛先", "件名"),
    ("FW", "보낸 사람", "보낸 날짜", "받는 사람", "제목"),
    ("FW", "Από", "Στάλθηκε", "Προς", "Θέμα"),
    ("FW", "מאת", "נשלח", "אל", "נושא"),
]


@pytest.mark.parametrize(("prefix", "author", "date", "to", "subject"), OUTLOOK)
def test_forward_of_outlook_is_read_when_the_subject_says_so(
    prefix: str, author: str, date: str, to: str, subject: str
) -> None:
    """Outlook's header lines stand above answers too: only the prefix tells the forward."""
    text = lines(
        "For you.",
        "",
        f"{author}: Ann Lee [mailto:ann@customer.example]",
        f"{date}: 27.10.2021 15:14",
        f"{to}: Desk <desk@company.example>; Bob",
        f"{subject}: The printer",
        "",
        BODY,
    )
    forwarded = found(f"{prefix}: The printer", text)
    assert forwarded.author == ANN
    assert forwarded.date == datetime(2021, 10, 27, 15, 14, tzinfo=UTC)
    assert forwarded.to == (Person("Desk", "desk@company.example"), Person("Bob", ""))
    assert (forwarded.subject, forwarded.body, forwarded.note) == ("The printer", BODY, "For you.")
    assert find_forward("Re: The printer", text, None) is None


def test_forward_of_yahoo_is_read_when_its_header_is_one_line() -> None:
    """Yahoo's text part runs all header lines together."""
    text = lines(
        "   ----- Forwarded Message ----- From: Ann Lee <ann@customer.example>To: desk@company.example"
        " <desk@company.example>Cc: Bob <bob@company.example>Sent: Wednesday, October 27, 2021, 03:14:00 PM GMT+3"
        "Subject: The printer",
        " " + BODY,
    )
    forwarded = found("Fw: The printer", text)
    assert forwarded.author == ANN
    assert forwarded.cc == (Person("Bob", "bob@company.example"),)
    assert forwarded.date == datetime(2021, 10, 27, 15, 14, tzinfo=timezone(timedelta(hours=3)))
    assert (forwarded.subject, forwarded.body) == ("The printer", BODY)


def test_forward_of_ionos_is_read_when_blank_lines_stand_between_the_headers() -> None:
    """Some webmailers set each header line as a paragraph."""
    text = lines(
        "---------- Original Message ----------",
        "",
        "From: Ann Lee <ann@customer.example>",
        "",
        "To: desk@company.example",
        "",
        "Date: 10/27/2021 3:14 PM",
        "",
        "Subject: The printer",
        "",
        "",
        BODY,
    )
    forwarded = found("Fwd: The printer", text)
    assert (forwarded.author, forwarded.subject, forwarded.body) == (ANN, "The printer", BODY)


def test_forward_is_read_when_it_is_quoted() -> None:
    """Apple Mail and MailMate mark what they forward as quoted; what stands below it is not part of it."""
    text = lines(
        "Note.",
        "",
        "Forwarded message:",
        "",
        "> From: Ann Lee <ann@customer.example>",
        "> Subject: The printer",
        "> Date: 26 Oct 2021 14:25:08 +0200",
        "> To: desk@company.example, ",
        ">  bob@company.example",
        ">",
        "> The printer burns.",
        ">",
        "> > an earlier mail",
        "",
        "My signature",
    )
    forwarded = found("Fwd: The printer", text)
    assert forwarded.body == "The printer burns.\n\n> an earlier mail"
    assert [person.email for person in forwarded.to] == ["desk@company.example", "bob@company.example"]
    assert forwarded.note == "Note."


@pytest.mark.parametrize(
    "attribution",
    [
        'On 28/10/2021 12:46, "Ann Lee" <ann@customer.example> wrote:',
        "Dne 28/10/2021 12:46, Ann Lee <ann@customer.example> napsal(a):",
        'Am 28/10/2021, 12:46 schrieb "Ann Lee" <ann@customer.example>:',
        "Ann Lee <ann@customer.example> kirjoitti 28/10/2021 12.46:",
        "Le 28/10/2021 12:46, « Ann Lee » <ann@customer.example> a écrit :",
        "28/10/2021 12:46 időpontban Ann Lee (ann@customer.example) ezt írta:",
        "Op 28/10/2021 12:46 heeft Ann Lee <ann@customer.example> geschreven:",
        "Dnia 28/10/2021, 12:46 użytkownik „Ann Lee” <ann@customer.example> napisał:",
        "Em 28/10/21, 12:46, Ann Lee <ann@customer.example> escreveu:",
        "On 28. Oct 2021, at 12:46 PM, Ann Lee <ann@customer.example> wrote:",
    ],
)
def test_forward_of_outlook_for_mac_is_read_when_one_line_introduces_it(attribution: str) -> None:
    """The line names author and time, and what follows is indented."""
    text = lines("Note.", "", attribution, "", "    The printer burns.", "", "      Please help.")
    forwarded = found("FW: The printer", text)
    assert forwarded.author == ANN
    assert forwarded.date == datetime(2021, 10, 28, 12, 46, tzinfo=UTC)
    assert (forwarded.subject, forwarded.body) == ("The printer", "The printer burns.\n\n  Please help.")
    assert find_forward("Re: The printer", text, None) is None


def test_forward_is_read_when_its_language_is_unknown() -> None:
    """A framed line above header lines is a separator in whatever language, if the subject says forwarded."""
    text = lines("------ Xyz abc ------", "From: Ann Lee <ann@customer.example>", "Subject: The printer", "", BODY)
    assert found("Fwd: The printer", text).author == ANN
    assert find_forward("The printer", text, None) is None


def test_mail_is_no_forward_when_its_finnish_prefix_says_answer() -> None:
    """VS is a forward in Norwegian and an answer in Finnish."""
    header = lines("Lähettäjä: Ann Lee <ann@customer.example>", "Lähetetty: 27.10.2021 15:14", "Aihe: The printer")
    assert find_forward("VS: The printer", f"Kiitos!\n\n{header}\n\n{BODY}", None) is None
    assert found("VL: The printer", f"Kiitos!\n\n{header}\n\n{BODY}").author == ANN


def test_inner_forward_is_left_alone_when_it_is_part_of_the_body() -> None:
    """The outermost forward is the one that was made by hand."""
    inner = lines(
        "---------- Forwarded message ---------", "From: Bob <bob@else.example>", "Subject: Old", "", "Older."
    )
    text = lines(
        "---------- Forwarded message ---------",
        "From: Ann Lee <ann@customer.example>",
        "Subject: The printer",
        "",
        BODY,
        "",
        inner,
    )
    forwarded = found("Fwd: The printer", text)
    assert forwarded.author == ANN
    assert forwarded.body.endswith(inner)


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("Fwd: hello", "Please write to spam@spammer.example, he knows."),
        ("Fwd: hello", "From: the boss\nto all of you"),
        ("Re: x", "Thanks!\n\nOn 5 Mar 2024 at 10:23, Bob <b@c.example> wrote:\n"
         "> ---------- Forwarded message ---------\n> From: Ann <ann@x.example>\n> Subject: y\n>\n> text"),
        ("Re: x", "Yes.\n\n-----Original Message-----\nFrom: Bob <b@c.example>\nSent: Monday, 4 March 2024 10:00\n"
         "To: d@e.example\nSubject: x\n\nBegin forwarded message:\n\nFrom: Ann <ann@x.example>\nSubject: y\n"),
        ("The words", "You will see a line like this:\n\n---------- Forwarded message ---------\n\nand then the mail."),
        ("Fwd: x", "---------- Forwarded message ---------\nFrom: \nSubject: x\n\ntext"),
        ("", ""),
    ],
)  # fmt: skip
def test_mail_is_no_forward_when_evidence_is_missing(subject: str, text: str) -> None:
    """The first address in a text is no evidence, nor is a forward within what is answered."""
    assert find_forward(subject, text, None) is None


def test_command_names_the_author_when_it_stands_first() -> None:
    """`@fwd address` is an explicit order of the agent."""
    forwarded = found("A call", "@fwd Ann Lee <ann@customer.example>\nShe called about the printer.")
    assert (forwarded.author, forwarded.body) == (ANN, "She called about the printer.")


def test_command_finds_a_forward_when_the_subject_does_not_say_so() -> None:
    """`@fwd` alone makes header lines count, and is no part of the note."""
    text = lines(
        "@fwd", "Note.", "", "From: Ann Lee <ann@customer.example>", "Date: 5 Mar 2024 10:00", "Subject: X", "", BODY
    )
    forwarded = found("X", text)
    assert (forwarded.author, forwarded.note, forwarded.body) == (ANN, "Note.", BODY)
    assert find_forward("X", "@fwd\nNothing here.", None) is None


def test_command_overrides_the_author_when_both_are_there() -> None:
    """The agent says who the customer is."""
    text = lines("@fwd boss@customer.example", "From: Ann Lee <ann@customer.example>", "Subject: X", "", BODY)
    assert found("X", text).author == Person("", "boss@customer.example")


EMBEDDED = Mail(
    "<inner@customer.example>", author=ANN, subject="The printer", text=BODY, to=(Person("", "x@y.example"),)
)


@pytest.mark.parametrize(
    ("subject", "text"), [("Fwd: anything", "Note."), ("WG: The printer", ""), ("The printer", "Note.")]
)
def test_attached_mail_is_the_forward_when_the_outer_mail_is_about_it(subject: str, text: str) -> None:
    """A mail attached as message/rfc822 gives exact headers and its Message-ID."""
    forwarded = find_forward(subject, text, EMBEDDED)
    assert forwarded == Forwarded(ANN, EMBEDDED.to, (), "The printer", None, BODY, "<inner@customer.example>", text)


def test_attached_mail_is_an_attachment_when_the_outer_mail_is_about_something_else() -> None:
    """A customer who encloses a mail as an example is still the author."""
    assert find_forward("A question", "Why did I get this?", EMBEDDED) is None
    assert find_forward("Re: The printer", "As you wrote, see there.", EMBEDDED) is None


@pytest.mark.parametrize(
    ("subject", "base", "is_forward"),
    [
        ("Fwd: Re: AW: Hello", "Hello", True),
        ("[EXTERNAL] FW: Hello", "Hello", True),
        ("RE: FW: Hello", "Hello", False),
        ("Re[2]: Hello", "Hello", False),
        ("Fw(3): Hello", "Hello", True),
        ("转发：你好", "你好", True),
        ("Hello: world", "Hello: world", False),
        ("Redir.: x", "x", True),
        ("", "", False),
    ],
)
def test_prefixes_are_read_when_they_stand_before_a_subject(subject: str, base: str, is_forward: bool) -> None:
    """The outermost prefix tells the kind; the base is what is left without all of them."""
    assert base_subject(subject) == base
    assert is_forward_subject(subject) is is_forward


PIECES = st.sampled_from(
    ["From: ", "To:", "Subject: x", "Date: 5 Mar 2024", "\n", "> ", "---------- Forwarded message ---------", "@fwd ",
     "a@b.c", "<", ";", "wrote:", "On 5 Mar 2024 10:23 ", "\ufeff", "-----Original Message-----", " ", "Fwd: ",
     "31. 02. 2021", "99:99", "\x00", "Sent:"]
)  # fmt: skip


@given(st.text(), st.lists(PIECES | st.text(max_size=5), max_size=40).map("".join))
def test_nothing_raises_when_any_text_is_read(subject: str, text: str) -> None:
    """Any subject and text give a forward or None."""
    assert find_forward(subject, text, None) is None or find_forward(subject, text, None) is not None
    find_forward("Fwd: x", text, None)
    find_forward(text, subject, EMBEDDED)
