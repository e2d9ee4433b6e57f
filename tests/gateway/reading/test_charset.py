"""Octets become text, whatever their label says."""

from __future__ import annotations

import encodings
import pkgutil

import pytest

from gateway.reading.charset import clean_text, codec_of, decode_octets
from gateway.reading.charset_guess import guess_charset
from gateway.reading.html_charset import declared_in_html
from gateway.reading.jis import decode_jis

TEXTS = [
    ("gb18030", "您好，我想咨询一下订单的问题，谢谢"),
    ("big5", "請問我的發票什麼時候可以寄出？"),
    ("cp932", "お世話になっております。注文についてお伺いします。"),
    ("euc-jp", "お世話になっております。注文についてお伺いします。"),
    ("cp949", "안녕하세요 주문에 대해 문의드립니다"),
    ("cp1251", "Здравствуйте, у меня вопрос по заказу"),
    ("cp1251", "ЗАКАЗ НОМЕР ПЯТЬ"),
    ("koi8-r", "Здравствуйте, у меня вопрос по заказу"),
    ("cp1252", "Olá, não recebi a encomenda – obrigado"),
    ("cp1252", "Größe und Straße"),
    ("cp1252", "ÜBERGRÖSSE"),
    ("cp1250", "Dzień dobry, proszę o fakturę"),
    ("cp1250", "Příliš žluťoučký kůň úpěl"),
    ("iso8859-2", "Dzień dobry, proszę o fakturę, jaźń ślą"),
    ("cp1253", "Καλημέρα, έχω μια ερώτηση για την παραγγελία"),
    ("cp1255", "שלום, יש לי שאלה לגבי ההזמנה"),
    ("cp1256", "مرحبا، لدي سؤال حول الطلب"),
    ("cp874", "สวัสดีครับ ผมมีคำถามเกี่ยวกับคำสั่งซื้อ"),
    ("cp1254", "Siparişim hakkında bir sorum var, teşekkürler"),
]


@pytest.mark.parametrize(("codec", "text"), TEXTS)
def test_text_is_right_when_its_charset_is_declared(codec, text):
    """A declared charset is believed."""
    assert decode_octets(text.encode(codec), codec) == (text, "")


@pytest.mark.parametrize(("codec", "text"), TEXTS)
def test_text_is_guessed_when_nothing_is_declared(codec, text):
    """Text of each family is known by its own signs, and the guess is a defect."""
    assert decode_octets(text.encode(codec), "") == (text, "charset-missing")


@pytest.mark.parametrize(("codec", "text"), TEXTS)
def test_text_is_guessed_when_utf8_is_a_lie(codec, text):
    """Octets that are no UTF-8 are not read as such, whatever the header says."""
    assert decode_octets(text.encode(codec), "utf-8") == (text, "charset-wrong")


@pytest.mark.parametrize(("codec", "text"), TEXTS)
def test_utf8_is_known_under_another_label(codec, text):
    """Valid UTF-8 under the label of another charset is read as UTF-8."""
    assert decode_octets(text.encode(), codec) == (text, "charset-wrong")


@pytest.mark.parametrize("name", [module.name for module in pkgutil.iter_modules(encodings.__path__)])
def test_no_codec_is_chosen_by_a_header_alone(name):
    """Codecs that are not on the list, such as punycode or zlib, are never run."""
    dangerous = (
        "punycode",
        "idna",
        "unicode_escape",
        "raw_unicode_escape",
        "rot_13",
        "undefined",
        "palmos",
        "mbcs",
        "oem",
    )
    if name.endswith("_codec") or name in dangerous:
        assert codec_of(name) == ""
    decode_octets(b"abc-\xff+AGE-", name)


def test_utf7_is_read_only_where_it_is_declared():
    """A plus and a minus in ordinary text mean themselves."""
    assert decode_octets(b"+AOk-", "") == ("+AOk-", "")
    assert decode_octets(b"+AOk-", "utf-7")[0] == "é"
    assert decode_octets(b"+2AA-", "utf-7")[0] == "\ufffd"


@pytest.mark.parametrize(
    ("octets", "declared", "text", "defect"),
    [
        (b"abc", "no-such-charset", "abc", "charset-unknown"),
        (b"\xe9", "no-such-charset", "é", "charset-unknown"),
        (b"caf\xc3\xa9", "iso-8859-1", "café", "charset-wrong"),
        (b"\x80\x81\x9d", "iso-8859-1", "€\x81\x9d", ""),
        (b"a\x80\xd2", "windows-1253", "a€\ufffd", "charset-broken"),
        ("日本語です".encode() + b"\xe6", "utf-8", "日本語です\ufffd", "charset-broken"),
        ("您好您好您好您好".encode("gb18030") + b"\xff", "gb2312", "您好您好您好您好\ufffd", "charset-broken"),
        (b"\xef\xbb\xbfabc\xc3\xa9", "", "abcé", ""),
        ("\ufeffabc".encode("utf-16-le"), "", "\ufeffabc"[1:], "charset-missing"),
        (b"Caf\xe9", 'charset="iso-8859-1"', "Café", ""),
        (b"a\0b\r\nc", "", "ab\r\nc", ""),
    ],
)
def test_odd_labels(octets, declared, text, defect):
    """Wrong, unknown and broken labels give the best text and say so."""
    assert decode_octets(octets, declared) == (text, defect)


def test_clean_text_has_nothing_that_a_database_refuses():
    """NUL goes, lone surrogates become U+FFFD, line ends become LF."""
    assert clean_text("a\0\r\nb\rc\ud800é") == "a\nb\nc\ufffdé"


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        ("すみません。".encode("iso2022_jp"), "すみません。"),
        (b"\x1b$B\x2d\x21\x2d\x35\x1b(B end", "①Ⅰ end"),
        (b"\x1b$B\x2d\x21\x1b(I\x31\x32\x1b(B", "①ｱｲ"),
        (b"\x1b$B\x2d\x21\x1b$(D\x30\x21\x1b(B", "①丂"),
        (b"\x1b$B\x2d", "-"),
        ("こんにちは".encode("cp932"), "こんにちは"),
        ("こんにちは".encode(), "こんにちは"),
        ("こんにちは".encode("euc-jp"), "こんにちは"),
        (b"\xff\xff", "\ufffd\ufffd"),
    ],
)
def test_japanese_is_read_as_it_is_sent(octets, text):
    """ISO-2022-JP with NEC's and Microsoft's characters, and other charsets under its name."""
    assert decode_jis(octets).replace("\uf8f3", "\ufffd") == text


def test_undeclared_japanese_is_known_by_its_escapes():
    """Escape sequences tell ISO-2022-JP without a label."""
    assert decode_octets("すみません".encode("iso2022_jp"), "") == ("すみません", "charset-missing")


def test_ascii_guesses_western():
    """Octets below 128 alone give no sign."""
    assert guess_charset(b"abc") == "cp1252"
    assert guess_charset(b"\x80\x90\xa0\x80\xff\x01\x80\x90\xa0\xad") == "cp1252"


def test_html_may_state_its_charset():
    """The meta element counts where the header says nothing."""
    assert declared_in_html(b'<meta http-equiv="x" content="text/html; charset=windows-1251">') == "windows-1251"
    assert declared_in_html(b"<p>") == ""


def test_utf_8_is_read_when_another_charset_of_several_octets_is_declared():
    """Octets that the declared charset cannot hold at all, and UTF-8 can."""
    assert decode_octets("Grüße".encode(), "iso-2022-kr") == ("Grüße", "charset-wrong")


def test_kanji_of_the_last_rows_are_read_beside_those_of_a_vendor():
    """Shift_JIS has a gap between its two ranges of lead octets."""
    assert decode_jis(b"\x1b$B-!t&\x1b(B") == "①熙"
