"""The part of `gateway doctor` that reads templates and logos as mail would: a broken one stops answers."""

from pathlib import Path

from sqlmodel import Session

from config.errors import BadConfiguration
from config.settings import Settings
from gateway.findings import Finding, Findings, State
from storage.queues import Queue, list_queues


def examine_looks(session: Session, settings: Settings) -> Findings:
    """A failure for each queue whose letters cannot be dressed, and a warning for a template that no queue uses yet."""
    from outbound.appearance import TEXT_ONLY
    from outbound.render import LETTER, fault_of, template_files

    folder = settings.outbound.templates
    faults = {name: fault_of(name, folder) for name in template_files(folder)}
    used: set[str] = set()
    for queue in list_queues(session):
        name = f"{LETTER}{queue.template}.html"
        used.add(name)
        fault = "" if queue.template == TEXT_ONLY else faults.get(name, f"Template {name} is not there")
        if fault or (fault := _logo_fault(queue, folder)):
            advice = f"put it right, or `gateway queue set '{queue.name}' --template simple --logo ''`"
            yield Finding(State.FAIL, f"letters of queue {queue.name}", fault, advice)
    for name, fault in faults.items():
        if fault and name not in used:
            yield Finding(State.WARN, f"template {name}", fault, "look with `gateway template check`")


def _logo_fault(queue: Queue, folder: Path | None) -> str:
    from outbound.appearance import read_logo

    try:
        if queue.logo:
            read_logo(folder, queue.logo)
    except BadConfiguration as error:
        return str(error)
    return ""
