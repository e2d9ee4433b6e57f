"""See OpenPGP in the text itself: the signed text without its armour, encrypted text as such. RFC 9580 section 7.

Nothing is verified or decrypted here.
"""

from __future__ import annotations

from typing import Final

_SIGNED: Final = "-----BEGIN PGP SIGNED MESSAGE-----"
_SIGNATURE: Final = "-----BEGIN PGP SIGNATURE-----"
_SIGNATURE_END: Final = "-----END PGP SIGNATURE-----"
_ENCRYPTED: Final = "-----BEGIN PGP MESSAGE-----"


def is_encrypted(text: str) -> bool:
    """Does an encrypted message stand in the text, at the start of a line?"""
    return text.startswith(_ENCRYPTED) or f"\n{_ENCRYPTED}" in text


def without_armour(text: str) -> tuple[str, str]:
    """The text as its writer wrote it, and the signature's block; unchanged when there is none."""
    start = text.find(_SIGNED)
    middle = text.find(f"\n{_SIGNATURE}", start + 1)
    end = text.find(_SIGNATURE_END, middle + 1)
    if start == -1 or middle == -1 or end == -1 or (start and text[start - 1] != "\n"):
        return text, ""
    head_end = text.find("\n\n", start)
    if head_end == -1 or head_end > middle:
        return text, ""
    lines = text[head_end + 2 : middle].split("\n")
    inner = "\n".join(line.removeprefix("- ") for line in lines)
    end += len(_SIGNATURE_END)
    return f"{text[:start]}{inner}{text[end:]}", text[middle + 1 : end] + "\n"
