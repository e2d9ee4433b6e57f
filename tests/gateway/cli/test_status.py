"""What waits, for people who look at it all day and for those who get a page a month."""

from datetime import datetime
from xml.etree import ElementTree

import pytest
from fakes.commandline import Cli
from fakes.house import days_ago, mail


@pytest.fixture
def desk(both: Cli) -> Cli:
    """Three tickets, one of them of the day before yesterday; the first was answered."""
    for number in range(3):
        both.house.receive(mail(f"text {number}", subject=f"Matter {number}", author=f"a{number}@x.example"))
    both.house.add_queue("<Quiet>")
    both.house.change_ticket(3, created_at=days_ago(2), updated_at=days_ago(2))
    both.run("reply", "1", "-m", "Unplug it")
    return both


def test_status_tells_since_when_the_oldest_waits_and_when_mail_came_last(desk: Cli) -> None:
    """By queue; null where nothing waits or came."""
    quiet, support = desk.json("status")["queues"]
    assert datetime.fromisoformat(support["oldest_waiting"]) < days_ago(1.9)
    assert datetime.fromisoformat(support["last_mail"]) > days_ago(0.1)
    assert (quiet["oldest_waiting"], quiet["last_mail"]) == (None, None)
    assert "OLDEST WAITS SINCE" in desk.run("status")


def test_report_counts_new_tickets_and_answer_times_by_day(desk: Cli) -> None:
    """Days without gaps; the sum is that of the days."""
    quiet, support = desk.json("status", "--report", "queues.html", "--days", "7")
    assert [day["opened"] for day in support["days"]] == [0, 0, 0, 0, 1, 0, 2]
    assert (support["opened"], support["answered"], len(support["days"])) == (3, 1, 7)
    assert 0 <= support["hours"] < 0.5
    assert (quiet["opened"], quiet["hours"]) == (0, None)


def test_report_is_one_page_with_charts_and_without_script(desk: Cli) -> None:
    """It is sound XML, names are escaped, and nothing is loaded."""
    assert "2 queues" in desk.run("status", "--report", "queues.html")
    page = (desk.folder / "queues.html").read_text()
    tree = ElementTree.fromstring(
        page.removeprefix("<!doctype html>")
        .replace('<meta charset="utf-8">', "")
        .replace("'unsafe-inline'\">", "'unsafe-inline'\"/>")
    )
    assert len(tree.findall(".//svg")) == 4
    assert len(tree.findall(".//rect")) == 4 * 30
    assert "&lt;Quiet&gt;" in page
    assert "script" not in page
    assert desk.refuses("status", "--report", "absent/queues.html")
    assert desk.refuses("status", "--report", "a.html", "--watch", exits=2)


def test_watched_status_is_shown_until_it_is_stopped(desk: Cli) -> None:
    """Each time anew."""
    rounds = []

    def pause(seconds: float) -> None:
        rounds.append(seconds)
        if len(rounds) == 2:
            raise KeyboardInterrupt

    desk.monkeypatch.setattr("gateway.cli.status.time.sleep", pause)
    assert desk.run("status", "--watch", "--every", "2", exits=130).count("QUEUE") == 2
    assert rounds == [2, 2]
