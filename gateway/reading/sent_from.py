"""What phones and mail programs write below a mail about themselves, in the languages of the world."""

from typing import Final

from gateway.reading.labels import words_of

# Such a line begins so; what follows names the device and is short.
SENT_FROM: Final = words_of("""
    sent from my | sent from a | sent from an | sent from yahoo | sent from mail | sent from outlook
    sent from samsung | sent from proton | sent from iphone | sent from ipad | sent from android
    sent from blackberry | sent from gmail | sent from aol | sent from windows | sent from surface
    sent from spark | sent from nine | sent from tutanota | sent from front | sent from workspace
    sent via | sent with | sent using | sent on the go | get outlook for
    get bluemail for | get typeapp for
    download outlook for | sent through | von meinem | gesendet von | gesendet mit | gesendet über
    diese nachricht wurde von meinem | von unterwegs | holen sie sich outlook | hol dir outlook
    obtén outlook | skaffa outlook
    outlook für | envoyé de
    envoyé depuis | envoyé à partir | envoyé par | envoyé avec | télécharger outlook | obtenir outlook
    obtenez outlook | provenance | enviado desde | enviado do | enviado de | enviado pelo | enviado a partir
    enviado con | enviado via | enviado com | enviada do | obtener outlook | descargar outlook
    obter o outlook | obtenha o outlook | baixar outlook | enviat des | inviato da | inviato dal | inviato con
    scarica outlook | ottieni outlook | verzonden vanaf | verzonden met | verstuurd vanaf | verstuurd met
    outlook voor | download outlook | sendt fra | sendt med | hent outlook | skickat från | skickades från
    skickat med | hämta outlook | lähetetty | hanki outlook | wysłane z | wysłano z | pobierz outlook
    pobierz aplikację outlook | odesláno z | odesláno ze | poslané z | odoslané z | odoslané zo
    získat outlook | stáhnout outlook | získať outlook | отправлено с | отправлено из | отправлено от
    послано с | скачать outlook | получить outlook | надіслано з | відправлено з | küldve | elküldve
    az outlook letöltése | trimis de pe | trimis din | descărcați outlook | poslano s | poslano iz
    poslato sa | послато са | изпратено от | στάλθηκε από | εστάλη από | išsiųsta iš | nosūtīts no
    saadetud minu | iphone'umdan | iphone'umdan | iphone’umdan gönderildi | ipad'imden | android için outlook
    ios için outlook | iphoneから | ipadから | iphone から送信 | 私のiphoneから | androidから送信 | 从我的
    發自我的 | 发自我的 | 发自 | 從我的 | 发送自 | 傳送自 | 來自我的 | 나의 iphone | 내 iphone | iphone에서
    나의 ipad | 나의 galaxy | 내 갤럭시 | נשלח מ | أرسلت من | أُرسلت من | مرسل من | تم الإرسال من
    ارسال شده از | được gửi từ | gửi từ | ส่งจาก | dikirim dari | terkirim dari | dihantar daripada
    """)
SENT_FROM_ENDS: Final = (
    "gönderildi",
    "gönderildi.",
    "から送信",
    "에서 보냄",
    "에서 보냈습니다",
    "gesendet",
    "gesendet.",
    "从我的 iphone 发送",
)

# Such a line begins or ends with one of these, and names a device or a program close to it.
SENDS: Final = words_of("""
    sent | get | yahoo mail | diese nachricht | holen sie | hol dir | provenance | obtenir | verzonden | verstuurd
    få | hanki | hämta | hent | pobierz | získat | získať | elküldve | az | trimis | obțineți | descărcați | изпратено
    απόκτηση | λήψη | отправлено | скачать | получить | надіслано | отримати | الحصول على | تنزيل | נשלח | קבל את
    הורד את | دریافت | ดาวน์โหลด | รับ | đã gửi | được gửi | tải | nhận | dapatkan | unduh | 来自 | 來自 | 獲取
    获取 | 下载 | 下載 | 取得 | 从 | 從 | 發自 | outlook for | outlook voor | ios 版 | android 版 | android용 | ios용
    windows용 | poslano | poslato | preuzmite | prenesite | nabavite | enviat | baixe | descarga | nire | išsiųsta
    atsisiųsti | nosūtīts | lejupielādēt | saadetud | hankige
    """)
SENDS_LAST: Final = words_of("""
    gesendet | küldve | letöltése | gönderildi | edinin | indirin | bidalia | bidalita | भेजा गया | ارسال شده است
    ارسال شده | を入手 | から送信 | 发送 | 傳送 | 다운로드 | 보냄 | herunterladen | downloaden
    """)
SENDERS: Final = words_of("""
    iphone | ipad | ipod | galaxy | samsung | android | outlook | windows | blackberry | huawei | xiaomi | nokia
    pixel | macbook | smartphone | my phone | k-9 | yahoo | aol | gmx | web.de | proton | tuta | bluemail | spark
    fairemail | canary | edison | newton | mailbird | mimestream | polymail | shortwave | zoho | hushmail
    superhuman | airmail | em client | mail.ru | яндекс | yandex | mail app
    мобильн | мобільн | телефон | फ़ोन | 手机 | 手機
    """)
