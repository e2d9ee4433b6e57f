"""Regular expressions that a person wrote: matched by RE2, in time linear to the text.

Python's own `re` would let one bad pattern stop the whole intake; RE2 has no backtracking, and refuses what it
cannot do (look-around, back references) when the pattern is written.
"""

from functools import lru_cache
from typing import Protocol

from config.errors import AskedWrongly

_MAX_PATTERN = 1000
_MAX_MEMORY = 8 << 20


class Pattern(Protocol):
    """A pattern that is ready to be searched for."""

    def search(self, text: str) -> object | None:
        """A match anywhere in the text, or None."""


@lru_cache(maxsize=1000)
def compile_pattern(text: str) -> Pattern:
    """A pattern that does not care about case. Raises AskedWrongly for one that is wrong."""
    import re2  # only who has such a rule needs it

    if len(text) > _MAX_PATTERN:
        raise AskedWrongly(f"A pattern has {_MAX_PATTERN} characters at most")
    options = re2.Options()
    options.case_sensitive, options.log_errors, options.max_mem = False, False, _MAX_MEMORY
    try:
        pattern: Pattern = re2.compile(text, options)
    except re2.error as error:
        why = error.args[0] if error.args else ""
        said = why.decode("utf-8", "replace") if isinstance(why, bytes) else why
        raise AskedWrongly(f"The pattern {text!r} is wrong: {said}") from None
    return pattern
