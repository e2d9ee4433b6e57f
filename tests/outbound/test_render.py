"""Templates: what they may do, and whose go first (T50)."""

from pathlib import Path

import pytest

from config.errors import BadConfiguration
from outbound.render import SHIPPED, fault_of, render, render_letter, template_files

NAMES = "language subject sender color on_color logo marker header footer words signature quote_head quote ref"
VALUES = dict.fromkeys(NAMES.split(), "")


@pytest.mark.parametrize("name", sorted(template_files(None)))
def test_shipped_template_can_be_used(name: str) -> None:
    """Every template that we ship passes its own check."""
    assert fault_of(name, None) == ""


@pytest.mark.parametrize(
    "source",
    [
        "{% for x in range(100000000) %}x{% endfor %}",
        "{{ 'a' * 100000000 }}",
        "{{ 'a'|center(100000000) }}",
        "{{ '%0100000000d'|format(1) }}",
        "{{ ''.__class__.__mro__ }}",
        "{{ words.__class__ }}",
        "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
        "{{ lipsum(100000) }}",
        "{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}",
        "{% include 'letter-bad.html' %}",
        "{% import 'letter.html' as x %}",
        "{% set x = 2 ** 100000 %}",
        "{% extends 'letter-bad.html' %}",
        "{{ words|map('upper')|list }}",
        "{% if %}",
        "{{ nothing }}",
        "x" * 70_000,
    ],
)
def test_template_that_does_more_than_fill_in_is_refused(tmp_path: Path, source: str) -> None:
    """Loops, calls, attributes, arithmetic: told with the name of the template, and nothing of it runs."""
    (tmp_path / "letter-bad.html").write_text(source)
    with pytest.raises(BadConfiguration, match=r"letter-bad\.html"):
        render_letter("bad", VALUES, tmp_path)
    assert fault_of("letter-bad.html", tmp_path)


def test_two_templates_that_extend_each_other_end(tmp_path: Path) -> None:
    """A circle is an error, not an endless mail."""
    (tmp_path / "letter-a.html").write_text("{% extends 'letter-b.html' %}")
    (tmp_path / "letter-b.html").write_text("{% extends 'letter-a.html' %}")
    with pytest.raises(BadConfiguration):
        render_letter("a", VALUES, tmp_path)


def test_values_never_become_templates_or_html(tmp_path: Path) -> None:
    """What people write stands there as they wrote it, escaped."""
    html = render_letter("simple", VALUES | {"words": "{{ 7*7 }} <script>alert(1)</script>"}, tmp_path)
    assert "{{ 7*7 }} &lt;script&gt;" in html


def test_own_template_goes_before_the_shipped_one_and_may_extend_it(tmp_path: Path) -> None:
    """A file of the same name hides ours; the others stay."""
    own = "{% extends 'letter.html' %}{% block letter %}<p>Own: {{ words }}</p>{% endblock %}"
    (tmp_path / "letter-simple.html").write_text(own)
    (tmp_path / "acknowledgement.en.txt").write_text(
        "{% block subject %}Got it{% endblock %}{% block body %}No. {{ number }}{% endblock %}"
    )
    (tmp_path / "notes.md").write_text("{% for %}")
    files = template_files(tmp_path)
    assert files["letter-simple.html"].parent == tmp_path
    assert files["letter-card.html"].parent == SHIPPED
    assert "notes.md" not in files
    assert "<p>Own: hello</p>" in render_letter("simple", VALUES | {"words": "hello"}, tmp_path)
    values = {"number": "7", "sender": "Acme"}
    assert render("acknowledgement", "en", values, tmp_path).text == "No. 7\n"
    assert "Acme" in render("acknowledgement", "pt", values, tmp_path).text


def test_template_that_is_changed_is_read_again(tmp_path: Path) -> None:
    """Nobody restarts a gateway for a footer."""
    file = tmp_path / "letter-own.html"
    file.write_text("one")
    assert render_letter("own", VALUES, tmp_path) == "one"
    file.write_text("second")
    assert render_letter("own", VALUES, tmp_path) == "second"


def test_text_template_without_its_blocks_is_told(tmp_path: Path) -> None:
    """Subject and body are asked for, in the check and when it is used."""
    (tmp_path / "acknowledgement.en.txt").write_text("{% block subject %}x{% endblock %}")
    assert "body" in fault_of("acknowledgement.en.txt", tmp_path)
    with pytest.raises(BadConfiguration, match="body"):
        render("acknowledgement", "en", {"number": "1", "sender": "x"}, tmp_path)
