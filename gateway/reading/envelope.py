"""The reverse-path of a mail that came without an envelope: from a pipe, a mailbox or an archive."""

from gateway.reading.parse import read_mail

_MAX_HEADER = 256 * 1024


def reverse_path_of(content: bytes) -> str:
    """What Return-Path says (RFC 5321 section 4.4), empty for null; without one the address in From."""
    # The header is enough; a mail of 50 MB is not read twice.
    header = content[:_MAX_HEADER].partition(b"\r\n\r\n")[0]
    mail = read_mail(header + b"\r\n\r\n")
    path = mail.header("return-path").strip()
    return path.removeprefix("<").removesuffix(">") if path else mail.author.email
