"""Join the lines of format=flowed text into paragraphs. RFC 3676."""

from __future__ import annotations


def unflow(text: str, *, deletes_space: bool) -> str:
    """Soft line breaks undone, space-stuffing undone; quoted text keeps its marks."""
    lines: list[str] = []
    paragraph: list[str] = []
    level = 0
    for line in text.split("\n"):
        depth, content = _unquote(line)
        is_flowed = content.endswith(" ") and content != "-- "
        if paragraph and (depth != level or content == "-- "):
            lines.append(_quoted(level, "".join(paragraph)))
            paragraph = []
        level = depth
        paragraph.append(content[:-1] if is_flowed and deletes_space else content)
        if not is_flowed:
            lines.append(_quoted(level, "".join(paragraph)))
            paragraph = []
    if paragraph:
        lines.append(_quoted(level, "".join(paragraph)))
    return "\n".join(lines)


def _unquote(line: str) -> tuple[int, str]:
    content = line.lstrip(">")
    depth = len(line) - len(content)
    return depth, content[1:] if content.startswith(" ") else content


def _quoted(level: int, content: str) -> str:
    return f"{'>' * level} {content}" if level else content
