"""How much of one mail is read: past each bound the rest is kept as bytes and the mail says so.

These are limits of meaning, not of memory or time: those belong to the process that reads
(`gateway.reading.bounded`). The numbers are far above what real mail has; each was chosen so
that a mail built to hurt costs less than a second.
"""

from __future__ import annotations

from typing import Final

MAX_HEADER_BYTES: Final = 256 * 1024  # one header block; Exchange and ARC chains reach 30 KiB
MAX_FIELDS: Final = 1000  # a mail with 50 hops and 10 ARC sets has about 200
MAX_FIELD_CHARS: Final = 64 * 1024  # To with 1,000 addresses is about 40 KiB
MAX_ADDRESSES: Final = 500  # more than that is a list in the wrong place
MAX_PARAMETERS: Final = 50  # an RFC 2231 file name of 2,000 characters needs 30
MAX_REFERENCES: Final = 200  # first and last ones are kept
MAX_ID_CHARS: Final = 998  # RFC 5322 section 2.1.1
MAX_SUBJECT_CHARS: Final = 2000
MAX_NAME_CHARS: Final = 500
MAX_DEPTH: Final = 50  # multipart in multipart; Postfix stops at 100
MAX_PARTS: Final = 1000
MAX_MESSAGE_DEPTH: Final = 10  # mail in mail
MAX_HTML_DEPTH: Final = 200  # nh3 needs quadratic time on deeper trees
MAX_TEXT_OCTETS: Final = 4 * 1024 * 1024  # of one part, plain or HTML; a larger one is an attachment too
MAX_DEFECTS: Final = 50
