"""Fill templates: those that we ship, and those of the operator's folder, which go first.

What people outside wrote goes in as values only, and never becomes a template itself. A template may fill in values,
choose with `if`, and extend another one: no loops, no calls, no arithmetic, few filters. So what it makes is bounded by
its own size and that of its values, whatever somebody writes into one.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import CodeType

from jinja2 import (
    ChoiceLoader,
    FileSystemLoader,
    StrictUndefined,
    Template,
    TemplateError,
    TemplateSyntaxError,
    meta,
    nodes,
    select_autoescape,
)
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from config.errors import AskedWrongly, BadConfiguration
from outbound.writing import one_line

LANGUAGES = ("en", "pt", "es", "fr", "de")
SHIPPED = Path(__file__).parent / "templates"
LETTER = "letter-"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,40}(?:\.[a-z]{2})?\.(?:txt|html)")
_MAX_TEMPLATE = 65_536
_MAX_VALUE = 200
_MAX_RESULT = 1_048_576
_ALLOWED = (
    *(nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.Block, nodes.Extends),
    *(nodes.If, nodes.CondExpr, nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.Concat),
    *(nodes.Filter, nodes.Test, nodes.ContextReference),
)
_FILTERS = ("escape", "e", "upper", "lower", "title", "capitalize", "trim", "default", "d", "striptags", "urlencode")

# Markup is HTML that we made; text is escaped where it meets HTML.
Value = str | Markup | bool


@dataclass(frozen=True, slots=True)
class Rendered:
    """Subject and text of an automatic mail."""

    subject: str
    text: str


class _Environment(ImmutableSandboxedEnvironment):
    """Refuses what a template of ours never needs, before any of it runs."""

    def compile(  # type: ignore[override]
        self, source: str, name: str | None = None, filename: str | None = None
    ) -> CodeType:
        """The code of a template. Raises TemplateSyntaxError for what is not allowed."""
        if len(source) > _MAX_TEMPLATE:
            raise TemplateSyntaxError(f"it has more than {_MAX_TEMPLATE:,} characters", 1, name)
        tree = self.parse(source, name, filename)
        for node in tree.find_all(nodes.Node):
            _refuse(node, name)
        return super().compile(tree, name, filename)


def _refuse(node: nodes.Node, name: str | None) -> None:
    what = type(node).__name__.lower()
    allowed = isinstance(node, _ALLOWED)
    if isinstance(node, nodes.Filter):
        what, allowed = f"the filter {node.name}", node.name in _FILTERS
    elif isinstance(node, nodes.Extends):
        allowed = isinstance(node.template, nodes.Const) and node.template.value != name
    if not allowed:
        raise TemplateSyntaxError(f"{what} is not allowed: a template fills in values and chooses", node.lineno, name)


def render(name: str, language: str, values: Mapping[str, str], folder: Path | None = None) -> Rendered:
    """A text template in a language that there is, else in English. Raises BadConfiguration with the fault."""
    template = _template(_in_language(name, language, folder), folder)
    bounded = {key: one_line(value, _MAX_VALUE) for key, value in values.items()}
    return Rendered(_block(template, "subject", bounded).strip(), _block(template, "body", bounded).strip() + "\n")


def _in_language(name: str, language: str, folder: Path | None) -> str:
    """The template of this name in a language, else in English, else the one that knows no language."""
    language = language.lower().partition("-")[0]
    names = [f"{name}.{language if language in LANGUAGES else 'en'}.txt", f"{name}.en.txt", f"{name}.txt"]
    there = template_files(folder)
    return next((one for one in names if one in there), names[0])


def check_text_template(name: str, folder: Path | None) -> None:
    """Raise AskedWrongly or BadConfiguration when no automatic mail can be written with this."""
    if _in_language(name, "en", folder) not in template_files(folder):
        known = sorted({one.partition(".")[0] for one in template_files(folder) if one.endswith(".txt")})
        raise AskedWrongly(f"There is no template {name}.en.txt nor {name}.txt; there is: {', '.join(known)}")
    faults = [
        fault_of(one, folder)
        for one in template_files(folder)
        if re.fullmatch(rf"{re.escape(name)}(\.[a-z]{{2}})?\.txt", one)
    ]
    if any(faults):
        raise BadConfiguration(next(filter(None, faults)))


def render_letter(name: str, values: Mapping[str, Value], folder: Path | None = None) -> str:
    """A letter as HTML. Raises BadConfiguration with the fault."""
    template = _template(f"{LETTER}{name}.html", folder)
    try:
        pieces = list(template.generate(dict(values)))
    except (TemplateError, RecursionError) as error:
        raise _bad(template.name or name, error) from error
    return _bounded(template, pieces)


def template_files(folder: Path | None) -> dict[str, Path]:
    """The templates that there are, by name; one of the operator's hides the shipped one of the same name."""
    found: dict[str, Path] = {}
    for place in (SHIPPED, folder):
        for path in sorted(place.iterdir()) if place and place.is_dir() else ():
            if _NAME.fullmatch(path.name):
                found[path.name] = path
    return dict(sorted(found.items()))


def letter_names(folder: Path | None) -> list[str]:
    """What a queue may name as its template."""
    names = [name for name in template_files(folder) if name.startswith(LETTER)]
    return [name.removeprefix(LETTER).removesuffix(".html") for name in names]


def fault_of(name: str, folder: Path | None) -> str:
    """What is wrong with a template; empty when it can be used.

    It may fill in what the shipped one of its name fills in, and a letter what every shipped letter does.
    """
    try:
        _template(name, folder)
        unknown = _values_of(name, folder) - _known_values(name)
    except BadConfiguration as error:
        return str(error)
    if unknown:
        return f"Template {name}: there is no value {', '.join(sorted(unknown))}"
    missing = [block for block in ("subject", "body") if name.endswith(".txt") and not _has_block(name, block, folder)]
    return f"Template {name}: it has no block {missing[0]}" if missing else ""


def _known_values(name: str) -> set[str]:
    shipped = [path.name for path in SHIPPED.glob("*.txt" if name.endswith(".txt") else "letter*.html")]
    return {value for one in shipped for value in _values_of(one, None)}


def _values_of(name: str, folder: Path | None) -> set[str]:
    environment = _environment(folder)
    assert environment.loader is not None
    try:
        source, _, _ = environment.loader.get_source(environment, name)
        return meta.find_undeclared_variables(environment.parse(source))
    except (TemplateError, OSError, UnicodeError) as error:
        raise _bad(name, error) from error


def _has_block(name: str, block: str, folder: Path | None) -> bool:
    return block in _template(name, folder).blocks


@cache
def _environment(folder: Path | None) -> _Environment:
    # A value that is missing must be an error, not a gap in a mail.
    places = [FileSystemLoader(place) for place in (folder, SHIPPED) if place]
    escaped = select_autoescape(enabled_extensions=("html",), default_for_string=False)
    return _Environment(
        loader=ChoiceLoader(places), undefined=StrictUndefined, autoescape=escaped, trim_blocks=True, lstrip_blocks=True
    )


def _template(name: str, folder: Path | None) -> Template:
    try:
        return _environment(folder).get_template(name)
    except (TemplateError, OSError, UnicodeError, RecursionError) as error:
        raise _bad(name, error) from error


def _bad(name: str, error: Exception) -> BadConfiguration:
    where = f" line {error.lineno}" if isinstance(error, TemplateSyntaxError) else ""
    words = (error.message if isinstance(error, TemplateError) else str(error)) or type(error).__name__
    return BadConfiguration(f"Template {name}{where}: {words}; look with `gateway template check`")


def _block(template: Template, name: str, values: Mapping[str, str]) -> str:
    if name not in template.blocks:
        raise BadConfiguration(f"Template {template.name}: it has no block {name}; look with `gateway template check`")
    try:
        return _bounded(template, list(template.blocks[name](template.new_context(dict(values)))))
    except TemplateError as error:
        raise _bad(template.name or name, error) from error


def _bounded(template: Template, pieces: list[str]) -> str:
    if sum(map(len, pieces)) > _MAX_RESULT:
        raise BadConfiguration(f"Template {template.name}: it makes more than {_MAX_RESULT:,} characters")
    return "".join(pieces)
