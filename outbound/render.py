"""Fill templates. What people outside wrote goes in as values only, and never becomes a template itself.

The sandbox stops a template from reaching into the program; it does not stop it from growing, so values and
result are bounded.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import FileSystemLoader, StrictUndefined, Template
from jinja2.sandbox import ImmutableSandboxedEnvironment

from config.errors import GatewayError
from outbound.writing import one_line

LANGUAGES = ("en", "pt", "es", "fr", "de")
_FOLDER = Path(__file__).parent / "templates"
_MAX_VALUE = 200
_MAX_RESULT = 100_000


@dataclass(frozen=True, slots=True)
class Rendered:
    """Subject and text of an automatic mail."""

    subject: str
    text: str


def render(name: str, language: str, values: dict[str, str]) -> Rendered:
    """A shipped template in a language that we have, else in English."""
    language = language.lower().partition("-")[0]
    template = _template(f"{name}.{language if language in LANGUAGES else 'en'}.txt")
    bounded = {key: one_line(value, _MAX_VALUE) for key, value in values.items()}
    return Rendered(_block(template, "subject", bounded).strip(), _block(template, "body", bounded).strip() + "\n")


@cache
def _template(name: str) -> Template:
    # Text for a text part: nothing to escape. A value that is missing must be an error, not a gap in a mail.
    environment = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(_FOLDER), undefined=StrictUndefined, autoescape=False, trim_blocks=True
    )
    return environment.get_template(name)


def _block(template: Template, name: str, values: dict[str, str]) -> str:
    pieces: list[str] = []
    size = 0
    for piece in template.blocks[name](template.new_context(dict(values))):
        size += len(piece)
        if size > _MAX_RESULT:
            raise GatewayError(f"The template {template.name} makes more than {_MAX_RESULT:,} characters")
        pieces.append(piece)
    return "".join(pieces)
