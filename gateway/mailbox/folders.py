"""Names of folders as IMAP writes them: modified UTF-7 in quotes. RFC 3501 section 5.1.3."""

import re
from base64 import b64encode

_FOREIGN = re.compile(r"[^\x20-\x7e]+")


def quoted_folder(name: str) -> str:
    """The name as an argument of a command. A line break cannot get out of it: it is encoded."""
    plain = _FOREIGN.sub(lambda found: _shifted(found[0]), name.replace("&", "&-"))
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _shifted(text: str) -> str:
    base64 = b64encode(text.encode("utf-16-be", "surrogatepass")).decode().rstrip("=").replace("/", ",")
    return f"&{base64}-"
