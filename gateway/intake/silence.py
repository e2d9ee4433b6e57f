"""Raise an alarm when a queue that usually gets mail gets none: a forward may be dead that nobody tests.

It is judged by the queue's own past (`storage.silence`), told once, and over as soon as mail comes.
"""

from sqlmodel import Session

from config import maillog
from config.clock import now
from config.settings import Settings
from storage.notices import raise_alarm
from storage.queues import Queue, list_queues
from storage.silence import Silence, count_hours, silence_of


def watch_silence(session: Session, settings: Settings) -> None:
    """Count what came, and look at each queue. The caller holds the filing lock."""
    mails = settings.forwarding.silence_mails
    if not mails:
        return
    at = now()
    if not count_hours(session, at):
        return  # what is counted in part would look like silence
    for queue in list_queues(session):
        silence = silence_of(session, queue, at)
        if queue.silent_since is None:
            if silence and silence.is_unusual(mails):
                _begin(session, queue, silence)
        elif silence is None or silence.since > queue.silent_since:
            _end(session, queue)


def _begin(session: Session, queue: Queue, silence: Silence) -> None:
    queue.silent_since = silence.since
    session.add(queue)
    usual = round(sum(silence.before) / len(silence.before))
    reason = f"At these hours of the week it usually gets about {usual} mails. Does its inbox still forward?"
    maillog.trouble("a queue gets no mail", queue=queue.name, since=silence.since.isoformat(), usual=usual)
    raise_alarm(session, f"the queue {queue.name} gets no mail since {silence.since:%Y-%m-%d %H:%M} UTC", reason)


def _end(session: Session, queue: Queue) -> None:
    """Mail came: it may become silent again, and is told again then."""
    queue.silent_since = None
    session.add(queue)
    maillog.started(queue=queue.name)
