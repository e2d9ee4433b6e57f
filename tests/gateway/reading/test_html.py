"""HTML is safe to show, keeps its look, and becomes text that keeps its structure."""

from __future__ import annotations

import time

import pytest

from gateway.reading.html import clean_html
from gateway.reading.html_guard import refusal
from gateway.reading.html_text import html_to_text


def cleaned(html: str) -> str:
    """The safe HTML of something that may be shown."""
    safe, defect = clean_html(html)
    assert safe is not None, defect
    return safe.html


@pytest.mark.parametrize(
    "html",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<svg onload=alert(1)><script>alert(1)</script></svg>",
        "<a href='javascript:alert(1)'>x</a>",
        "<a href='data:text/html,<script>alert(1)</script>'>x</a>",
        "<iframe src='https://evil.example'></iframe>",
        "<form action='https://evil.example'><input name=a></form>",
        "<link rel=stylesheet href='https://evil.example/a.css'>",
        "<base href='https://evil.example/'><meta http-equiv=refresh content='0;url=https://evil.example'>",
        "<style>@import url(https://evil.example)</style>",
        "<p style='background:url(https://evil.example/x)'>x</p>",
        "<p style='background:\\75rl(https://evil.example)'>x</p>",
        "<p style='background:u/**/rl(https://evil.example)'>x</p>",
        "<p style='width:expression(alert(1))'>x</p>",
        "<p style='behavior:url(x);-moz-binding:url(x);position:fixed'>x</p>",
        "<p style='list-style:image-set(\"https://evil.example\" 1x)'>x</p>",
        "<table background='https://evil.example/x'><tr><td background='https://evil.example'>x</table>",
        "<img srcset='https://evil.example/x 2x' src=''>",
        "<video src='https://evil.example' poster='https://evil.example'></video>",
        "<math><mtext><script>alert(1)</script></mtext></math>",
        "<noscript><p title='</noscript><img src=x onerror=alert(1)>'></noscript>",
        "<img src='data:image/svg+xml,<svg onload=alert(1)>'>",
        "<img src='file:///etc/passwd'><img src='//evil.example/x'>",
        "<object data='https://evil.example'></object><embed src='https://evil.example'>",
        "<p id=x class=y name=z>x</p>",
    ],
)
def test_nothing_runs_or_loads(html):
    """No script, no handler, no address that a browser would load by itself."""
    shown = cleaned(html).lower()
    for word in (
        "script",
        "onerror",
        "onload",
        "evil.example",
        "url(",
        "expression",
        "position",
        "file:",
        "id=",
        "class=",
    ):
        assert word not in shown


def test_remote_image_keeps_its_address_without_loading():
    """The address of a remote picture is kept where a browser does not look."""
    assert cleaned('<img src="https://x.example/a.png" alt="A">') == (
        '<img data-remote-src="https://x.example/a.png" alt="A">'
    )


def test_pictures_in_the_mail_stay():
    """Pictures by content id and small ones in data: addresses are shown."""
    safe, _ = clean_html('<img src="CID:Logo%401@x"><img src="data:image/png;base64,AAAA">')
    assert safe is not None
    assert safe.content_ids == {"Logo@1@x"}
    assert 'src="data:image/png;base64,AAAA"' in safe.html


def test_look_is_kept():
    """Tables, colours, fonts and sizes stay."""
    html = (
        '<table border="1" bgcolor="#eeeeee"><tbody><tr>'
        '<td colspan="2" style="color:#f00;background-color:rgb(1, 2, 3);font-family:Arial;margin:0 auto">x</td>'
        '</tr></tbody></table><font color="red" size="2">y</font>'
    )
    assert cleaned(html) == html


def test_long_style_is_dropped():
    """A style attribute of many kilobytes is no style."""
    assert cleaned(f"<p style='color:red;{'x' * 9000}'>x</p>") == "<p>x</p>"


@pytest.mark.parametrize(
    ("html", "defect"),
    [
        ("<div>" * 201, "html-too-deep"),
        ("<div>" * 150 + "</div>" * 150 + "<div>" * 150, ""),
        ("".join(f"<font color={number}><p>x" for number in range(190)) + "<p>x" * 2000, "html-too-deep"),
        ("<a " + "x=1 " * 9000 + ">", "html-too-many-attributes"),
        ("<img src='data:image/png;base64," + "A" * 90000 + "'>", ""),
        ("<p " + "x=1 " * 9000, "html-too-many-attributes"),
        ("&amp;" * 200000, "html-too-many-references"),
        ("</div>" * 500 + "<br>" * 500 + "<p>" * 500 + "<td>" * 500, ""),
    ],
)
def test_tree_is_refused_before_it_is_built(html, defect):
    """What would take a tree builder minutes is known by one pass."""
    assert refusal(html) == defect


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>One</p><p>Two<br>Three</p>", "One\n\nTwo\nThree"),
        ("a<br><br><br>b", "a\n\n\nb"),
        ("<p>a</p><br><p>b</p>", "a\n\n\nb"),
        ("<div>a</div><div>b <b>c</b> d</div>", "a\nb c d"),
        ("<div><div>a</div></div>", "a"),
        ("<p> many   blanks\n and&nbsp;more </p>", "many blanks and more"),
        ("<ul><li>a</li><li>b<ul><li>c</li></ul></li></ul>", "- a\n- b\n  - c"),
        ("<ol><li>a<li>b</ol>text", "1. a\n2. b\n\ntext"),
        ("<li>alone</li></ul>", "- alone"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td><td>d</td></tr></table>", "a\tb\nc\td"),
        ("<table><tr><td><p>a</p></td><td><p>b</p></td></tr></table>", "a\tb"),
        (
            "<table><tr><td>x<table><tr><td>a</td><td>b</td></tr></table></td><td>y</td></tr></table></table>",
            "x\n\na\tb\n\ny",
        ),
        ("<td>a</td><td>b</td>", "a\tb"),
        ("<blockquote>a<blockquote>b</blockquote></blockquote>c", "> a\n>\n> > b\n\nc"),
        ("<pre>a\n\n  b</pre>", "a\n\n  b"),
        ("a<hr>b", "a\n--------------------\nb"),
        ("<a href='https://x.example/'>site</a> now", "site <https://x.example/> now"),
        ("<a href='https://x.example/'>x.example</a>", "x.example"),
        ("<a href=https://x.example>x</a>", "x <https://x.example>"),
        ("<a href='mailto:a@x.org'>a@x.org</a> <a href='mailto:b@x.org'>Bob</a>", "a@x.org Bob <b@x.org>"),
        ("<a href='https://x.example/'></a><a name=x>here</a></a>", "here"),
        ("<img alt='Logo' src=x> <img src=y>", "[Logo]"),
        ("<div style='display: none'>secret <div>x</div></div>shown", "shown"),
        ("<script>x</script><style>y</style><title>z</title>shown", "shown"),
        ("<!-- no -->a<!doctype html>b<![if x]>c", "abc"),
        ("a<!-- open", "a"),
        ("a<!x b", "ax b"),
        ("1 &lt; 2 < 3 &amp; &euro;", "1 < 2 < 3 & €"),
        ("<p>" + "&lt;" * 200 + "</p>", "<" * 200),
        ("<p>" + "&eacute;" * 200 + "</p>", "é" * 200),
        ("<dl><dt>a</dt><dd>b</dd></dl>", "a\nb"),
        ("<h1>Head</h1>text<h2></h2><h3>Next</h3>", "Head\n\ntext\n\nNext"),
        (
            "<p style='display:none'><table><tr><td>x</td></tr></table></p><table><td>a<td>b</table>",
            "a\tb",
        ),
        ("", ""),
    ],
)
def test_html_becomes_text(html, text):
    """Paragraphs, lists, tables, quotations, links and pictures are seen in the text."""
    assert html_to_text(html) == text


def test_endless_markup_is_only_stripped():
    """Behind a great number of tags the rest loses its tags and nothing else."""
    text = html_to_text("<i>a</i>" * 90000)
    assert text.count("a") == 90000
    assert "<" not in text


@pytest.mark.parametrize("piece", ["<", "<a", "<!--", "&", "<a href='", "<table>", "<b><p>", "</p>", '<p style="'])
def test_time_grows_with_the_size(piece):
    """No piece of markup, repeated, takes more than a moment."""
    started = time.process_time()
    html = piece * (50_000 // len(piece))
    clean_html(html)
    html_to_text(html)
    assert time.process_time() - started < 10
