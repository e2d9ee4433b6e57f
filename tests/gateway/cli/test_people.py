"""Contacts and addresses from the command line, on both databases."""

import csv
import io

import pytest
from fakes.commandline import Cli
from fakes.house import mail


@pytest.fixture
def desk(both: Cli) -> Cli:
    """An installation with two tickets of two contacts."""
    both.house.receive(mail())
    both.house.receive(mail("two", author="Carla Private <carla@home.example>"))
    return both


def test_merged_contacts_are_one_person_with_all_addresses_and_tickets(desk: Cli) -> None:
    """Mail from either address is his from now on."""
    merged = desk.json("contact", "merge", "carla@home.example", "--into", "carla@customer.example")
    assert merged["emails"] == ["carla@customer.example", "carla@home.example"]
    assert len(desk.json("contact", "show", "carla@home.example")["tickets"]) == 2
    desk.house.receive(mail("three", author="carla@home.example", subject="Third"))
    assert len(desk.json("contact", "show", "carla@customer.example")["tickets"]) == 3
    assert len(desk.json("contact", "list")) == 1
    desk.refuses("contact", "merge", "carla@home.example", "--into", "carla@customer.example", exits=2)


def test_people_of_a_domain_belong_to_its_organisation(desk: Cli) -> None:
    """Named once, it shows on each contact; subdomains are not meant."""
    rows = desk.json("contact", "organisation", "@Customer.example", "Customer Ltd")
    assert rows == [{"domain": "customer.example", "name": "Customer Ltd"}]
    assert desk.json("contact", "show", "carla@customer.example")["organisation"] == "Customer Ltd"
    assert desk.json("contact", "show", "carla@home.example")["organisation"] is None
    assert desk.json("contact", "organisation", "customer.example", "-") == []
    desk.refuses("contact", "organisation", "no domain", "x", exits=2)
    desk.refuses("contact", "organisation", "customer.example", exits=2)


def test_exported_contacts_can_be_imported_again(desk: Cli) -> None:
    """The same file changes nothing; a cell that a spreadsheet would run is shown as text."""
    desk.run("contact", "edit", "carla@customer.example", "--name", "=cmd()", "--notes", "likes, commas")
    written = desk.run("contact", "export")
    rows = list(csv.DictReader(io.StringIO(written)))
    assert [row["name"] for row in rows] == ["'=cmd()", "Carla Private"]
    done = desk.json("contact", "import", "-", stdin=written)
    assert (done["added"], done["changed"], done["refused"]) == (0, 2, [])
    assert desk.run("contact", "export") == written


def test_contacts_of_another_program_are_imported_and_bad_rows_named(desk: Cli) -> None:
    """Other heads, semicolons, a byte order mark; what is wrong is named with its line and holds up nothing."""
    head = "\ufeffFull name;E-mail;Telephone\n"
    rows = f"{head}Dora;dora@x.example, d@x.example;123\nBad;no address;\n;;\nEve;eve@x.example;"
    done = desk.json("contact", "import", "-", stdin=rows)
    assert (done["added"], done["changed"]) == (2, 0)
    assert [line.partition(":")[0] for line in done["refused"]] == ["line 3"]
    dora = desk.json("contact", "show", "d@x.example")
    assert (dora["name"], dora["emails"], dora["phone"], dora["known"]) == (
        "Dora",
        ["d@x.example", "dora@x.example"],
        "123",
        True,
    )
    desk.refuses("contact", "import", "-", stdin="a,b\n1,2\n", exits=2)
    desk.refuses("contact", "import", "absent.csv")


def test_rotated_address_has_a_successor_and_still_makes_tickets(desk: Cli) -> None:
    """The steps name what to change at the provider; nothing is lost meanwhile."""
    old = desk.house.address
    desk.run("queue", "set", "Support", "--source", "support@company.example")
    desk.run("address", "set", old, "--label", "Shop")
    done = desk.json("address", "rotate", old)
    assert (done["retired"]["address"], done["retired"]["state"]) == (old, "retired")
    assert (done["address"]["state"], done["address"]["label"]) == ("active", "Shop")
    assert "support@company.example" in done["steps"][0]
    assert done["address"]["address"] in done["steps"][0]
    assert str(desk.house.receive(mail("late"), to=old).state) == "filed"
    assert str(desk.house.receive(mail("new"), to=done["address"]["address"]).state) == "filed"
    assert "What is to be done" in desk.run("address", "rotate", done["address"]["address"])


def test_person_is_erased_only_with_a_yes(desk: Cli) -> None:
    """Without it nothing happens; with it his tickets are shells, and he is nobody."""
    assert "--yes" in desk.refuses("contact", "erase", "carla@customer.example")
    done = desk.json("contact", "erase", "carla@customer.example", "--yes")
    assert (done["tickets"], done["messages"], done["mails"]) == (1, 1, 1)
    shell = desk.json("show", "1")
    assert (shell["subject"], shell["contact"], shell["participants"]) == ("(erased)", None, [])
    desk.refuses("contact", "show", "carla@customer.example")
    assert desk.json("show", "2")["contact"]["email"] == "carla@home.example"
    assert "(erased)" in desk.run("mail", "why", "1.1")
    assert desk.json("audit")["ok"]
