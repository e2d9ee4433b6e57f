"""Wording by which subjects of automatic answers, absences and sign-up codes are known, in many languages.

Only what a program writes by itself decides alone; words that people use as well need a header beside them.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from gateway.reading.labels import words_of

# What mail programs put in front of the subject that they answer, always with a colon.
_REPLY_PREFIXES: Final = (
    "automatic reply", "auto reply", "autoreply", "auto-reply", "automated reply", "automatic response",
    "auto response", "autoresponse", "auto-response", "automatische antwort", "automatische beantwortung",
    "abwesenheitsnotiz", "reponse automatique", "reponse automatisee", "respuesta automatica",
    "resposta automatica", "risposta automatica", "automatisch antwoord", "automatische afwezigheidsmelding",
    "autosvar", "automatiskt svar", "automatisk svar", "automaattinen vastaus", "automaticka odpoved",
    "odpowiedz automatyczna", "automatyczna odpowiedz", "автоматический ответ", "автоответ",
    "автоматична відповідь", "otomatik yanit", "automatikus valasz", "raspuns automat", "samodejni odgovor",
    "automatski odgovor", "αυτοματη απαντηση", "自动答复", "自动回复", "自動回覆", "自動応答", "自動返信",
    "不在通知", "자동 회신", "자동 응답", "תגובה אוטומטית", "out of office autoreply",
    "out of office reply", "out-of-office reply", "risposta non al computer", "rispondi automatico",
    "автоматичен отговор", "аутоматски одговор", "رد تلقائي", "الرد التلقائي", "پاسخ خودکار", "מענה אוטומטי",
    "automatinis atsakymas", "automatiska atbilde", "automaatvastus", "erantzun automatikoa", "automatisierte antwort",
    "ตอบกลับอัตโนมัติ", "การตอบกลับอัตโนมัติ", "trả lời tự động", "balasan otomatis", "balasan automatik",
    "abwesenheitsmeldung", "message d'absence", "aviso de ausencia", "avviso di assenza", "franvaromeddelande",
    "poissaoloilmoitus", "स्वचालित उत्तर", "自动回信", "自動回信",
    "автоматски одговор", "תשובה אוטומטית", "sjalfvirkt svar", "pergjigje automatike", "automatiese antwoord",
    "avtomatik cavab", "автоматты жауап", "ავტომატური პასუხი", "freagra uathoibrioch", "ymateb awtomatig",
    "স্বয়ংক্রিয় উত্তর", "automatikus uzenet", "automatisch bericht", "autosvarsmeddelande", "réponse d'absence",
)  # fmt: skip
_ABSENCE: Final = (
    "out of office", "out of the office", "out-of-office", "ooo", "on vacation", "away from", "vacation",
    "annual leave", "abwesend", "abwesenheit", "nicht im buro", "urlaub", "absence du bureau", "absent du bureau",
    "en conges", "conges", "absence", "fuera de la oficina", "ausente", "ausencia", "fora do escritorio",
    "ausencia temporaria", "de ferias", "ferias", "fuori sede", "fuori ufficio", "assente", "ferie", "afwezig",
    "afwezigheid", "franvaro", "fravaer", "poissa", "poza biurem", "nieobecn", "urlop", "mimo kancelar",
    "nepritomn", "отсутств", "в отпуске", "отпуск", "ofis disinda", "izinli", "hazon kivul", "休假", "外出",
    "不在", "휴가", "부재중", "odsutan", "odsutn", "godisnj", "odsotn", "dopust", "atostog", "nera biure", "puhkus",
    "atvalinajum", "prombutn", "szabadsag", "concediu", "απουσια", "αδεια", "відпустц", "відсутн", "חופשה", "مرخصی",
    "اجازة", "ลาพัก", "nghi phep", "cuti", "de vacances", "en vacances", "oporret", "vacacions", "छुट्टी",
)  # fmt: skip
# What mail servers put in front of the subject of a mail that they return.
_RETURNED: Final = (
    "undeliverable", "undelivered", "undelivered mail", "undeliverable mail", "delivery status notification (failure)",
    "delivery failure", "mail delivery failed", "returned mail", "failure notice", "unzustellbar", "non remis",
    "no se puede entregar", "nao e possivel entregar", "non recapitabile", "onbestelbaar", "nie mozna dostarczyc",
    "недоставлено", "无法投递", "配信不能",
)  # fmt: skip
# The same in the words of the answer itself, which also has a header that calls it automatic.
_AWAY: Final = words_of("""
    out of office | out of the office | on vacation | on holiday | on leave | annual leave | parental leave
    maternity leave | away from my | nicht im büro | im urlaub | abwesend | nicht erreichbar | en congé | en vacances
    absent | de vacaciones | fuera de la oficina | ausente | de férias | em férias | in ferie | fuori ufficio
    fuori sede | assente | afwezig | op vakantie | met vakantie | på semester | på ferie | frånvarande | fraværende
    poissa | lomalla | na urlopie | nieobecn | mimo kancelář | na dovolené | mimo kancelárie | na dovolenke
    szabadságon | házon kívül | în concediu | în afara biroului | в отпуске | отсутству | у відпустці | в отпуск съм
    σε άδεια | απουσιάζω | izindeyim | ofis dışında | בחופשה | خارج المكتب | في إجازة | 休暇 | 不在 | 休假 | 휴가
    부재중 | đi vắng | sedang cuti | nghỉ phép | ลาพัก | ลางาน | ไม่อยู่ที่ | در مرخصی | छुट्टी पर | oporretan
    de vacances | de vacacións | estic fora | wieder erreichbar | wieder im büro | wieder für sie da | är ledig
    er på ferie | holder ferie | ute av kontoret | ude af kontoret | inte på kontoret | ikke på kontoret
    nie som v kancelárii | nejsem v kanceláři | nie ma mnie w biurze | poza biurem | na godišnjem odmoru
    na godišnjem sam | на годишњем | ван канцеларије | нет в офисе | нет на рабочем месте | atvaļinājumā
    prombūtnē | nesu biure | ei ole kontoris | irodán kívül | nu sunt la birou | nu voi fi la birou
    εκτός γραφείου | ofiste değilim | ofis dışındayım | yıllık izin | out of town | on parental leave | on sick leave
    on paternity leave | away until | away from the office | not in the office | back in the office | en déplacement
    hors du bureau | na godišnjem | na dopustu | на одмору | atostogauju | puhkusel
    """)
# What such mails are about, after folding. Each alternative is one language's way to say it.
_CODE_SUBJECT: Final = re.compile(
    r"\b(?:verif\w*|confirm\w*|activat\w*|sign[- ]?(?:in|up)|log[- ]?in|security|one[- ]?time"
    r"|access|auth\w*|2fa|otp|reset)\b"
    r".{0,40}\b(?:code|pin|otp|passcode|password|e-?mail|account|address|link|identity|device|sign[- ]?in|log[- ]?in)\b"
    r"|\b(?:your|code)\b.{0,40}\b(?:code|verification|otp|is \d{4,8})\b"
    r"|\b\d{4,8}\b.{0,20}\b(?:is your|code|otp)\b"
    r"|bestatig\w*.{0,40}(?:code|mail|konto|adresse)|(?:bestatigungs|sicherheits|verifizierungs)code"
    r"|code de (?:verification|confirmation|securite)|confirme\w* votre (?:adresse|compte|e-?mail)"
    r"|codigo de (?:verifica|confirma|segur|acces)"
    r"|(?:confirma|verifica|confirme|verifique)\w* (?:tu|su|seu|sua|o seu|a sua|il tuo) "
    r".{0,20}(?:e-?mail|correo|conta|cuenta|account)"
    r"|codice di (?:verifica|conferma|sicurezza)|verificatiecode|kod weryfikacyjny|код подтверждения"
    r"|驗證碼|验证码|認証コ|認証番号|인증",
    re.IGNORECASE,
)
# What services call their code; nobody else begins a mail with it.
_CODE_WORDS: Final = words_of("""
    verification code | security code | confirmation code | one-time code | one-time password | login code
    sign-in code | passcode | einmalcode | einmalpasswort | bestatigungscode | sicherheitscode | verifizierungscode
    code de verification | code de confirmation | code de securite | code a usage unique | codigo de verificacion
    codigo de verificacao | codigo de confirmacion | codigo de confirmacao | codigo de seguranca | codigo de seguridad
    codigo de acceso | codice di verifica | codice di conferma | codice di sicurezza | verificatiecode
    bevestigingscode | kod weryfikacyjny | kod potwierdzajacy | код подтверждения | код проверки
    код підтвердження | код за потвърждение | overovaci kod | verifieringskod | bekræftelseskode
    bekreftelseskode | verifikasjonskode | engangskode | vahvistuskood | ellenorzo kod | megerosito kod
    codul de verificare | cod de verificare | dogrulama kodu | onay kodu | κωδικος επαληθευσης | potvrdni kod
    verifikacijski kod | kontrolni kod | verifikacioni kod | patvirtinimo kod | apstiprinajuma kod | kinnituskood
    codi de verificacio | mã xác minh | mã xác nhận | kode verifikasi | kod pengesahan | رمز التحقق | کد تأیید
    קוד אימות | קוד האימות | รหัสยืนยัน | सत्यापन कोड | 验证码 | 驗證碼 | 認証コード | 確認コード | 認証番号
    인증번호 | 인증 코드
    """)
_CODE: Final = re.compile(r"(?<![\w.,-])(?:\d{4,8}|\d{3}[ -]\d{3}|[a-z0-9]{3}-[a-z0-9]{3})(?![\w-])")
_REPLY_MARK: Final = re.compile(r"^\s*(?:(?:re|aw|sv|antw|odp|rv|res|ynt|vs)\s*:\s*){0,5}", re.IGNORECASE)


def fold(text: str) -> str:
    """Small letters without accents, so that one spelling stands for all."""
    text = text[:2000]
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text)
    bare = "".join(one for one in decomposed if not unicodedata.combining(one))
    # Hangul fell apart as well and is composed again.
    return unicodedata.normalize("NFC", bare).lower().replace("ø", "o").replace("æ", "ae").replace("ı", "i")


# The two halves of such words, whatever their order and what stands between them.
_CODES: Final = (
    r"(?:code|codi|\bcod\b|codul|kod|κωδικ|код|\bma\b|รหัส|رمز|کد|קוד|코드|번호|コード|码|碼|कोड|pin\b|otp\b)"
)
_PROOFS: Final = (
    r"(?:verif|confirm|bestatig|sicherheit|anmelde|potwierd|weryfik|logowan|подтвер|провер|верифик|підтвер|overov"
    r"|potvrd|bekraft|bekraeft|bekreft|vahvist|ellenor|megerosit|dogrula|onay|επαληθ|επιβεβ|patvirtin|apstiprin|kinnit"
    r"|xac (?:minh|nhan|thuc)|pengesahan|تحقق|تأكيد|تأیید|אימות|ยืนยัน|सत्याप|验证|驗證|認証|確認|인증|확인|log ?in|log-in"
    r"|sign(?:ing)?[ -]?(?:in|up)|securit|segur|sicurez|access)"
)
_CODE_ABOUT: Final = re.compile(fold(rf"{_CODES}.{{0,30}}{_PROOFS}|{_PROOFS}.{{0,30}}{_CODES}"))
# A link to be opened instead of a code.
_CONFIRM: Final = (
    r"(?:bestatig|aktivier|bevestig|activeer|potwierd|aktywuj|подтверд|активир|підтверд|активуй|potvrd|overte|bekraft"
    r"|bekraeft|bekreft|vahvist|erositse|confirm|verif|activa|dogrula|onayla|επιβεβαι|patvirtin|apstiprin|kinnit"
    r"|xac (?:minh|nhan)|konfirmasi|تأكيد|تحقق|אמת|אימות|ยืนยัน|验证|驗證|認証|確認|인증|확인)"
)
_ACCOUNT: Final = (
    r"(?:e-?mail|konto|adres|correo|correu|conta|cuenta|compte|account|регистрац|почт|пошт|учетн|аккаунт|акаунт|posta"
    r"|ucet|registr|sahkopost|λογαριασμ|epost|البريد|חשבון|อีเมล|邮箱|郵箱|邮件|郵件|アドレス|이메일|메일|계정|hesab)"
)
_LINK_ABOUT: Final = re.compile(fold(rf"{_CONFIRM}.{{0,40}}{_ACCOUNT}|{_ACCOUNT}.{{0,20}}{_CONFIRM}"))
_FOLDED_REPLIES: Final = tuple(fold(phrase) for phrase in _REPLY_PREFIXES)
_ROBOT_WORDS: Final = re.compile(
    "(?:"
    + "|".join(re.escape(one) for one in sorted((*_FOLDED_REPLIES, *map(fold, _RETURNED)), reverse=True))
    + ") ?[:：]"
)
_FOLDED_ABSENCE: Final = tuple(fold(phrase) for phrase in _ABSENCE)
_FOLDED_AWAY: Final = tuple(fold(phrase) for phrase in _AWAY)
_FOLDED_CODES: Final = tuple(fold(word) for word in _CODE_WORDS)


def is_reply_subject(subject: str) -> bool:
    """A subject that only a program begins so: a known phrase and a colon."""
    if not subject or subject.isdigit():
        return False
    folded = fold(subject)
    if not folded.startswith((*_FOLDED_REPLIES, "auto: ")):
        return False
    for phrase in _FOLDED_REPLIES:
        if folded.startswith(phrase) and folded[len(phrase) :].lstrip(" ]").startswith((":", "：")):
            return True
    return folded.startswith("auto: ")


def count_robot_words(subject: str) -> int:
    """How often a program has put its words before this subject, each time before those of the last one."""
    return len(_ROBOT_WORDS.findall(fold(subject)))


def is_absence_subject(subject: str) -> bool:
    """A subject that speaks of an absence; people write such ones too."""
    folded = fold(subject)
    folded = folded[_match_end(folded) :]
    return any(phrase in folded for phrase in _FOLDED_ABSENCE) or folded.startswith(_FOLDED_REPLIES)


def is_absence_text(text: str) -> bool:
    """Does an automatic answer say that somebody is away?"""
    folded = fold(text[:1000])
    return any(phrase in folded for phrase in _FOLDED_AWAY)


def is_code_mail(subject: str, text: str, *, is_robot: bool, is_service: bool) -> str:
    """Why this is a mail with a sign-up code or link, or an empty string. People do not send those."""
    about, told = fold(subject), fold(text)
    if not (is_robot or is_service) or _match_end(about):
        return ""
    has_word = any(word in about for word in _FOLDED_CODES) or (is_robot and _CODE_ABOUT.search(about) is not None)
    if has_word and (_CODE.search(told) or _CODE.search(about)):
        return "subject that announces a code, and a code"
    if not is_robot or not (has_word or _CODE_SUBJECT.search(about) or _LINK_ABOUT.search(about)):
        return ""
    repeated = any(code in told for code in _CODE.findall(about))
    says_so = repeated or any(word in told for word in _FOLDED_CODES) or _CODE_SUBJECT.search(told) is not None
    says_so = says_so or _LINK_ABOUT.search(told) is not None
    return "subject of a verification" if says_so or not text.strip() else ""


def _match_end(folded: str) -> int:
    match = _REPLY_MARK.match(folded)
    return match.end() if match else 0
