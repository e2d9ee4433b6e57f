"""Wording by which subjects of automatic answers, absences and sign-up codes are known, in many languages.

Only what a program writes by itself decides alone; words that people use as well need a header beside them.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

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
)  # fmt: skip
_ABSENCE: Final = (
    "out of office", "out of the office", "out-of-office", "ooo", "on vacation", "away from", "vacation",
    "annual leave", "abwesend", "abwesenheit", "nicht im buro", "urlaub", "absence du bureau", "absent du bureau",
    "en conges", "conges", "absence", "fuera de la oficina", "ausente", "ausencia", "fora do escritorio",
    "ausencia temporaria", "de ferias", "ferias", "fuori sede", "fuori ufficio", "assente", "ferie", "afwezig",
    "afwezigheid", "franvaro", "fravaer", "poissa", "poza biurem", "nieobecn", "urlop", "mimo kancelar",
    "nepritomn", "отсутств", "в отпуске", "отпуск", "ofis disinda", "izinli", "hazon kivul", "休假", "外出",
    "不在", "휴가", "부재중",
)  # fmt: skip
# What mail servers put in front of the subject of a mail that they return.
_RETURNED: Final = (
    "undeliverable", "undelivered", "undelivered mail", "undeliverable mail", "delivery status notification (failure)",
    "delivery failure", "mail delivery failed", "returned mail", "failure notice", "unzustellbar", "non remis",
    "no se puede entregar", "nao e possivel entregar", "non recapitabile", "onbestelbaar", "nie mozna dostarczyc",
    "недоставлено", "无法投递", "配信不能",
)  # fmt: skip
# What such mails are about, after folding. Each alternative is one language's way to say it.
_CODE_SUBJECT: Final = re.compile(
    r"\b(?:verif\w*|confirm\w*|activat\w*|sign[- ]?(?:in|up)|log[- ]?in|security|one[- ]?time"
    r"|access|auth\w*|2fa|otp|reset)\b"
    r".{0,40}\b(?:code|pin|otp|passcode|password|e-?mail|account|address|link|identity|sign[- ]?in|log[- ]?in)\b"
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
_CODE_TEXT: Final = re.compile(
    r"(?:verification|confirmation|security|access|login|sign-?in|one-?time|activation|authentication)"
    r" (?:code|pin|password|link)"
    r"|(?:confirm|verify) your (?:e-?mail|account|identity|address)|\bcode\b.{0,40}\b\d{4,8}\b"
    r"|codigo de|code de (?:verification|confirmation)|(?:bestatigungs|verifizierungs|sicherheits)code|codice di"
    r"|verificatiecode|kod weryfikacyjny|код подтверждения|验证码|驗證碼|認証コ|認証番号|인증",
    re.IGNORECASE,
)
_REPLY_MARK: Final = re.compile(r"^\s*(?:(?:re|aw|sv|antw|odp|rv|res|ynt|vs)\s*:\s*){0,5}", re.IGNORECASE)


def fold(text: str) -> str:
    """Small letters without accents, so that one spelling stands for all."""
    text = text[:2000]
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text)
    bare = "".join(one for one in decomposed if not unicodedata.combining(one))
    # Hangul fell apart as well and is composed again.
    return unicodedata.normalize("NFC", bare).lower().replace("ø", "o").replace("ı", "i")


_FOLDED_REPLIES: Final = tuple(fold(phrase) for phrase in _REPLY_PREFIXES)
_ROBOT_WORDS: Final = re.compile(
    "(?:"
    + "|".join(re.escape(one) for one in sorted((*_FOLDED_REPLIES, *map(fold, _RETURNED)), reverse=True))
    + ") ?[:：]"
)
_FOLDED_ABSENCE: Final = tuple(fold(phrase) for phrase in _ABSENCE)


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


def is_code_mail(subject: str, text: str, *, is_robot: bool) -> str:
    """Why this is a mail with a sign-up code or link, or an empty string. Only robots send those."""
    if not is_robot or _match_end(fold(subject)):
        return ""
    if not _CODE_SUBJECT.search(fold(subject)):
        return ""
    return "subject of a verification" if _CODE_TEXT.search(fold(text)) or not text.strip() else ""


def _match_end(folded: str) -> int:
    match = _REPLY_MARK.match(folded)
    return match.end() if match else 0
