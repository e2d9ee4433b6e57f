"""The lines between what somebody wrote and the mail below it: `-----Original Message-----`, in many languages."""

from __future__ import annotations

from typing import Final

from gateway.reading.labels import words_of

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
