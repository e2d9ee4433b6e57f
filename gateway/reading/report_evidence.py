"""Is this mail a machine's word that a mail was not delivered? Asked of the mails that do not say so in RFC 3464 form.

One sign is not enough: people are called Postmaster, write about "returned mail", and programs of good
will send with an empty return path. A daemon or a null return path (RFC 5321 section 4.5.5), and words
that say it, in the subject or the text. Answers of vacation programs (RFC 3834) are no reports.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from gateway.reading.labels import folded, words_of
from gateway.reading.mail import Person

_DAEMONS: Final = words_of("""
    mailer-daemon | mailerdaemon | mailer_daemon | mail-daemon | maildaemon | postmaster | post_master
    post-master | mail.delivery.system | maildelivery | mdaemon | mmdf
    mail-system | emailgateway | daemon | mailsystem | majordomo-daemon | ndr
    microsoftexchange | undeliverable | do-not-reply-dsn
    """)
_DAEMON_NAMES: Final = words_of("""
    mail delivery sub | mail delivery system | mail deliver system | mailer-daemon | mailer daemon
    system administrator | mail administrator | postmaster | internet mail delivery | microsoft outlook
    microsoft exchange | ndr administrator | delivery subsystem | e-mail interconnect | mail router
    systemadministrator | administrador do sistema | administrador del sistema | administrateur système
    mail system | interscan | mailsweeper | mail gateway
    """)
_SUBJECTS: Final = words_of("""
    mail failed | returning to sender | delivery status
    undeliver | returned mail | return mail | mail returned | returned to sender
    delivery status notification | failure notice | delivery failure | delivery failed | mail delivery failed
    mail system error | delivery notification | delivery report | delivery problem | could not be delivered
    couldn't be delivered | cannot be delivered | not delivered | error sending your mail | mail failure
    mail error | message delivery | non-delivery | nondeliverable | non delivery | user unknown | unknown user
    host unknown | delivery delayed | delayed mail | warning: message | warning: could not send
    message delayed | delivery incomplete | smtp server: errors | unzustellbar | nicht zustellbar
    nicht zugestellt | konnte nicht zugestellt | zustellung fehlgeschlagen | non remis | échec de la remise
    échec de remise | non distribué | n'a pas pu être | remise impossible | retour de courrier | no entregado
    no se puede entregar | no se pudo entregar | no se ha podido entregar | error de entrega | devuelto
    não entregue | não foi possível entregar | não foi entregue | não pode ser entregue | falha na entrega
    falha de entrega | devolvid | não é possível entregar | mancato recapito | non recapitabile
    impossibile recapitare | non consegnat | mancata consegna | onbestelbaar | niet bezorgd
    kan niet worden bezorgd | bezorging mislukt | kan ikke leveres | ikke leveret | ikke levert
    kan inte levereras | gick inte att leverera | olevererbart | ei voitu toimittaa
    toimittaminen epäonnistui | niedostarczalne | nie można dostarczyć | nie dostarczono | zwrot
    nedoručiteln | nelze doručit | nedoručen | kézbesíthetetlen | nelivrabil | teslim edilemedi | iletilemedi
    не доставлено | недоставлен | не может быть доставлен | сообщение не доставлено | ошибка доставки
    не вдалося доставити | 配信不能 | 配信できません | メール配送 | 送信できません | 送信エラー | エラーメール
    未配信 | 届けられません | お届けでき | 无法送达 | 退信 | 未送达 | 投递失败 | 無法傳遞 | 無法傳送 | 退件
    전송 실패 | 전송 불가 | 배달할 수 없 | 반송 | לא ניתן למסור | تعذر تسليم | не удалось доставить
    problem with your message | rejected mail | mail rejected | blocked mail | bounced
    メールを配信できません | toimitus epäonnistui | 배달되지 않 | 배달하지 못 | 발송 실패 | 전송되지 | μη παραδοτέο
    δεν παραδόθηκε | αποτυχία παράδοσης | تعذر التسليم | لم يتم التسليم | فشل التسليم | nedoručiteľn
    nepodarilo doručiť
    недоставим | не е доставен | neisporučiv | nije isporučen | neuručen | неиспоруч | nepristatyt
    nepavyko pristatyti
    kättetoimetamat | nav piegādāj | nepiegādāt | ni mogoče dostaviti | nedostavljiv | không thể gửi | không gửi được
    tidak terkirim | gagal terkirim | tidak dapat dikirim | ส่งไม่ถึง | ไม่สามารถส่ง | वितरित नहीं | no lliurat
    lliurament fallit | ezin izan da bidali | non se puido entregar | không chuyển được | zustellfehler
    nicht gesendet
    غیر قابل تحویل | nedoruč | kon niet worden bezorgd | niet afgeleverd | не удалось отправить | не доставлен
    """)
_PHRASES: Final = words_of("""
    unknown host | host unknown | returning to sender | no valid recipients
    could not be delivered | couldn't be delivered | cannot be delivered | can't be delivered
    was not delivered | wasn't delivered | not been delivered | unable to deliver | undeliverable
    undelivered | failed to deliver | delivery has failed | delivery failed | delivery to the following
    following address | following recipient | did not reach the following | had permanent fatal errors
    delivery error | error delivering | trouble delivering | error was encountered | returned message
    transcript of session follows | permanent error | permanent failure | has been delayed
    error message below | failure reasons | returned below | rcpt to:< | rcpt to:  | user unknown
    unknown user | no such user | mailbox unavailable | mailbox full | mailbox is full
    message delivery failed | non-delivery | an error has occurred while attempting to deliver
    this is the qmail-send program | error_code : | action: failed | action: delayed | final-recipient:
    dragonfly mail agent | could not deliver | was rejected by | rejected recipient | delivery failure
    still not delivered | recipient address rejected | nicht zugestellt | konnte nicht | unzustellbar
    n'a pas pu être | n’a pas pu être | no se pudo entregar | no se ha podido | não pôde ser entregue
    não foi possível entregar | não foi entregue | não pode ser entregue | non è stato possibile
    impossibile recapitare | kon niet worden | niet worden bezorgd | kunne ikke leveres | kunde inte levereras
    nie mogła zostać dostarczona | nebylo možné doručit | не может быть доставлено | не доставлено
    не удалось доставить | 送信できません | 送信に失敗 | 配信できません | 届けることができません
    エラーのため | 无法送达 | 無法傳遞 | 退信 | 配送できません | could not be sent | message not sent
    was undeliverable | your message wasn't | address not found | mail loop | group you tried to contact
    """)
_DELAYS: Final = words_of("""
    message is delayed | only a temporary failure | message still undelivered | keep trying to deliver
    has been delayed | been delayed | not yet been delivered | has not yet | will be retried
    warning message only | will continue | still being retried | delivery delayed | delivery is delayed
    will keep trying | delayed mail | (delay) | could not be delivered yet | do not need to resend
    temporarily delayed | still trying | not been delivered for | message delayed | wird verzögert
    noch nicht zugestellt | a été retardé | se ha retrasado | foi adiada | está atrasada | è in ritardo
    vertraagd | задержана | 遅延 | warning: could not send message for past
    """)
_VACATIONS: Final = words_of("""
    out of office | out of the office | automatic reply | autoreply | auto-reply | auto reply | auto:
    vacation | abwesenheit | automatische antwort | réponse automatique | absence du bureau
    respuesta automática | fuera de la oficina | resposta automática | fora do escritório | ausência
    risposta automatica | fuori sede | automatisch antwoord | afwezig | autosvar | frånvaro | fravær
    poissaolo | autoodpowiedź | automatická odpověď | автоответ | автоматический ответ | 自動応答 | 自動返信
    不在 | 自动回复 | 自動回覆 | 자동 회신 | 부재중 | otomatik yanıt
    """)

# What a mail server says to another.
_SERVER: Final = re.compile(
    r"(?<![\w.-])[45]\.\d\.\d{1,3}(?![\w.])|(?<![\w.-])[45]\d\d[ -]\S|rcpt to|smtp", re.IGNORECASE
)
# The same with both codes, which says it in any language.
_REFUSAL: Final = re.compile(r"(?<![\w.-])[45]\d\d[ -]#?[45]\.\d\.\d{1,3}(?!\w)")


def is_daemon(author: Person) -> bool:
    """Is this the sender of a mail system's own notices?"""
    local = author.email.lower().partition("@")[0]
    name = folded(author.name[:200])
    begins = ("mailer-daemon", "postmaster", "microsoftexchange")
    return local in _DAEMONS or local.startswith(begins) or any(known in name for known in _DAEMON_NAMES)


def has_null_return_path(headers: Sequence[tuple[str, str]]) -> bool:
    """No envelope sender: nobody may answer."""
    paths = [value.strip() for name, value in headers if name.lower() == "return-path"]
    return bool(paths) and paths[0] in ("<>", "")


def is_machine(author: Person, headers: Sequence[tuple[str, str]]) -> bool:
    """Nobody sits behind it: a daemon by name, no return path, or an empty From."""
    empty = not author.email and any(name.lower() == "from" and "<>" in value for name, value in headers)
    return empty or is_daemon(author) or has_null_return_path(headers)


def is_vacation(subject: str) -> bool:
    """Somebody is away: his mail arrived."""
    told = folded(subject[:400])
    return any(words in told for words in _VACATIONS)


def names_failure(subject: str) -> bool:
    """Does the subject say that a mail was not delivered?"""
    told = folded(subject[:400])
    return any(words in told for words in _SUBJECTS)


def tells_failure(prose: str) -> bool:
    """Does the text say so?"""
    told = folded(prose[:8_000])
    return any(words in told for words in _PHRASES)


def tells_delay(prose: str) -> bool:
    """The mail may still arrive: a delay is no failure."""
    told = folded(prose[:4_000])
    return any(words in told for words in _DELAYS)


def is_prose_report(subject: str, author: Person, prose: str, headers: Sequence[tuple[str, str]]) -> bool:
    """A machine sent it, and it says so."""
    has_failed = any(name.lower() == "x-failed-recipients" for name, _ in headers)
    if not (has_failed or is_machine(author, headers)) or is_vacation(subject):
        return False
    if has_failed:
        return True
    named = names_failure(subject)
    if named and is_daemon(author):
        return True
    # A postmaster may be a person who writes about a failure, and a shop that has no return path says of
    # a parcel, too, that it could not be delivered: a second sign is asked for.
    silent = is_daemon(author) and has_null_return_path(headers)
    if not tells_failure(prose):
        return silent and _REFUSAL.search(prose[:20_000]) is not None
    return named or silent or _SERVER.search(prose[:20_000]) is not None
