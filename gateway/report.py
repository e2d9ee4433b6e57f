"""The last weeks of every queue as one page: how much came, and how soon it was answered. Drawn as SVG, no script."""

from collections.abc import Sequence
from datetime import datetime
from html import escape

from storage.statistics import Day, QueueStatistics

_WIDTH, _HEIGHT, _GAP = 720, 120, 2
_COLORS = ("#1a6fb0", "#2b8a3e", "#a34fb0", "#b07d1a", "#1a8f8f", "#b03a48")
_STYLE = (
    "body{font:15px/1.5 sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222;background:#fff}"
    "td,th{padding:.2rem 1rem .2rem 0;text-align:right}td:first-child,th:first-child{text-align:left}"
    "svg{width:100%;height:auto}figcaption{color:#555}"
)


def report_page(queues: Sequence[QueueStatistics], at: datetime) -> str:
    """The page."""
    rows = "".join(_row(one) for one in queues)
    charts = "\n".join(_section(one, _COLORS[place % len(_COLORS)]) for place, one in enumerate(queues))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Queues</title>'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<style>{_STYLE}</style></head>\n<body><h1>Queues, {at:%Y-%m-%d %H:%M}</h1>\n"
        "<table><tr><th>Queue</th><th>New tickets</th><th>Answered</th><th>First answer, median</th>"
        f"<th>Nine of ten within</th></tr>{rows}</table>\n{charts}\n</body></html>\n"
    )


def _row(one: QueueStatistics) -> str:
    times = f"<td>{_hours(one.hours)}</td><td>{_hours(one.slowest_hours)}</td>"
    return f"<tr><td>{escape(one.queue)}</td><td>{one.opened}</td><td>{one.answered}</td>{times}</tr>"


def _hours(hours: float | None) -> str:
    if hours is None:
        return "-"
    return f"{hours * 60:.0f} min" if hours < 1 else f"{hours:.1f} h"


def _section(one: QueueStatistics, color: str) -> str:
    opened = _bars([day.opened for day in one.days], one.days, color, "new tickets")
    hours = _bars([day.hours or 0 for day in one.days], one.days, color, "hours until the first answer (median)")
    return f"<h2>{escape(one.queue)}</h2>{opened}{hours}"


def _bars(values: Sequence[float], days: Sequence[Day], color: str, what: str) -> str:
    """Bars of days beside each other; each tells its day and value to who points at it."""
    highest, width = max([*values, 0]) or 1, _WIDTH / max(len(values), 1)
    bars = "".join(
        f'<rect x="{place * width:.1f}" y="{_HEIGHT - value / highest * _HEIGHT:.1f}" width="{width - _GAP:.1f}" '
        f'height="{value / highest * _HEIGHT:.1f}" fill="{color}"><title>{day.day}: {value:g}</title></rect>'
        for place, (value, day) in enumerate(zip(values, days, strict=True))
    )
    label = f"{what}, {days[0].day} to {days[-1].day}; the highest bar is {highest:g}" if days else what
    return (
        f'<figure><svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(label)}">{bars}</svg>'
        f"<figcaption>{escape(label)}</figcaption></figure>"
    )
