"""The pictures as inline SVG: no script, no font file, nothing to fetch."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from dashboard.export.pictures import Bars, Curve, Dots, Pairs
from dashboard.figures import theme
from dashboard.words import Words

_WIDTH, _LEFT, _RIGHT = 700, 20, 20
_ROW = 30  # of a bar and its gap


def dots(d: Dots, w: Words) -> str:
    """Years as dots; the short ones are red diamonds beyond the line of the size."""
    height, top, bottom = 250.0, 34.0, 46.0
    short = w("{count} short", count=d.counted[1])
    x = _Scale(d.right, _LEFT, _WIDTH - _RIGHT)
    beyond = x(d.size) + 8 + 8 * theme.width(short) - _WIDTH  # bold text that would be cut
    if beyond > 0 and d.size:
        x = _Scale(d.right, _LEFT, _WIDTH - _RIGHT - beyond * d.right / d.size)
    unit = min((height - top - bottom) / d.top, (_WIDTH - 40) / 14 if len(d.enough) + len(d.short) <= 20 else 15)
    radius, ground = unit * 0.46, height - bottom
    body = [_line(_LEFT, ground, _WIDTH - _RIGHT, ground, theme.GREYED)]
    body += [
        f'<circle cx="{x(a):.1f}" cy="{ground - b * unit:.1f}" r="{radius:.1f}" fill="{theme.BLUE}"/>'
        for a, b in d.enough
    ]
    body += [_diamond(x(a), ground - b * unit, radius * 1.1, theme.SHORT) for a, b in d.short]
    at = x(d.size)
    body += [_line(at, top - 8, at, ground, theme.INK, 2), _text(at, top - 14, d.size_name, "middle", bold=True)]
    body += [
        _text(
            at - 8,
            top + 8,
            w("{count} enough", count=d.counted[0]),
            "end",
            theme.BLUE,
            bold=True,
        )
    ]
    body += [
        _text(
            at + 8,
            top + 8,
            short,
            "start",
            theme.SHORT,
            bold=True,
        )
    ]
    body += _ticks(d.right, x, ground)
    body.append(
        _text(_WIDTH - _RIGHT, height - 6, w("need of the year ({unit})", unit=w.money_unit), "end", theme.MUTED)
    )
    return _svg(height, d.title, d.alt, body)


def curve(c: Curve, w: Words) -> str:
    """Share of years that need more than each size, the options marked."""
    height, top, bottom, left = 260.0, 30.0, 46.0, 50.0
    right = max(x for x, _ in c.points) if c.points else 1.0
    x, ground = _Scale(right, left, _WIDTH - 90), height - bottom
    y = _Scale(100.0, ground, top)
    body: list[str] = []
    for mark in (0, 20, 40, 60, 80, 100):
        body += [
            _line(left, y(mark), _WIDTH - 90, y(mark), theme.GRID),
            _text(left - 6, y(mark) + 4, f"{mark}%", "end", theme.MUTED),
        ]
    path = " ".join(f"{x(a):.1f},{y(b):.1f}" for a, b in c.points)
    body.append(f'<polyline points="{path}" fill="none" stroke="{theme.BLUE}" stroke-width="2.5"/>')
    for k, (name, size, share) in enumerate(c.marks):
        up = 18 + 18 * (len(c.marks) - k)
        side, anchor = (3, "start") if size < 0.7 * right else (-3, "end")
        body.append(_diamond(x(size), y(share), 6, theme.INK))
        body.append(_line(x(size), y(share) - 8, x(size), y(share) - up, theme.GREYED))
        label = f"{name}: {w.percent(share / 100)}"
        body.append(_text(x(size) + side, y(share) - up - 2, label, anchor, bold=True))
    body += _ticks(right, x, ground)
    body.append(_text(left - 40, top - 14, w("years that need more"), "start", theme.MUTED))
    body.append(_text(_WIDTH - 90, height - 6, w("size of the fund ({unit})", unit=w.money_unit), "end", theme.MUTED))
    return _svg(height, c.title, c.alt, body)


def bars(b: Bars, w: Words) -> str:
    """Bars one under the other, each from where the last one left off."""
    height, left = 14 + _ROW * len(b.names) + 10, 190
    x = _Scale(max(b.ends, default=1.0) or 1.0, left, _WIDTH - 90)
    body = []
    for k, (name, begin, end, label, is_level) in enumerate(
        zip(b.names, b.begins, b.ends, b.labels, b.levels, strict=True)
    ):
        y = 8 + _ROW * k
        body.append(_bar(x(begin), y, x(end) - x(begin), 20, theme.TEAL if is_level else theme.BLUE))
        body += [_text(left - 8, y + 15, name, "end"), _text(x(end) + 6, y + 15, label, "start", bold=True)]
    return _svg(height, b.title, w.bracketed(b.alt, w.money_unit), body)


def pairs(p: Pairs, w: Words) -> str:
    """Two bars for each case: the estimate and, behind it and lighter, the conservative figure."""
    height, left = 34 + _ROW * len(p.names) + 6, 220
    most = max((v for _, values in p.series for v in values), default=1.0) or 1.0
    x = _Scale(most, left, _WIDTH - 130)
    (first, values), (second, uppers) = p.series
    body = [_bar(left, 6, 14, 12, theme.BLUE), _text(left + 20, 17, first, "start"), _bar(left + 150, 6, 14, 12, theme.RAMP[2]), _text(left + 170, 17, second, "start")]  # fmt: skip
    digits = 1 if w.lang == "zh" else 2
    for k, (name, value, upper) in enumerate(zip(p.names, values, uppers, strict=True)):
        y = 28 + _ROW * k
        body += [_bar(left, y, x(upper) - left, 20, theme.RAMP[2]), _bar(left, y + 4, x(value) - left, 12, theme.BLUE)]
        body += [_text(left - 8, y + 15, name, "end"), _text(x(upper) + 6, y + 15, f"{w.number(value, digits)} / {w.number(upper, digits)}", "start")]  # fmt: skip
    return _svg(height, p.title, p.alt, body)


# --- marks -------------------------------------------------------------------------------------------


class _Scale:
    """From a value to a place."""

    def __init__(self, most: float, begin: float, end: float) -> None:
        self.most, self.begin, self.end = most or 1.0, begin, end

    def __call__(self, value: float) -> float:
        return self.begin + (self.end - self.begin) * value / self.most


def _ticks(most: float, x: _Scale, ground: float) -> list[str]:
    """Round numbers under the axis."""
    step = 10.0 ** (len(str(int(most))) - 1) if most >= 1 else 0.1
    step = next((step * f for f in (0.1, 0.2, 0.5, 1, 2, 5) if most / (step * f) <= 9), step)
    out, k = [], 0
    while k * step <= most * 1.0001:
        value = k * step
        text = f"{value:,.0f}" if step >= 1 else f"{value:.1f}"
        out += [
            _line(x(value), ground, x(value), ground + 5, theme.GREYED),
            _text(x(value), ground + 20, text, "middle", theme.MUTED),
        ]
        k += 1
    return out


def _svg(height: float, title: str, alt: str, body: Sequence[str]) -> str:
    inside = "".join(body)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height:.0f}" role="img" aria-label="{escape(alt)}">'
        f"<title>{escape(title)}</title><desc>{escape(alt)}</desc>{inside}</svg>"
    )


def _text(x: float, y: float, text: str, anchor: str, colour: str = theme.INK, *, bold: bool = False) -> str:
    weight = ' font-weight="700"' if bold else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}"{weight}>{escape(text)}</text>'


def _line(x0: float, y0: float, x1: float, y1: float, colour: str, width: float = 1) -> str:
    return f'<line x1="{x0:.1f}" y1="{y0:.1f}" x2="{x1:.1f}" y2="{y1:.1f}" stroke="{colour}" stroke-width="{width:g}"/>'


def _bar(x: float, y: float, width: float, height: float, colour: str) -> str:
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 0.0):.1f}" height="{height:.1f}" fill="{colour}"/>'


def _diamond(x: float, y: float, r: float, colour: str) -> str:
    points = " ".join(f"{a:.1f},{b:.1f}" for a, b in ((x, y - r), (x + r, y), (x, y + r), (x - r, y)))
    return f'<polygon points="{points}" fill="{colour}"/>'
