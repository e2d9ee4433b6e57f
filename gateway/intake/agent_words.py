"""The commands that an agent writes into the first lines of his mail.

    #assign EMAIL | me | nobody     who is responsible
    #close                          the ticket is closed afterwards
    #note                           the text is for agents only
    @fwd [EMAIL]                    the customer is whoever wrote the forwarded mail, or EMAIL

Only whole lines that begin the text count, so that "#1 is broken" stays a text.
"""

import re
from dataclasses import dataclass

_LINE = re.compile(
    r"#(?P<verb>close|note)|#assign[ \t]+(?P<assign>[^\s]{1,320})|(?P<fwd>@fwd)(?:[ \t]+(?P<whom>[^\s]{1,320}))?",
    re.IGNORECASE,
)
_MOST = 5


@dataclass(frozen=True, slots=True)
class AgentWords:
    """The commands, and the text below them."""

    text: str
    commands: tuple[str, ...] = ()  # as they were written
    assign: str = ""
    closes: bool = False
    is_note: bool = False
    is_forward: bool = False
    customer: str = ""


def agent_words(text: str) -> AgentWords:
    """Take the commands off a text."""
    lines = text.lstrip().splitlines()
    found: list[re.Match[str]] = []
    while lines and len(found) < _MOST:
        match = _LINE.fullmatch(lines[0].strip())
        if match is None:
            break
        found.append(match)
        lines = "\n".join(lines[1:]).lstrip("\n").splitlines()
    verbs = {(match["verb"] or "").lower() for match in found}
    return AgentWords(
        text="\n".join(lines).strip() if found else text,
        commands=tuple(match[0].strip() for match in found),
        assign=next((match["assign"] for match in found if match["assign"]), ""),
        closes="close" in verbs,
        is_note="note" in verbs,
        is_forward=any(match["fwd"] for match in found),
        customer=next((match["whom"].strip("<>") for match in found if match["whom"]), ""),
    )
