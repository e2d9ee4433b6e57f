"""Keys for signing and the records to publish, from the command line, against a DNS server of the test."""

import json
from collections.abc import Iterator

import pytest
from fakes.commandline import Cli
from peers.dns import DnsServer, dns_server


@pytest.fixture
def dns(cli: Cli) -> Iterator[DnsServer]:
    """The DNS that the installation asks."""
    with dns_server() as server:
        with cli.config.open("a") as file:
            file.write(f'\n[dns]\nnameservers = ["{server.address}"]\ntimeout_seconds = 3\n')
        yield server


def test_keys_are_made_listed_and_retired(both: Cli) -> None:
    """A pair of keys with the records to publish; the private halves are shown nowhere and lie sealed."""
    made = both.json("dkim", "new", "Company.Example", "--selector", "desk")
    assert [(key["selector"], key["algorithm"], key["state"]) for key in made] == [
        ("desk-rsa", "rsa", "signing"),
        ("desk-ed25519", "ed25519", "signing"),
    ]
    assert made[0]["name"] == "desk-rsa._domainkey.company.example"
    assert made[0]["record"].startswith("v=DKIM1; k=rsa; p=MII")
    assert both.json("dkim", "list") == made
    assert "secret" not in json.dumps(made)
    assert both.json("dkim", "retire", "company.example", "desk-rsa")["state"] == "retired"
    assert [key["selector"] for key in both.json("dkim", "list")] == ["desk-ed25519"]
    assert [key["state"] for key in both.json("dkim", "list", "--all")] == ["retired", "signing"]


def test_key_that_cannot_be_is_refused(cli: Cli) -> None:
    """No domain, a strange selector, one that was used, a third pair, a key that is not there."""
    assert "no domain" in cli.refuses("dkim", "new", "nowhere", exits=2)
    assert "--selector" in cli.refuses("dkim", "new", "a.example", "--selector", "A_b", exits=2)
    cli.run("dkim", "new", "a.example", "--selector", "one")
    assert "--selector" in cli.refuses("dkim", "new", "a.example", "--selector", "one")
    cli.run("dkim", "new", "a.example", "--selector", "two")
    assert "retire" in cli.refuses("dkim", "new", "a.example", "--selector", "three")
    assert "two-rsa" in cli.refuses("dkim", "retire", "a.example", "nothing")


def _standing(cli: Cli, *words: str) -> dict[str, str]:
    return {f"{one['purpose']} {one['domain']}": one["standing"] for one in cli.json("dns", *words)}


def test_records_are_printed_and_looked_up(cli: Cli, dns: DnsServer) -> None:
    """What is there is ok, what is not is missing, what says something else is different."""
    cli.run("queue", "new", "Support", "--from", "support@company.example")
    key = cli.json("dkim", "new", "company.example", "--selector", "desk")[0]
    dns.zone |= {
        "in.desk.example": {"MX": ["10 other.example."], "TXT": ["v=spf1 mx ~all", "other=1"]},
        "mx.desk.example": {"AAAA": ["2001:db8::1"]},
        "_dmarc.desk.example": {"TXT": ["v=DMARC1; p=reject"]},
        key["name"]: {"TXT": [key["record"].replace("; k=rsa", "")]},
        "desk-ed25519._domainkey.company.example": {"TXT": ["v=DKIM1; k=ed25519; p=other"]},
    }
    assert _standing(cli) == {
        "mx in.desk.example": "different",
        "address in.desk.example": "ok",
        "spf in.desk.example": "ok",
        "dkim in.desk.example": "missing",
        "dmarc in.desk.example": "ok",
        "mta-sts in.desk.example": "advised",
        "tls-rpt in.desk.example": "advised",
        "dkim company.example": "different",
        "dmarc company.example": "missing",
    }
    dns.zone["in.desk.example"]["MX"] = ["10 MX.desk.example."]
    assert _standing(cli, "in.desk.example")["mx in.desk.example"] == "ok"
    assert "gateway dkim new in.desk.example" in cli.run("dns", "in.desk.example")


def test_dns_that_is_silent_costs_seconds_and_is_no_fault(cli: Cli, dns: DnsServer) -> None:
    """The records are printed all the same, as unknown, and doctor does not fail for it."""
    dns.is_silent = True
    assert set(_standing(cli).values()) == {"unknown", "missing"}
    assert cli.house.agent  # with a queue and an agent doctor has nothing else to say
    checks = cli.json("doctor")["checks"]
    assert not [check for check in checks if check["subject"].startswith("DNS")]


def test_doctor_looks_at_dns_and_at_who_is_not_signed_for(cli: Cli, dns: DnsServer) -> None:
    """An inbox as From on the default servers without our key is a warning that names the command."""
    text = cli.config.read_text().replace("undo_seconds = 60", 'servers = [{ host = "127.0.0.1", port = 1 }]')
    cli.config.write_text(text)
    cli.run("queue", "new", "Support", "--source", "support@company.example")
    dns.zone["in.desk.example"] = {"MX": ["10 mx.desk.example."]}
    checks = {c["subject"]: c for c in json.loads(cli.run("doctor", "--json", exits=1))["checks"]}
    assert checks["DNS mx of in.desk.example"]["state"] == "ok"
    assert checks["DNS spf of in.desk.example"]["state"] == "warn"
    assert "gateway dkim new company.example" in checks["signing for company.example"]["advice"]
    cli.run("dkim", "new", "company.example")
    checks = {c["subject"]: c for c in json.loads(cli.run("doctor", "--json", exits=1))["checks"]}
    assert "signing for company.example" not in checks
