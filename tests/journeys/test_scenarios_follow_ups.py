"""The scenario table, at random: forged follow-ups are never a participant's, honest ones are never misfiled.

An example is a batch of fifty mails, four a test in the ordinary run; `make forged` makes fifty times as many.
"""

from base64 import b64encode
from collections.abc import Callable
from random import Random

from fakes.house import House, mail
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from outbound.marks import Mark
from storage.ids import new_id
from storage.spool import Spool, SpoolState

BATCH = 50
EXAMPLES = settings.default.max_examples // 25
SEEDS = st.integers(0, 2**32 - 1)
PREFIXES = ("", "Re: ", "RE: ", "AW: ", "Fwd: ", "WG: ", "TR: ", "RES: ", "Re[3]: ", "答复: ", "Antw: RE: ")
run = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


class Matter:
    """A ticket with a customer of two addresses and a colleague; it knows each evidence of itself."""

    def __init__(self, house: House) -> None:
        self.house, self.name = house, new_id()
        self.customer, self.second = f"carla.{self.name}@customer.example", f"home.{self.name}@private.example"
        self.colleague, self.subject = f"bob.{self.name}@customer.example", f"Printer {self.name}"
        self.id, self.root = f"<{self.name}@customer.example>", f"<root.{self.name}@customer.example>"
        self.index = b"\1" + self.name.encode().ljust(21, b"x")
        words = f"References: {self.root}\nCc: {self.colleague}\n{self.outlook()}"
        subject = f"{self.subject} [Their Desk #{self.digits()}]"
        raw = mail(f"Ref:MSG{self.digits()}", author=self.customer, subject=subject, message_id=self.id, headers=words)
        self.ticket = house.ticket_of(house.receive(raw)).id
        house.give_address(self.customer, self.second)

    def digits(self) -> str:
        """A number that no other matter has."""
        return str(int.from_bytes(self.name.encode(), "big"))[-12:]

    def outlook(self, more: bytes = b"") -> str:
        """Thread-Index and topic."""
        return f"Thread-Index: {b64encode(self.index + more).decode()}\nThread-Topic: {self.subject}\n"

    @property
    def mark(self) -> Mark:
        """Of a mail of ours in this ticket."""
        return self.house.mark(self.ticket)


# Evidence: what goes into the header, the text, the subject and the envelope of a mail.
Evidence = Callable[[Matter], dict[str, str]]
SIGNED: dict[str, Evidence] = {
    "envelope": lambda m: {"envelope": m.house.office.marks.reply_address(m.mark)},
    "to": lambda m: {"to": f"Desk <{m.house.office.marks.reply_address(m.mark)}>"},
    "delivered": lambda m: {"headers": f"Delivered-To: {m.house.office.marks.reply_address(m.mark).upper()}\n"},
    "answered": lambda m: {"headers": f"In-Reply-To: {m.house.office.marks.message_id(m.mark)}\n"},
    "referenced": lambda m: {"headers": f"References: <a@b> {m.house.office.marks.message_id(m.mark)} <c@d>\n"},
    "quoted": lambda m: {"text": f"thanks\n\n> > {m.house.office.marks.body_mark(m.mark)}"},
}
UNSIGNED: dict[str, Evidence] = {
    "stored": lambda m: {"headers": f"In-Reply-To: {m.id}\n"},
    "stored far back": lambda m: {
        "headers": f"References: {m.id} {' '.join(f'<{n}.{new_id()}@x>' for n in range(20))}\n"
    },
    "ancestor": lambda m: {"headers": f"In-Reply-To: {m.root}\n"},
    "thread index": lambda m: {"headers": m.outlook(new_id()[:5].encode())},
    "tag": lambda m: {"subject": f"[#{m.ticket}] whatever"},
    "queue's tag": lambda m: {"subject": f"[support-{m.ticket}] whatever"},
    "their tag": lambda m: {"subject": f"[Their Desk #{m.digits()}] whatever"},
    "case number": lambda m: {"text": f"see Ref:MSG{m.digits()}"},
}


def post(house: House, author: str, random: Random, subject: str, words: dict[str, str]) -> str:
    """Take a mail with this evidence; returns its acceptance id."""
    raw = mail(
        f"{words.get('text', 'more')} {new_id()}",
        author=author,
        subject=random.choice(PREFIXES) + words.get("subject", subject),
        to=words.get("to", "support@company.example"),
        headers=words.get("headers", ""),
    )
    return house.accept(raw, to=words.get("envelope", ""))


def results(house: House, ids: list[str]) -> list[Spool]:
    """What became of them."""
    house.work()
    return [house.rows(id_)[0] for id_ in ids]


@run
@given(SEEDS)
def test_honest_follow_ups_are_never_misfiled(shared: House, seed: int) -> None:
    """By any evidence, under any prefix, from any address of its people: into its ticket, unflagged."""
    random, matters = Random(seed), [Matter(shared) for _ in range(5)]
    evidence, sent, wanted = SIGNED | UNSIGNED, [], []
    for _ in range(BATCH):
        matter, kind = random.choice(matters), random.choice(sorted(evidence))
        author = random.choice([matter.customer, matter.customer.upper(), matter.second, f"Bob <{matter.colleague}>"])
        sent.append(post(shared, author, random, matter.subject, evidence[kind](matter)))
        wanted.append((matter.ticket, kind))
    rows = results(shared, sent)
    assert [(shared.ticket_of(row).id, kind) for row, (_, kind) in zip(rows, wanted, strict=True)] == wanted
    flags = [message.flags for matter in matters for message in shared.messages(matter.ticket)]
    assert not any(flags)


def forged(words: dict[str, str], random: Random) -> dict[str, str]:
    """The same with one character of a token changed, where there is one."""
    key, value = random.choice(sorted(words.items()))
    at = random.randrange(len(value))
    return (
        words | {key: value[:at] + random.choice("abcdefgh234567") + value[at + 1 :]} if value[at].isalnum() else words
    )


@run
@given(SEEDS)
def test_forged_follow_ups_are_never_a_participants(shared: House, seed: int) -> None:
    """Whatever a stranger copies, alters or dresses up, he is a stranger: elsewhere, or in the ticket as unverified."""
    random, matters, sent = Random(seed), [Matter(shared) for _ in range(5)], []
    evidence = SIGNED | UNSIGNED
    for _ in range(BATCH):
        matter, eve = random.choice(matters), f"eve.{new_id()}@evil.example"
        words = dict[str, str]()
        for kind in random.sample(sorted(evidence), random.randint(1, 3)):
            words |= {k: words.get(k, "") + v if k == "headers" else v for k, v in evidence[kind](matter).items()}
        if random.random() < 0.4 and "envelope" not in words:
            words = forged(words, random)
        headers = random.choice(
            [
                "",
                f"Reply-To: {matter.customer}\n",
                f"Sender: {matter.customer}\n",
                f"List-Id: <l.evil.example>\nX-Original-From: {matter.customer}\n",
                f"X-Original-Sender: {matter.customer}\nReturn-Path: <{matter.customer}>\n",
                f"Resent-From: {matter.customer}\n",
            ]
        )
        name = random.choice(["", f'"{matter.customer}" ', f'"Carla ({matter.customer})" ', "'Carla' via Help "])
        words["headers"] = words.get("headers", "") + headers
        sent.append(post(shared, f"{name}<{eve}>", random, matter.subject, words))
    rows = results(shared, sent)
    tickets = {matter.ticket: matter for matter in matters}
    # Under one customer's name the same matter again and again: it waits for a person, and is in no ticket.
    held = [row for row in rows if row.state is SpoolState.HELD]
    assert all(row.message_id is None and row.reason.startswith("repetition: ") for row in held)
    for row in (row for row in rows if row not in held):
        message = next((m for m in shared.messages(shared.ticket_of(row).id) if m.id == row.message_id), None)
        assert message is not None
        assert message.ticket_id not in tickets or "unverified" in message.flags, row.trace
    for number, matter in tickets.items():
        assert shared.ticket(number).customer_address == matter.customer
        strangers = {address for address in shared.people(number) if address.endswith("evil.example")}
        assert all(shared.people(number)[address] == "unverified" for address in strangers)
