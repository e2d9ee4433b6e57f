"""What mail clients write above the mail that they quote or forward, in the languages of the world.

One table for quotation and for manual forwards: labels of header lines, verbs of attribution lines ("wrote"),
separators and subject prefixes. What phones add stands in `sent_from`. A new language is a line here and no code.
All words stand without the colon; look them up with `folded`.
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

# What stands above a forwarded mail and nowhere else. Compared without dashes, colons and blanks at both ends.
FORWARDED: Final = frozenset(
    words_of("""
    forwarded message | begin forwarded message | begin forwarded email | forwarded email
    original message (forwarded) | forwarded mail | forwarded by | weitergeleitete nachricht
    weitergeleitete e-mail | anfang der weitergeleiteten nachricht | anfang der weitergeleiteten e-mail
    ursprüngliche nachricht (weitergeleitet) | weitergeleitet | message transféré | message réexpédié
    début du message réexpédié | début du message transféré | courriel transféré | message transmis
    mail transféré | début du courriel transféré | mensaje reenviado | inicio del mensaje reenviado
    comienzo del mensaje reenviado | mensaje original reenviado | missatge reenviat
    inici del missatge reenviat | mensaxe reenviada | mensagem encaminhada | mensagem reencaminhada
    início da mensagem encaminhada | início da mensagem reencaminhada | mensagem reenviada
    e-mail encaminhado | início de mensagem encaminhada | início de mensagem reencaminhada
    messaggio inoltrato | inizio messaggio inoltrato | inizio del messaggio inoltrato | messaggio inviato
    email inoltrata | doorgestuurd bericht | begin doorgestuurd bericht | doorgestuurde e-mail
    begin van doorgestuurd bericht | oorspronkelijk bericht doorgestuurd | videresendt besked
    start på videresendt besked | videresendt meddelelse | videresendt melding | start på videresendt melding
    begynnelse på videresendt melding | videresendt e-post | videresendt mail | vidarebefordrat mejl
    vidarebefordrat meddelande | vidarebefordrat brev | början på vidarebefordrat meddelande
    vidarebefordrat e-postmeddelande | börja vidarebefordrat meddelande | välitetty viesti
    välitetty viesti alkaa | edelleenlähetetty viesti | edelleen lähetetty viesti | przekazana wiadomość
    treść przekazanej wiadomości | początek przekazywanej wiadomości | wiadomość przekazana dalej
    przesłana wiadomość | przesłana dalej wiadomość | wiadomość oryginalna przekazana | přeposlaná zpráva
    začátek přeposílané zprávy | předaná zpráva | přeposlaný e-mail | preposlaná správa
    začiatok preposlanej správy | odovzdaná správa | postúpená správa | пересылаемое сообщение
    пересланное сообщение | начало переадресованного сообщения | переадресованное сообщение
    начало пересылаемого сообщения | перенаправленное сообщение | пересылаемое письмо | переслане повідомлення
    початок листа, що пересилається | переслане повідомлення: | пересланий лист | перенаправлене повідомлення
    початок пересланого повідомлення | továbbított levél | továbbított levél kezdete | továbbított üzenet
    továbbított üzenet kezdete | továbbított e-mail | mesaj redirecționat | începe mesajul redirecționat
    mesaj redirectionat | mesaj redirecţionat | mesajul redirecționat | mesaj înaintat | yönlendirilen ileti
    yönlendirilmiş ileti | iletilmiş mesaj | iletilen ileti | ileti başlangıcı | iletilen mesaj
    yönlendirilen mesaj | yönlendirilmiş e-posta | ileti başlangıcı | iletilen mesaj | iletilen ileti
    proslijeđena poruka | započni proslijeđenu poruku | početak proslijeđene poruke | prosleđena poruka
    преусмерена порука | прослеђена порука | posredovano sporočilo | začetek posredovanega sporočila
    препратено съобщение | начало на препратеното съобщение | προωθημένο μήνυμα | αρχή προωθημένου μηνύματος
    persiųstas laiškas | persiųstas pranešimas | pārsūtītais ziņojums | pārsūtīta vēstule
    pārsūtītais e-pasts | edastatud kiri | edastatud sõnum | edastatud e-kiri | áframsend skilaboð
    転送されたメッセージ | 転送メッセージ | 転送されたメール | 転送元のメッセージ | 転送メール
    以下、転送メッセージ | 转发的邮件 | 转发邮件信息 | 转发邮件 | 已转发邮件 | 下面是被转发的邮件
    开始转发邮件 | 已转发的邮件 | 已轉寄郵件 | 轉寄郵件 | 轉寄的郵件 | 以下是轉寄的郵件 | 開始轉寄郵件
    轉寄訊息 | 轉寄者 | 전달된 메시지 | 전달된 메세지 | 전달된 메일 | 전달한 메시지
    다음은 전달된 메시지입니다 | 전달된 메시지의 시작 | הודעה שהועברה | תחילת ההודעה שהועברה | הודעה מועברת
    رسالة مُعاد توجيهها | رسالة معاد توجيهها | بداية الرسالة المعاد توجيهها | الرسالة المعاد توجيهها
    بدء الرسالة المُعاد توجيهها | پیام بازارسال شده | پیام هدایت‌شده | tin nhắn đã chuyển tiếp
    thư đã chuyển tiếp | thư được chuyển tiếp | bắt đầu thư được chuyển tiếp | ข้อความที่ส่งต่อ
    เริ่มข้อความที่ส่งต่อ | pesan terusan | pesan yang diteruskan | mulai pesan terusan
    mulai pesan yang diteruskan | email yang diteruskan | mesej yang dikirim semula | birarazilitako mezua
    birbidalitako mezua | berbidalitako mezua | mesaj transmis mai departe | 转发的消息 | 轉寄的訊息 | 轉寄信件
    pārsūtīts ziņojums | پیام هدایت شده | अग्रेषित संदेश | mesej yang dimajukan | ফরওয়ার্ড করা বার্তা
    prosljeđena poruka | препратено писмо | препратен имейл | posredovana pošta | edastatud sõnumid
    đã chuyển tiếp | email được chuyển tiếp | หนังสือส่งต่อ | ข้อความส่งต่อ | email terusan | пересланное письмо
    пересылка | отправлено далее | 転送されたメッセージです | 転送されたEメール | doorgezonden bericht
    envio reencaminhado
    correo reenviado | e-mail reenviado | inoltro messaggio | messaggio inoltrato da | vidaresänt meddelande
    """)
)

# The same with the author's name in it.
FORWARDED_FROM: Final = words_of("""
    forwarded message from | forwarded mail from | weitergeleitete nachricht von | message transféré de
    mensaje reenviado de | mensagem encaminhada de | messaggio inoltrato da | doorgestuurd bericht van
    przekazana wiadomość od | пересланное сообщение от | přeposlaná zpráva od | vidarebefordrat meddelande från
    """)
# What stands below it.
FORWARD_ENDS: Final = frozenset(
    words_of("""
    end of original message text
    end forwarded message | end of forwarded message
    ende der weitergeleiteten nachricht
    ende weitergeleitete nachricht
    fin du message transféré | fin du message réexpédié | fin del mensaje reenviado | fine messaggio inoltrato
    fine del messaggio inoltrato | fim da mensagem encaminhada | fim da mensagem reencaminhada
    einde doorgestuurd bericht | einde van doorgestuurd bericht | koniec przekazywanej wiadomości
    koniec przekazanej wiadomości | slut på vidarebefordrat meddelande | slut på videresendt besked
    konec přeposílané zprávy | конец пересылаемого сообщения | конец перенаправленного сообщения
    кінець пересланого повідомлення | 転送メッセージ終わり | 转发邮件结束
    """)
)

# What stands above the mail that is answered or forwarded: it does not say which of the two.
ORIGINAL: Final = frozenset(
    words_of("""
    original | original message text
    original message | original email | original appointment | original mail | message original
    reply message | reply above this line | ursprüngliche nachricht | originalnachricht | original-nachricht
    ursprüngliche mail | ursprüngliche e-mail | originaltermin | message d'origine | message initial
    courriel original | mail original | message d’origine | mensaje original | missatge original
    mensagem original | mensaje de origen | messaggio originale | messaggio originario
    oorspronkelijk bericht | origineel bericht | oorspronkelijke bericht | oprindelig meddelelse
    original meddelelse | oprindelig besked | opprinnelig melding | original melding | originalmelding
    ursprungligt meddelande | originalmeddelande | alkuperäinen viesti | alkuperäinen sanoma
    wiadomość oryginalna | oryginalna wiadomość | treść oryginalnej wiadomości | původní zpráva
    původní e-mail | originální zpráva | pôvodná správa | исходное сообщение | оригинальное сообщение
    первоначальное сообщение | вихідне повідомлення | оригінальне повідомлення | eredeti üzenet
    eredeti levél | mesaj original | mesajul original | mesaj inițial | özgün ileti | orijinal mesaj
    orijinal ileti | asıl mesaj | izvorna poruka | originalna poruka | izvirno sporočilo | оригинална порука
    оригинално съобщение | αρχικό μήνυμα | πρωτότυπο μήνυμα | originalus laiškas | pirminis pranešimas
    sākotnējais ziņojums | algne kiri | algne sõnum | 元のメッセージ | 元のメール | 原始邮件 | 邮件原件
    原邮件 | 原始郵件 | 原始訊息 | 回复的原邮件 | 回复的邮件 | 原本邮件 | 원본 메시지 | 원본 메세지
    원본 메일 | 원본메시지 | הודעה מקורית | الرسالة الأصلية | رسالة أصلية | پیام اصلی | tin nhắn gốc | thư gốc
    ข้อความต้นฉบับ | ข้อความเดิม | pesan asli | mesej asal | оригінал повідомлення | изходно съобщение
    オリジナル メッセージ | オリジナルメッセージ | jatorrizko mezua | mensaxe orixinal | originaalsõnum
    pradinė žinutė | upprunaleg skilaboð | मूल संदेश
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
