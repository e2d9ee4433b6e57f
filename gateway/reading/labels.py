"""What mail clients write above the mail that they quote or forward, in the languages of the world.

One table for quotation and for manual forwards: labels of header lines, verbs of attribution lines ("wrote") and
subject prefixes. Separators stand in `separators`, what phones add in `sent_from`. A new language is a line here
and no code. All words stand without the colon; look them up with `folded`.
"""

from __future__ import annotations

import unicodedata
from enum import StrEnum
from typing import Final

# The line above which an answer is to be written; it stands in our templates and is looked for in answers.
REPLY_MARKER: Final = "##- Please type your reply above this line -##"
_MARKER_BEGINS, _MARKER_ENDS = "##-", "-##"


def folded(words: str) -> str:
    """Words as they stand in the tables: composed, in lower case, with single blanks."""
    joined = " ".join(words.split())
    if joined.isascii():
        return joined.lower()
    # The Turkish İ leaves a dot of its own behind when it is made small; Persian joins words without a blank.
    return unicodedata.normalize("NFC", joined).lower().replace("\u0307", "").replace("\u200c", "")


def words_of(table: str) -> tuple[str, ...]:
    """The entries of a table: one line or several, separated by |."""
    return tuple(folded(word) for line in table.splitlines() for word in line.split("|") if word.strip())


class Label(StrEnum):
    """A header line of a quoted or forwarded mail."""

    FROM = "from"
    TO = "to"
    CC = "cc"
    BCC = "bcc"
    REPLY_TO = "reply-to"
    DATE = "date"
    SUBJECT = "subject"
    OTHER = "other"  # stands among the others and says nothing to us


_LABELS: Final = {
    Label.FROM: words_of("""
    from | de | von | da | van | od | fra | från | frá | от | от кого | отправитель | від | від кого
    відправник | lähettäjä | feladó | expeditor | expeditorul | de la | gönderen | kimden | šalje
    pošiljatelj | pošiljalec | odosielateľ | odesílatel | nadawca | remetente | remitente | expéditeur
    mittente | absender | afzender | afsender | avsender | avsändare | saatja | kellelt | nuo | siuntėjas | no
    sūtītājs | από | αποστολέας | подател | изпращач | од | пошиљалац | од кога | 差出人 | 送信者 | 发件人
    发信人 | 寄件者 | 寄件人 | 보낸 사람 | 보낸사람 | 발신 | 발신자 | 보내는 사람 | מאת | من | مِن | المرسل
    از | فرستنده | từ | người gửi | จาก | ผู้ส่ง | dari | pengirim | daripada | nga | remitent | nork
    oddiwrth | प्रेषक | প্রেরক | mittent | ó | vun | из | kimdən
    送信元 | 從 | 从 | से | გამგზავნი | кімнен | ումից | থেকে | oddi wrth | od koga
    """),
    Label.TO: words_of("""
    adresat | pentru | pour
    to | para | an | à | a | aan | do | til | till | кому | получатель | одержувач | vastaanottaja | címzett
    destinatar | destinatarul | către | catre | kime | alıcı | prima | za | komu | pre | adresát | příjemce
    příjemci | príjemca | odbiorca | destinatário | destinatario | destinataire | empfänger | ontvanger
    modtager | mottaker | mottagare | saaja | kellele | kam | kama | adresāts | gavėjas | skirta | προς | до
    към | получател | за | коме | 宛先 | 收件人 | 收件者 | 받는 사람 | 받는사람 | 수신 | 수신자 | אל | إلى
    الى | المستلم | به | گیرنده | đến | tới | người nhận | ถึง | ผู้รับ | kepada | untuk | per a | nori | at
    प्रति | प्राप्तकर्ता | të | kimə
    প্রতি | adressaat | adressaadid | iki | ke | 到 | 至 | को | për | ადრესატი | кімге | ում | gavėjai
    """),
    Label.CC: words_of("""
    cc | cc. | kopie | kopi | kopia | kopija | kópia | kopio | kopie k | másolat | másolatot kap | copie
    copia | cópia | copie à | bilgi | dw | do wiadomości | копия | копія | c.c | kopie an | kópiu | kopie pro
    копие | κοιν | κοιν. | κοινοποίηση | копија | 抄送 | 副本 | 写し | 참조 | עותק | העתק | نسخة | نسخة إلى | رونوشت
    đồng kính gửi | สำเนา | สำเนาถึง | tembusan | c/c | koopia | k.kopia | კოპია | kopija kam | kp | con copia
    con copia a | in kopie | kopie (cc) | gir
    прехвърлено | sk | प्रतिलिपि | afrit | অনুলিপি | ასლი | көшірме | surəti | պատճեն | koopia saajad
    kopia do | a/c | kópía
    """),
    Label.BCC: words_of("""
    bcc | bkopie | blindkopie | blindkopi | hemlig kopia | cci | cco | ccn | gizli | udw | ukryta kopia
    скрытая копия | 密送 | 密件副本 | 숨은 참조 | skrytá kopie | titkos másolat | sakrivena kopija
    """),
    Label.REPLY_TO: words_of("""
    reply-to | reply to | antwort an | répondre à | responder a | responder para | rispondi a | antwoord aan
    antwoordadres | svar til | svara till | odpowiedz do | odpovědět | ответ-кому | ответить | vastausosoite
    yanıt adresi | yanıtla | válaszcím | 返信先 | 回复 | 回覆 | 答复 | 회신 | odpoveď | відповісти | svar-til
    """),
    Label.DATE: words_of("""
    posláno | gönderme zamanı
    date sent | date | sent | sent at | sent on
    data | datum | dato | fecha | dátum | datum a čas
    päivämäärä | päiväys
    lähetetty | lähetysaika | tarih | gönderilen | gönderildi | gönderme tarihi | gönderilme tarihi | gönderim
    dată | trimis | дата | дата и время | отправлено | когда | надіслано | відправлено | gesendet
    gesendet am | enviado | enviada | enviado em | enviada em | enviado el | enviat | envoyé | envoyé le
    date d'envoi | wysłane | inviato | inviata | data invio | verzonden | verzonden op | sendt | skickat | skickad
    sent date | wysłano | data wysłania | odesláno | odoslané | odoslaný | poslano | poslato | послато
    küldve | elküldve | küldés dátuma | időpont | saadetud | kuupäev | aeg | nosūtīts | datums | išsiųsta
    data ir laikas | ημερομηνία | στάλθηκε | εστάλη | изпратено | датум | 日付 | 日時 | 送信日時 | 送信日
    发送时间 | 时间 | 日期 | 发送日期 | 傳送時間 | 寄件日期 | 傳送日期 | 時間 | 보낸 날짜 | 날짜 | 보낸 시간
    보낸날짜 | 발송일 | 발신일시 | 일시 | תאריך | נשלח | التاريخ | تاريخ | تم الإرسال | تاریخ | ارسال | ngày
    đã gửi | gửi | วันที่ | ส่ง | ส่งเมื่อ | tanggal | dikirim | terkirim | tarikh | dihantar | bidalia
    दिनांक | तारीख
    তারিখ | dagsetning | испратено | αποστολή | saatmisaeg | تاريخ الإرسال | נשלח ב | ارسال شده
    thời gian gửi | thời gian
    भेजा गया | dërguar | გაგზავნილია | жіберілді | göndərilib | göndərildi | gestuur | anfonwyd | ուղարկված է
    পাঠানো হয়েছে | data de envio | fecha de envío | senddatum | versendet | 寄件時間 | 送信時刻 | 보낸 일시
    """),
    Label.SUBJECT: words_of("""
    sujet | subject | betreff | objet | asunto | assunto | oggetto | onderwerp | emne | ämne | aihe | otsikko | temat
    tema | předmět | predmet | předmět zprávy | тема | тема письма | tárgy | subiect | subiectul | konu | θέμα
    относно | предмет | наслов | naslov | zadeva | 件名 | 主题 | 主題 | 主旨 | 标题 | 標題 | 제목 | נושא
    الموضوع | موضوع | chủ đề | tiêu đề | เรื่อง | ชื่อเรื่อง | perihal | subjek | assumpte | gaia | asunt
    teema | pealkiri | temats | tēma | विषय | efni | titlu | mövzu
    הנדון | თემა | тақырып | թեմա | বিষয় | pwnc | titel | titre | título | sujet du message | predmet poruke
    """),
    Label.OTHER: words_of("""
    sensitivity | categories | follow up flag | flag status | send reply to | vertraulichkeit | kategorien
    confidentialité | sensibilité | catégories | confidencialidad | carácter | categorías | x-mailer
    importance | priority | attachments | attachment | organization | organisation | sender | return-path
    message-id | newsgroups | resent-from | list-id | mailing list | wichtigkeit | priorität | anlagen
    anhänge | importancia | prioridad | datos adjuntos | archivos adjuntos | adjuntos | importância
    prioridade | anexos | importance haute | pièces jointes | priorità | allegati | urgentie | prioriteit
    bijlagen | bijlage | vedhæftede filer | vedhæftet | vedlegg | bilagor | bifogade filer | prioritet
    tärkeys | liitteet | ważność | załączniki | důležitost | přílohy | dôležitosť | prílohy | важность
    вложения | вкладення | fontosság | mellékletek | önem | ekler | 重要度 | 添付ファイル | 重要性 | 附件
    중요도 | 첨부 파일 | 첨부
    """),
}

# Verbs of a line that says who wrote what follows.
WROTE: Final = words_of("""
    wrote | writes | said: | schrieb | geschrieben | écrit | a ecrit | escribió | escribio | escribiu
    escreveu | ha scritto | scrisse | schreef | geschreven | skrev | skrifaði | kirjoitti | kirjutas | napisał
    pisze | napsal | napsala | píše | napísal | írta | a scris | scris: | yazdı | yazmış | je napisao
    je napisala | napisao | napisala | napisal | пишет | писал | написал | написав | пише | написа | напісаў
    έγραψε | rašė | parašė | rakstīja | va escriure | ha escrit | idatzi zuen | כתב | כתבה | كتب | نوشت | 写道
    寫道 | 写入 | さんは書きました | のメール | が書き込みました | 작성: | 작성하셨습니다 | 님이 씀 | 썼습니다
    đã viết | viết: | เขียน | menulis | menulis: | scribit | ysgrifennodd | skryf | geskryf | shkroi | შემდეგი დაწერა
    ने लिखा | idatzi du | написао | написала | піша | isinulat ni | 쓴 글 | zitat von | quoting | citando
    citation de | missatge de | has written
    """)
# With these an attribution ends that has no colon.
WROTE_LAST: Final = ("wrote", "写道", "寫道", "のメール", "작성", "쓴 글", "ने लिखा", "escribió", "schrieb", "a écrit")

# The first word of such a line, so that its beginning is found when a client has folded it over several lines.
ATTRIBUTION_BEGINS: Final = frozenset(
    words_of("""
    on | le | am | el | il | em | op | den | d. | dne | dnia | w | a | la | på | vào | pada | στις | в | у | на | dana
    dňa | u | kl. | az | da | pe | til | fra | ons | lør
    """)
)

FORWARD_PREFIXES: Final = frozenset(
    words_of("""
    fw | fwd | fwd. | wg | пер | fs | edasi | ct
     tr | rv | i | vs | vb | vl | pd | enc | redir | redir. | ilt | ilt | videresend
    videresendt | vidarebefordrat | vidarebefordran | weitergeleitet | weiterleitung | tov
    továbbítás | továbbított | trs | doorst | fyi fwd | přep | přeposláno | předáno | preposlané
    prep | pren | пересл | переслано | πρθ | προωθ | prosl | proslijeđeno | persl | peradr | pārs | edastatud
    転送 | 转发 | 轉寄 | 傳送 | 전달 | 전달됨 | הועבר | إعادة توجيه | محول | chuyển tiếp | ส่งต่อ
    terusan | teruskan | reenv | rv. | encaminhado | encaminhada | reenviado | inoltrato | inoltra | r: i
    áfram | przekazane | př | redirecționat | posr | posr. | posredovano | препр | препратено | persiųsti | persiųsta
    bir | birb | berbidalia | अग्रे | majukan | áframsent | ارسال | بازارسال | ph | prz | przek
    wtr | tras | reenc | reencaminhado | doorgestuurd | w.g. | просл | προωθ. | πρ | пересилання | переслане
    """)
)
REPLY_PREFIXES: Final = frozenset(
    words_of("""
    re | re. | aw | antw | antwort | sv | svar | ref | rép | rép. | reponse | réponse | res | resp | r | rif
    odp | odp. | odpověď | ynt | yan | yanıt | yanıtla | ats | atb | bls | vá | válasz | vast | 回复 | 回覆
    答复 | 返信 | 返 | re： | отв | ответ | відп | від | απ | απάντ | σχετ | השב | תשובה | رد | بخصوص | پاسخ
    trả lời | balas | 답장 | 회신 | odg | odgovor | réf | hl | vs
    """)
)


LABELS: Final = {word: label for label, words in _LABELS.items() for word in words}
LONGEST_LABEL: Final = max(map(len, LABELS))


def is_reply_marker(line: str) -> bool:
    """Is this our own line, above which the answer was to be written, quoted or not?"""
    start = line.find(_MARKER_BEGINS)
    return start >= 0 and line.find(_MARKER_ENDS, start + len(_MARKER_BEGINS)) > 0
