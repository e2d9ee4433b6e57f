"""What is new in an answer: of many clients, languages and habits."""

from __future__ import annotations

from textwrap import wrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.reading.labels import REPLY_MARKER
from gateway.reading.quotation import reply_text

NEW = "It works now, thank you."
OLD = "Did you try to turn it off and on again?"
MARKED = f"> {OLD}\n>\n> Your desk"

ATTRIBUTIONS = [
    "On Tue, Mar 5, 2024 at 10:23 AM Desk <desk@company.example> wrote:",
    "On 5 Mar 2024, at 10:23, Desk <desk@company.example> wrote:",
    "On 2024-03-05 10:23, Desk wrote:",
    "On Tuesday, March 5, 2024 at 10:23:11 AM GMT+1, Desk <desk@company.example> wrote:",
    "Desk <desk@company.example> schrieb am Di., 5. März 2024, 10:23:",
    "Am 05.03.2024 um 10:23 schrieb Desk:",
    "Am Di., 5. März 2024 um 10:23 Uhr schrieb Desk <desk@company.example>:",
    "Le mar. 5 mars 2024 à 10:23, Desk <desk@company.example> a écrit :",
    "Le 05/03/2024 à 10:23, Desk a écrit :",
    "El mar, 5 mar 2024 a las 10:23, Desk (<desk@company.example>) escribió:",
    "El 5/3/24 a las 10:23, Desk escribió:",
    "Em ter., 5 de mar. de 2024 às 10:23, Desk <desk@company.example> escreveu:",
    "Em 05/03/2024 10:23, Desk escreveu:",
    "Desk <desk@company.example> escreveu no dia terça, 5/03/2024 à(s) 10:23:",
    "Il giorno mar 5 mar 2024 alle ore 10:23 Desk <desk@company.example> ha scritto:",
    "Il 05/03/2024 10:23, Desk ha scritto:",
    "Op di 5 mrt. 2024 om 10:23 schreef Desk <desk@company.example>:",
    "W dniu 5.03.2024 o 10:23, Desk pisze:",
    "wt., 5 mar 2024 o 10:23 Desk <desk@company.example> napisał(a):",
    "вт, 5 мар. 2024 г. в 10:23, Desk <desk@company.example>:",
    "05.03.2024 10:23, Desk пишет:",
    "Вторник, 5 марта 2024, 10:23 +03:00 от Desk <desk@company.example>:",
    "вт, 5 бер. 2024 р. о 10:23 Desk <desk@company.example> пише:",
    "út 5. 3. 2024 v 10:23 odesílatel Desk <desk@company.example> napsal:",
    "Dne 05. 03. 24 v 10:23 Desk napsal(a):",
    "ut 5. 3. 2024 o 10:23 Desk <desk@company.example> napísal(a):",
    "Den tis 5 mars 2024 kl 10:23 skrev Desk <desk@company.example>:",
    "Den tir. 5. mar. 2024 kl. 10.23 skrev Desk <desk@company.example>:",
    "tir. 5. mars 2024 kl. 10:23 skrev Desk <desk@company.example>:",
    "ti 5. maalisk. 2024 klo 10.23 Desk (desk@company.example) kirjoitti:",
    "Desk <desk@company.example>, 5 Mar 2024 Sal, 10:23 tarihinde şunu yazdı:",
    "Desk <desk@company.example> ezt írta (időpont: 2024. márc. 5., K, 10:23):",
    "În mar., 5 mar. 2024 la 10:23, Desk <desk@company.example> a scris:",
    "Στις Τρί 5 Μαρ 2024 στις 10:23 π.μ., ο χρήστης Desk <desk@company.example> έγραψε:",
    "uto, 5. ožu 2024. u 10:23 Desk <desk@company.example> napisao je:",
    "На вт, 5.03.2024 г. в 10:23 Desk <desk@company.example> написа:",
    "2024年3月5日(火) 10:23 Desk <desk@company.example>:",
    "2024/03/05 10:23、Desk <desk@company.example>のメール:",
    "Desk <desk@company.example> 于2024年3月5日周二 10:23写道：",
    "在 2024年3月5日，10:23，Desk <desk@company.example> 写道：",
    "Desk <desk@company.example> 於 2024年3月5日 週二 上午10:23寫道：",
    "2024년 3월 5일 (화) 오전 10:23, Desk <desk@company.example>님이 작성:",
    "בתאריך יום ג׳, 5 במרץ 2024 ב-10:23 מאת Desk <desk@company.example>:",
    "في الثلاثاء، 5 مارس 2024 في 10:23 ص تمت كتابة ما يلي بواسطة Desk <desk@company.example>:",
    "Vào Th 3, 5 thg 3, 2024 lúc 10:23 Desk <desk@company.example> đã viết:",
    "Pada tanggal Sel, 5 Mar 2024 pukul 10.23 Desk <desk@company.example> menulis:",
    "Desk/Company wrote on 05/03/2024 10:23:11:",
    "----- On Mar 5, 2024, at 10:23 AM, Desk desk@company.example wrote:",
    "-----Desk <desk@company.example> wrote on 5.3.2024 10:23: -----",
    '05.03.2024, 10:23, "Desk" <desk@company.example>:',
    "On Tue, Mar 5, 2024 at 10:23\u202fAM Desk <desk@company.example> wrote:",
    "Desk <desk@company.example> escreveu (terça, 5/03/2024 à(s) 10:23):",
    "Den tirs. 5. mar. 2024 kl. 10.23 skrev Desk <desk@company.example>:",
    "V V tor., 5. mar. 2024 ob 10:23 je oseba Desk <desk@company.example> napisala:",
    "2024-03-05, an, 10:23 Desk <desk@company.example> rašė:",
    "otrd., 2024. g. 5. marts, plkst. 10:23 — lietotājs Desk (<desk@company.example>) rakstīja:",
    "Desk (<desk@company.example>) kirjutas kuupäeval T, 5. märts 2024 kell 10:23:",
    "เมื่อ อ. 5 มี.ค. 2024 เวลา 10:23 Desk <desk@company.example> เขียนว่า:",
    "Pada Sel, 5 Mac 2024 pada 10:23 PG Desk <desk@company.example> menulis:",
    "Missatge de Desk <desk@company.example> del dia dt., 5 de març 2024 a les 10:23:",
    "Desk (<desk@company.example>) erabiltzaileak hau idatzi du (2024 mar. 5(a), as. (10:23)):",
    "O mar, 5 mar 2024 ás 10:23, Desk (<desk@company.example>) escribiu:",
    "Þann þri., 5. mar. 2024 kl. 10:23 skrifaði Desk <desk@company.example>:",
    "Op Di., 5 Mrt. 2024 om 10:23 het Desk <desk@company.example> geskryf:",
    "در تاریخ سه‌شنبه ۵ مارس ۲۰۲۴، ۱۰:۲۳ Desk <desk@company.example> نوشت:",
    "मंगल, 5 मार्च 2024 को 10:23 am बजे को Desk <desk@company.example> ने लिखा:",
    "уто, 5. мар 2024. у 10:23 Desk <desk@company.example> је написао/ла:",
    "аўт, 5 сак 2024 г. у 10:23 Desk <desk@company.example> піша:",
    "Noong Mar, Mar 5, 2024 ng 10:23 AM, isinulat ni Desk <desk@company.example> ang:",
    "Am 05.03.2024 um 10:23 schrieb Desk <desk@company.example>:",
    "Op 5 mrt 2024 om 10:23 heeft Desk <desk@company.example> het volgende geschreven:",
    "5 mars 2024 kl. 10:23 skrev Desk <desk@company.example>:",
    "Desk <desk@company.example> kirjoitti 5.3.2024 kello 10.23:",
    "Wiadomość napisana przez Desk <desk@company.example> w dniu 05.03.2024, o godz. 10:23:",
    "5 марта 2024 г., в 10:23, Desk <desk@company.example> написал(а):",
    "Desk <desk@company.example> şunları yazdı (5 Mar 2024 10:23):",
    "2024年3月5日 10:23，Desk <desk@company.example> 写道：",
    "Desk <desk@company.example> 於 2024年3月5日 上午10:23 寫道：",
    "2024. 3. 5. 오전 10:23, Desk <desk@company.example> 작성:",
    "5. 3. 2024 v 10:23, Desk <desk@company.example>:",
    "5. 3. 2024 o 10:23, Desk <desk@company.example> napísal(a):",
    "Desk <desk@company.example> írta (2024. 03. 05. dátummal, 10:23 időpontban):",
    "Pe 5 mar. 2024, la 10:23, Desk <desk@company.example> a scris:",
    "Desk <desk@company.example> je 05.03.2024. u 10:23 napisao:",
    "Στις 5 Μαρ 2024, στις 10:23, ο/η Desk <desk@company.example> έγραψε:",
    "ב-5 במרץ 2024, בשעה 10:23, Desk <desk@company.example> כתב/ה:",
    "في 5 مارس 2024، الساعة 10:23، كتب/كتبت Desk <desk@company.example>:",
    "Vào 10:23, 5 thg 3, 2024, Desk <desk@company.example> đã viết:",
    "ในวันที่ 5 มี.ค. 2567 เวลา 10:23 Desk <desk@company.example> เขียนว่า:",
    "Pada 5 Mar 2024, pada 10.23, Desk <desk@company.example> menulis:",
    "On 3/5/24 10:23, Desk wrote:",
    "Op 05-03-2024 om 10:23 schreef Desk:",
    "Den 2024-03-05 kl. 10:23, skrev Desk:",
    "Den 05.03.2024 10:23, skrev Desk:",
    "Desk kirjoitti 5.3.2024 klo 10.23:",
    "2024. 03. 05. 10:23 keltezéssel, Desk írta:",
    "Pe 05.03.2024 10:23, Desk a scris:",
    "5.03.2024 10:23 tarihinde Desk yazdı:",
    "Desk さんは書きました:",
    "(2024/03/05 10:23), Desk wrote:",
    "在 2024/3/5 10:23, Desk 写道:",
    "Desk 於 2024/3/5 上午 10:23 寫道:",
    "2024-03-05 오전 10:23에 Desk 이(가) 쓴 글:",
    "Στις 5/3/2024 10:23 π.μ., ο/η Desk έγραψε:",
    "На 5.03.2024 г. в 10:23 ч., Desk написа:",
    "Dana 5.3.2024. u 10:23, Desk je napisao/la:",
    "2024-03-05 10:23, Desk rašė:",
    "בתאריך 05/03/2024 10:23, Desk כתב:",
    'At 2024-03-05 10:23:11, "Desk" <desk@company.example> wrote:',
    '在 2024-03-05 10:23:11，"Desk" <desk@company.example> 写道：',
    "在2024-03-05 10:23:11，Desk<desk@company.example>写道：",
    "On Mar 5, 2024 at 10:23 +0100, Desk <desk@company.example>, wrote:",
    "On Tuesday, March 5th, 2024 at 10:23 AM, Desk <desk@company.example> wrote:",
    "Am 5. März 2024, 10:23 +0100 schrieb Desk <desk@company.example>:",
    "Le 5 mars 2024 à 10:23 +0100, Desk <desk@company.example>, a écrit :",
    "---- On Tue, 05 Mar 2024 10:23:11 +0100 Desk <desk@company.example> wrote ----",
    "---- On Tue, 05 Mar 2024 10:23:11 +0100 desk@company.example wrote ---",
    "---- El mar, 05 mar 2024 10:23:11 +0100, Desk <desk@company.example> escribió ----",
    "---- Am Di, 05 Mär 2024 10:23:11 +0100 desk@company.example schrieb ----",
    "---- Em ter, 05 mar 2024 10:23:11 -0300 Desk <desk@company.example> escreveu ----",
    "Am 05.03.24, 10:23 schrieb Desk <desk@company.example>:",
    "Il 05/03/2024 10:23 CET Desk <desk@company.example> ha scritto:",
    "Am 05.03.2024 10:23 CET schrieb Desk <desk@company.example>:",
    "On 03/05/2024 10:23 AM CET Desk <desk@company.example> wrote:",
    "Am 2024-03-05 10:23, schrieb Desk:",
    "Il 2024-03-05 10:23 Desk ha scritto:",
    "Desk schreef op 2024-03-05 10:23:",
    "Dne 2024-03-05 10:23, Desk napsal:",
    "Zitat von Desk <desk@company.example>:",
    "Quoting Desk <desk@company.example>:",
    "Citando Desk <desk@company.example>:",
    "Desk <desk@company.example> escribió:",
    '"Desk" <desk@company.example> a écrit :',
    "Tuesday, March 5, 2024, 10:23:11 AM, you wrote:",
    "Вы писали 5 марта 2024 г., 10:23:11:",
    "On Tuesday, 5 March 2024 10:23:11 CET Desk wrote:",
    "Am Dienstag, 5. März 2024, 10:23:11 CET schrieb Desk:",
    "On Tue, 2024-03-05 at 10:23 +0100, Desk wrote:",
    "Am Dienstag, dem 05.03.2024 um 10:23 +0100 schrieb Desk:",
    "Le mardi 05 mars 2024 à 10:23 +0100, Desk a écrit :",
    "On Tue, Mar 05, 2024 at 10:23:11AM +0100, Desk wrote:",
    "Desk <desk@company.example> writes:",
    "On Tue, 5 Mar 2024, Desk wrote:",
    "On 05/03/2024 10:23:11, Desk <desk@company.example> wrote:",
    "Desk wrote on 3/5/24 10:23 AM:",
    "Am 5. März 2024 10:23:11 MEZ schrieb Desk <desk@company.example>:",
    "On March 5, 2024 10:23:11 AM GMT+01:00, Desk <desk@company.example> wrote:",
    "On 5 March 2024 at 10:23:11, Desk (desk@company.example) wrote:",
    "On March 5, 2024, Desk <desk@company.example> wrote:",
    "On Tue, 5 Mar at 10:23 AM , Desk <desk@company.example> wrote:",
    "On Tue, Mar 5, 2024 at 10:23 AM Desk < desk@company.example> wrote:",
    "On Tuesday, March 5, 2024, 10:23 AM, Desk <desk@company.example> wrote:",
    "On Tue, Mar 5, 2024 at 10:23, Desk<desk@company.example> wrote:",
    "El martes, 5 de marzo de 2024, 10:23:11 CET, Desk <desk@company.example> escribió:",
    "Am Dienstag, 5. März 2024, 10:23:11 MEZ hat Desk <desk@company.example> Folgendes geschrieben:",
    "Le mardi 5 mars 2024 à 10:23:11 UTC+1, Desk <desk@company.example> a écrit :",
    "Em terça-feira, 5 de março de 2024 às 10:23:11 BRT, Desk <desk@company.example> escreveu:",
    "Il martedì 5 marzo 2024 alle ore 10:23:11 CET, Desk <desk@company.example> ha scritto:",
    "Op dinsdag 5 maart 2024 om 10:23:11 CET schreef Desk <desk@company.example>:",
    "W dniu wtorek, 5 marca 2024 10:23:11 CET użytkownik Desk <desk@company.example> napisał:",
    "Dnia 5 marca 2024 10:23 Desk <desk@company.example> napisał(a):",
    "W dniu 2024-03-05 10:23:11 użytkownik Desk <desk@company.example> napisał:",
    '5 березня 2024, 10:23:11, від "Desk" <desk@company.example>:',
    "Desk wrote (2024/03/05 10:23) :",
    "Den tisdag 5 mars 2024 10:23:11 CET skrev Desk <desk@company.example>:",
    "tiistai 5. maaliskuuta 2024 klo 10.23.11 UTC+2 Desk <desk@company.example> kirjoitti:",
    "2024年3月5日(火) 午前10:23 Desk <desk@company.example>:",
    "2024年3月5日(火) 10:23、Desk <desk@company.example> のメール:",
    "вторник, 5 марта 2024 г. в 10:23:11 GMT+3, Desk <desk@company.example> написал(а):",
    "5 Mart 2024 Salı 10:23:11 GMT+3 tarihinde Desk <desk@company.example> şunu yazdı:",
    "在 2024年3月5日星期二 GMT+8 10:23:11， Desk <desk@company.example> 寫道：",
    "No dia 05/03/2024, às 10:23, Desk <desk@company.example> escreveu:",
    "No dia 5 de mar. de 2024, às 10:23, Desk <desk@company.example> escreveu:",
    "Dňa 5. 3. 2024 o 10:23 Desk napísal(a):",
    "Dne út 5. bře 2024 10:23 uživatel Desk <desk@company.example> napsal:",
    "Le mar. 5 mars 2024, 10:23, Desk <desk@company.example> a écrit :",
    "El El mar, 5 mar 2024 a la(s) 10:23, Desk <desk@company.example> escribió:",
    "Desk <desk@company.example> schrieb am Dienstag, 5. März 2024:",
    "On Tuesday, March 5, 2024 at 10:23:11 AM UTC+1 desk@company.example wrote:",
    "Desk via Tickets <desk@company.example> wrote:",
    "Em seg., 5 de mar. de 2024 10:23, Desk Company Support and Customer Care <desk@company.example> escreveu:",
]


@pytest.mark.parametrize("attribution", ATTRIBUTIONS)
def test_new_text_is_found_when_it_stands_above_the_quotation(attribution: str) -> None:
    """The common answer: new text, who wrote what and when, and the quoted mail."""
    assert reply_text(f"{NEW}\n\n{attribution}\n\n{MARKED}\n", None) == NEW


@pytest.mark.parametrize("attribution", [line for line in ATTRIBUTIONS if "@" in line and "23" in line])
def test_new_text_is_found_when_the_quotation_is_not_marked(attribution: str) -> None:
    """Phones quote without any mark: the line with author and time alone tells."""
    assert reply_text(f"{NEW}\n\n{attribution}\n\n{OLD}\n", None) == NEW


@pytest.mark.parametrize("attribution", ATTRIBUTIONS)
def test_new_text_is_found_when_it_stands_below_the_quotation(attribution: str) -> None:
    """Who answers below means the same."""
    assert reply_text(f"{attribution}\n{MARKED}\n\n{NEW}\n", None) == NEW


@pytest.mark.parametrize("attribution", [line for line in ATTRIBUTIONS if " <desk" in line])
def test_attribution_is_cut_when_gmail_folds_it_within_the_address(attribution: str) -> None:
    """Gmail folds behind the angle bracket, wherever in the line its language puts the author."""
    folded = attribution.replace(" <desk", " <\ndesk")
    assert reply_text(f"{NEW}\n\n{folded}\n\n{MARKED}\n", None) == NEW
    assert reply_text(f"{folded}\n{MARKED}\n\n{NEW}\n", None) == NEW


@pytest.mark.parametrize("attribution", [line for line in ATTRIBUTIONS if "@" in line and "---" not in line])
def test_attribution_is_cut_when_it_is_folded_between_words(attribution: str) -> None:
    """Other clients fold at a length of the line."""
    folded = "\n".join(wrap(attribution, 66, break_long_words=False, break_on_hyphens=False))
    assert reply_text(f"{NEW}\n\n{folded}\n\n{MARKED}\n", None) == NEW


@pytest.mark.parametrize("attribution", ATTRIBUTIONS)
def test_attribution_is_cut_when_it_is_marked_as_quoted(attribution: str) -> None:
    """Apple's programs mark it with what they quote."""
    assert reply_text(f"{NEW}\n\n> {attribution}\n>\n{MARKED}\n", None) == NEW


def test_attribution_is_cut_when_it_is_folded() -> None:
    """Clients fold the line at 76 letters, and no blank line need stand above it."""
    text = f"{NEW}\nOn Tue, Mar 5, 2024 at 10:23 AM, The Desk\n<desk@company.example>\nwrote:\n\n{MARKED}"
    assert reply_text(text, None) == NEW


OUTLOOK = [
    ("From", "Sent", "To", "Subject"),
    ("Von", "Gesendet", "An", "Betreff"),
    ("De", "Envoyé", "À", "Objet"),
    ("De", "Enviado el", "Para", "Asunto"),
    ("De", "Enviada em", "Para", "Assunto"),
    ("Da", "Inviato", "A", "Oggetto"),
    ("Van", "Verzonden", "Aan", "Onderwerp"),
    ("Od", "Wysłano", "Do", "Temat"),
    ("Från", "Skickat", "Till", "Ämne"),
    ("Fra", "Sendt", "Til", "Emne"),
    ("Lähettäjä", "Lähetetty", "Vastaanottaja", "Aihe"),
    ("Od", "Odesláno", "Komu", "Předmět"),
    ("От", "Отправлено", "Кому", "Тема"),
    ("Kimden", "Gönderildi", "Kime", "Konu"),
    ("发件人", "发送时间", "收件人", "主题"),
    ("寄件者", "寄件日期", "收件者", "主旨"),
    ("差出人", "送信日時", "宛先", "件名"),
    ("보낸 사람", "보낸 날짜", "받는 사람", "제목"),
]


@pytest.mark.parametrize(("author", "date", "to", "subject"), OUTLOOK)
@pytest.mark.parametrize(
    "rule", ["", "________________________________\n", "-----Original Message-----\n", " ---------\n\n"]
)
@pytest.mark.parametrize("mark", ["", "*", "**"])
def test_new_text_is_found_when_header_lines_introduce_the_quotation(
    author: str, date: str, to: str, subject: str, rule: str, mark: str
) -> None:
    """Outlook quotes without a mark below the header lines of the earlier mail."""
    text = (
        f"{NEW}\n\n{rule}{mark}{author}:{mark} Desk <desk@company.example>\n{mark}{date}:{mark} 5.3.2024 10:23\n"
        f"{mark}{to}:{mark} Ann\n{mark}{subject}:{mark} The printer\n\n{OLD}\n"
    )
    assert reply_text(text, None) == NEW


@pytest.mark.parametrize(
    "separator",
    [
        "-----Original Message-----",
        "-----Ursprüngliche Nachricht-----",
        "-----Mensagem original-----",
        "-----Message d'origine-----",
        "-----Mensaje original-----",
        "-----Messaggio originale-----",
        "-----Oorspronkelijk bericht-----",
        "-----Původní zpráva-----",
        "----- 原始邮件 -----",
        "-----元のメッセージ-----",
        "------------------ 原始邮件 ------------------",
        "-----원본 메시지-----",
        "-------- Исходное сообщение --------",
        "---- Original message ----",
    ],
)
def test_all_is_cut_when_a_line_announces_the_original(separator: str) -> None:
    """What stands below is the earlier mail, whatever its header lines are."""
    assert reply_text(f"{NEW}\n\n{separator}\nXyz: abc\n\n{OLD}", None) == NEW


@pytest.mark.parametrize(
    "quotation",
    [
        "________________________________\n> Date: Tue, 5 Mar 2024\n> From: desk@company.example\n>\n> Hello",
        "Date: Tue, 5 Mar 2024\nSubject: x\nFrom: desk@company.example\nTo: ann@customer.example\n\nHello",
        "Gesendet: Dienstag, 05. März 2024 um 10:23 Uhr\nVon: desk@company.example\nAn: Ann\nBetreff: x\nHallo",
        "> Message du 05/03/24 10:23\n> De : desk@company.example\n> A : ann@customer.example\n>\n> Hello",
        "------------------ Original ------------------\nFrom: Desk\nHello",
    ],
)
def test_new_text_is_found_when_a_webmailer_writes_its_own_header(quotation: str) -> None:
    """Date first, quoted header lines, a rule above: all introduce the earlier mail."""
    assert reply_text(f"{NEW}\n\n{quotation}\n", None) == NEW


def test_all_is_cut_when_our_marker_stands_there() -> None:
    """Answers are to be written above the line of our template, and what introduces it goes too."""
    attribution = "On 5 Mar 2024, at 10:23, Desk <desk@company.example> wrote:"
    assert reply_text(f"{NEW}\n\n{attribution}\n\n> {REPLY_MARKER}\n> {OLD}", None) == NEW
    assert reply_text(f"{NEW}\n\n{REPLY_MARKER}\n{OLD}", None) == NEW


def test_everything_is_kept_when_answers_stand_between_quotations() -> None:
    """Point by point: without the questions the answers say nothing."""
    text = (
        "Hi,\n\nOn 5 Mar 2024, Desk wrote:\n> Which printer?\n\nThe big one.\n\n"
        "> Which floor?\n\nThe first.\n\n> Thanks\n"
    )
    kept = reply_text(text, None)
    assert kept.endswith("The first.")
    for words in ("Hi,", "> Which printer?", "The big one.", "> Which floor?"):
        assert words in kept


def test_folded_bits_are_quoted_when_a_client_broke_the_lines() -> None:
    """A bit of a quoted line without its mark is no answer."""
    text = (
        f"{NEW}\n\nOn 5 Mar 2024, Desk wrote:\n"
        "> This is a long line that a client has folded at seventy letters or\nso.\n"
        "> Here is another long line that a client has folded at seventy let\nters.\n> Bye"
    )
    assert reply_text(text, None) == NEW


@pytest.mark.parametrize(
    "line",
    [
        "Sent from my iPhone",
        "Get Outlook for iOS<https://aka.ms/o0ukef>",
        "Get [Outlook for Android](https://aka.ms/x)",
        "Von meinem iPhone gesendet",
        "Gesendet mit der GMX Mail App",
        "Envoyé de mon iPhone",
        "Enviado desde mi iPhone",
        "Enviado do meu iPhone",
        "Enviado do Yahoo Mail no Android",
        "Inviato da iPhone",
        "Verstuurd vanaf mijn iPhone",
        "Wysłane z iPhone'a",
        "Отправлено с iPhone",
        "Odesláno z iPhonu",
        "Sendt fra min iPhone",
        "Skickat från min iPhone",
        "Lähetetty iPhonesta",
        "iPhone'umdan gönderildi",
        "iPhoneから送信",
        "从我的 iPhone 发送",
        "發自我的 iPhone",
        "나의 iPhone에서 보냄",
        "Trimis de pe iPhone-ul meu",
        "Sent from Yahoo Mail on Android",
        "Sent from Mail for Windows",
        "Sent from my Samsung Galaxy smartphone.",
        "Надіслано з iPhone",
        "נשלח מה-iPhone שלי",
        "أُرسلت من الـ iPhone",
        "Sent with Proton Mail secure email.",
        "Στάλθηκε από το iPhone μου",
        "*Sent from my Galaxy*",
        "Télécharger Outlook pour iOS",
        "Obter o Outlook para iOS",
    ],
)
def test_line_of_a_device_is_cut_when_it_stands_below(line: str) -> None:
    """Nobody wrote it."""
    assert reply_text(f"{NEW}\n\n{line}\n", None) == NEW
    assert reply_text(f"{NEW}\n\n{line}\n\nOn 5 Mar 2024, at 10:23, Desk <d@c.example> wrote:\n\n{MARKED}", None) == NEW


@pytest.mark.parametrize(
    "text",
    [
        "Sent from my desk, is much easier then my mobile phone.",
        "The parcel was\nsent from the warehouse in Porto on Monday and is late again.",
        "One: this.\n\n- a bullet\n- and another",
        "Use it so:\n\n    a -- b\n\nand tell me.",
        "From: Monday\nTo: Friday",
        "I wrote:\n\nplease come.",
        "On your remote host you can run:\n\n    telnet 127.0.0.1 52698\n\nand look.",
        "Note: at 10:30 it began:\n\nnoise.",
        "Date: tomorrow\nPlace: here",
        "***\nAll is fine.",
        "The answer is here:\n\n42",
    ],
)
def test_text_is_kept_when_it_only_looks_like_a_quotation_or_signature(text: str) -> None:
    """Nothing of it is quoted, so nothing is cut."""
    assert reply_text(text, None) == text


def test_signature_is_cut_when_its_mark_stands_above_it() -> None:
    """RFC 3676 section 4.3, and the same without the blank that many editors take away."""
    assert reply_text(f"{NEW}\n\n-- \nAnn Lee\nCustomer Inc.\n", None) == NEW
    assert reply_text(f"{NEW}\n\n--\nAnn Lee\n\nOn 5 Mar 2024, Desk wrote:\n{MARKED}", None) == NEW


def test_rule_is_kept_when_much_stands_below_it() -> None:
    """Two dashes over many lines are a rule and no signature."""
    text = "Part one.\n\n--\n" + "\n".join(f"line {number}" for number in range(30))
    assert reply_text(text, None) == text


def test_footer_of_a_list_is_cut_when_it_stands_below() -> None:
    """Mailing lists add it to every mail."""
    footer = "_______________________________________________\nusers mailing list\nusers@lists.example\n"
    assert reply_text(f"{NEW}\n\n{footer}", None) == NEW


@pytest.mark.parametrize(
    "text",
    [MARKED, "-- \nAnn", "", "   \n\n", f"On 5 Mar 2024, Desk wrote:\n{MARKED}", "-----Original Message-----\nx"],
)
def test_whole_text_is_kept_when_nothing_would_be_left(text: str) -> None:
    """An empty view would hide what the customer wrote."""
    assert reply_text(text, None) == text.strip()


def test_whole_text_is_kept_when_little_would_be_left_and_the_sign_is_weak() -> None:
    """A date and a verb above unmarked text may be a story: it is cut only where enough stands above."""
    story = "On 5 March 2024 at 10:23 the driver wrote:\n\n" + "The parcel was left at the door of the neighbour. " * 5
    assert reply_text(f"Hi,\n\n{story}", None).startswith("Hi,\n\nOn 5 March")
    assert reply_text("ok\n\nOn 5 Mar 2024, Desk wrote:\n" + f"> {OLD}\n" * 40, None) == "ok"


def test_quotation_is_cut_when_the_text_is_very_long() -> None:
    """What was not looked at is old only if something before it says so."""
    story = "All of this is new.\n" * 60_000
    assert reply_text(story, None) == story
    header = "From: Desk <d@c.example>\nSent: 5 Mar 2024\nTo: Ann\nSubject: x"
    assert reply_text(f"{NEW}\n\n{header}\n\n{story}", None) == NEW


def test_forwarded_mail_is_kept_when_it_stands_in_an_answer() -> None:
    """What a customer forwards is new to us."""
    header = "From: Shop <s@shop.example>\nDate: x\nSubject: y\nTo: me"
    text = f"See:\n\n---------- Forwarded message ---------\n{header}\n\n{OLD}"
    assert reply_text(text, None) == text
    quoted = "\n".join(f"> {line}" for line in text.split("\n")[2:])
    assert reply_text(f"See:\n\n{quoted}", None) == f"See:\n\n{quoted}"
    answered = f"{NEW}\n\nOn 5 Mar 2024 at 10:23, Desk <d@c.example> wrote:\n\n{quoted}"
    assert reply_text(answered, None) == NEW


HTML = [
    '<div dir="ltr">{new}</div><br><div class="gmail_quote"><div dir="ltr" class="gmail_attr">{who}<br></div>'
    '<blockquote class="gmail_quote">{old}</blockquote></div>',
    '<p>{new}</p><div id="appendonsend"></div><hr><div id="divRplyFwdMsg" dir="ltr">{who}</div><div>{old}</div>',
    '<p>{new}</p><div id="x_divRplyFwdMsg">{who}</div><div>{old}</div>',
    '<div>{new}</div><div><br><blockquote type="cite"><div>{who}</div><div>{old}</div></blockquote></div>',
    '<div>{new}</div><div id="ydp1yahoo_quoted_2" class="yahoo_quoted"><div>{who}</div><div>{old}</div></div>',
    '<p>{new}</p><div class="moz-cite-prefix">{who}<br></div>\n<blockquote type="cite" cite="mid:x">{old}</blockquote>',
    '<p>{new}</p><div style="border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm">'
    "<p>{who}</p></div><p>{old}</p>",
    "<p>{new}</p><div class='OutlookMessageHeader'>{who}</div><div>{old}</div>",
    '<div>{new}</div><div name="quote" style="margin:10px"><div>{who}</div><div>{old}</div></div>',
    '<div>{new}</div><div class="protonmail_quote">{who}<br><blockquote type="cite">{old}</blockquote></div>',
]


@pytest.mark.parametrize("html", HTML)
def test_new_text_is_found_when_only_the_html_marks_the_quotation(html: str) -> None:
    """The element of the client tells in any language, also where the text marks nothing."""
    who = "Zyx wvut srq desk"
    text = f"{NEW}\n\n{who}\n{OLD}\n"
    assert reply_text(text, html.format(new=NEW, who=who, old=OLD)) == NEW


def test_lines_decide_when_new_text_follows_the_marked_element() -> None:
    """Who answers below a quotation is not cut with it."""
    html = f'<div class="moz-cite-prefix">Desk wrote:</div><blockquote type="cite">{OLD}</blockquote><p>{NEW}</p>'
    assert reply_text(f"On 5 Mar 2024, Desk wrote:\n> {OLD}\n\n{NEW}", html) == NEW


def test_forward_is_kept_when_gmail_marks_it_like_a_quotation() -> None:
    """Gmail uses the same element for both."""
    html = f'<div>{NEW}</div><div class="gmail_quote"><div>--- Forwarded message ---<br>From: x</div>{OLD}</div>'
    text = f"{NEW}\n\n---------- Forwarded message ---------\nFrom: x\n{OLD}"
    assert reply_text(text, html) == text


def test_html_is_not_parsed_when_it_is_too_deep() -> None:
    """50,000 nested elements take the parser seconds; the lines of the text are enough."""
    html = f'<p>{NEW}</p><div class="gmail_quote">' + "<div>" * 50_000
    assert reply_text(f"{NEW}\n\nOn 5 Mar 2024, Desk wrote:\n{MARKED}", html) == NEW


BLANKS = "\n\r\ufeff \t"
PIECES = st.sampled_from(
    [
        "> ",
        "\n",
        "-- \n",
        "From: a@b.c\n",
        "Sent: 5 Mar 2024\n",
        "To: x\n",
        "On 5 Mar 2024 at 10:23 ",
        "wrote:\n",
        "words ",
        "\ufeff",
        REPLY_MARKER,
        "-----Original Message-----\n",
        "Sent from my iPhone\n",
        "___\n",
        "<div class=gmail_quote>",
        "<blockquote type=cite>",
    ]
)


@given(
    st.lists(PIECES | st.text(max_size=5), max_size=60).map("".join),
    st.none() | st.lists(PIECES | st.text(max_size=9)).map("".join),
)
def test_every_line_is_from_the_text_when_any_text_is_read(text: str, html: str | None) -> None:
    """Nothing is invented, nothing raises, and some text never becomes none."""
    new = reply_text(text, html)
    assert {line.strip(BLANKS) for line in new.split("\n")} <= {line.strip(BLANKS) for line in text.split("\n")}
    assert new or not text.strip(BLANKS)
