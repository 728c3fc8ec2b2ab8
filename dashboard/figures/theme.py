"""The look of every picture: fonts, colours, symbols, and how long texts are broken.

Blue, yellow, orange and red are the mainland's warning scale, so only what is short wears red, and the colours that
tell things apart stay clear of it. Colour is never alone: a second symbol, a pattern or words say the same, for grey
print and for readers who do not tell these colours apart.
"""

from __future__ import annotations

import html as _html
import re
import unicodedata
from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

FONT = "Microsoft YaHei, PingFang SC, Noto Sans SC, Noto Sans CJK SC, sans-serif"
INK, MUTED, GRID, PAPER = "#1F2933", "#52606D", "#E3E7EC", "#FFFFFF"
SHORT = "#B3261E"  # a fund that is not enough; nothing else is red
BLUE, OCHRE, VIOLET, TEAL, PLUM, SLATE = CATEGORICAL = (
    "#1F5AA6",
    "#8A6100",
    "#6A4C93",
    "#1B766C",
    "#A33E72",
    "#5C6B73",
)
GREYED = "#8A95A0"  # marks of what cannot be told apart; their words are in MUTED
SYMBOLS = ("circle", "square", "triangle-up", "hexagon", "star", "cross")
PATTERNS = ("", "/", ".", "x")
RAMP = ("#EAF0F7", "#C9DAEC", "#9DBCDD", "#3F74AE", "#1F5AA6", "#123868")  # light to dark: more
CONFIG: dict[str, Any] = {
    "displayModeBar": False, "displaylogo": False, "scrollZoom": False, "doubleClick": False, "responsive": True,
}  # fmt: skip

FLOOR: dict[str, Any] = {"zeroline": True, "zerolinecolor": GREYED, "zerolinewidth": 1.2}  # where a scale begins at 0
TITLE_SIZE, SUBTITLE_SIZE, TEXT_SIZE, SOURCE_SIZE = 18, 13, 13, 11  # [px]
_TITLE_UNITS, _SUBTITLE_UNITS, _SOURCE_UNITS = 68, 98, 116  # half-width characters that fit into 700 px
_WORDS = re.compile(
    r"(?:[+−]?CNY )?[+−]?\d[\d,.]*(?:–[\d,.]+)?(?: million|\s?(?:万元|亿元|元|个百分点|个|%))?\s*"
    r"|[^\s\u2e80-\uffef]+\s*|[\u2e80-\uffef]\s*|\s+"
)
_NOT_FIRST = "，。；：、）％%！？·”"  # a line does not begin with these


def _axis() -> dict[str, Any]:
    return {
        "ticklabelstandoff": 5,
        "showgrid": True, "gridcolor": GRID, "gridwidth": 1, "zeroline": False, "linecolor": GREYED, "ticks": "",
        "tickfont": {"size": TEXT_SIZE, "color": MUTED}, "title": {"font": {"size": TEXT_SIZE, "color": MUTED}},
        "exponentformat": "none", "separatethousands": True, "fixedrange": True, "automargin": False,
    }  # fmt: skip


TEMPLATE = go.layout.Template(
    layout={
        "font": {"family": FONT, "size": TEXT_SIZE, "color": INK},
        "paper_bgcolor": PAPER, "plot_bgcolor": PAPER, "colorway": list(CATEGORICAL),
        "xaxis": _axis(), "yaxis": _axis(), "showlegend": False, "dragmode": False, "bargap": 0.35,
        "hoverlabel": {"font": {"family": FONT, "size": TEXT_SIZE, "color": INK}, "bgcolor": PAPER, "bordercolor": MUTED},
        "annotationdefaults": {"showarrow": False, "font": {"size": TEXT_SIZE, "color": INK}},
    }
)  # fmt: skip


# --- texts -------------------------------------------------------------------------------------------


def plain(text: str) -> str:
    """A text that shows as it is: names come from people and files, and a picture understands some HTML."""
    return _html.escape(text, quote=False)


def wrapped(text: str, units: int) -> list[str]:
    """Lines of at most so many half-width characters; a number keeps its unit, and Chinese breaks elsewhere anywhere."""
    lines, line = [], ""
    for word in _WORDS.findall(text):
        if line and width(line + word.rstrip()) > units and word[0] not in _NOT_FIRST:
            lines.append(line.rstrip())
            line = ""
        line += word
        while width(line.rstrip()) > units + 2:  # a word longer than a line; punctuation may hang over by one
            lines.append(line[:units])
            line = line[units:]
    return [*lines, line.rstrip()] if line.strip() or not lines else lines


def width(text: str) -> int:
    """Length of a text in half-width characters, each about half as wide as the font is high."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def lines_of(text: str, units: int) -> str:
    """A text broken into lines, for a label in a picture."""
    return "<br>".join(plain(line) for line in wrapped(text, units))


# --- colours -----------------------------------------------------------------------------------------


def contrast(one: str, other: str) -> float:
    """Contrast of two colours, 1 to 21 (WCAG 2.2); text needs 4.5."""
    bright, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def text_on(colour: str) -> str:
    """The ink that reads better on a colour."""
    return max((INK, PAPER), key=lambda ink: contrast(ink, colour))


def shade(x: float, high: float) -> str:
    """Colour of a value between nothing and the largest one, in six steps."""
    at = 0.0 if high <= 0 else x / high
    return RAMP[min(max(int(at * len(RAMP)), 0), len(RAMP) - 1)]


def faded(colour: str, opacity: float) -> str:
    """A colour that lets through what lies under it, for bands."""
    r, g, b = (int(colour[k : k + 2], 16) for k in (1, 3, 5))
    return f"rgba({r},{g},{b},{opacity:g})"


# --- what stands around the picture ------------------------------------------------------------------

Key = Sequence[tuple[str, str, str]]  # a glyph, its colour, what it stands for


def dress(
    figure: go.Figure, title: str, subtitle: str, source: str, *, key: Key = (), y_title: str = "", left: int = 64,
    right: int = 28, below: int = 30, above: int = 14, x_title: str = "",
) -> go.Figure:  # fmt: skip
    """Title, subtitle, key, axis names and source, with margins that hold them in any size from 700 by 420 pixels.

    The key is written, not drawn by the library: it keeps its place in pixels and can be read aloud.

    Parameters
    ----------
    below : int [px]
        What the labels of the horizontal axis take.
    above : int [px]
        What stands between the key and the picture, where no axis is named there.
    """
    heads, subs = wrapped(title, _TITLE_UNITS), wrapped(subtitle, _SUBTITLE_UNITS) if subtitle else []
    small = [f'<span style="font-size:{SUBTITLE_SIZE}px;color:{MUTED}">{plain(line)}</span>' for line in subs]
    small += _written(key)
    text = "<br>".join([f"<b>{plain(line)}</b>" for line in heads] + small)
    foot = [plain(line) for line in wrapped(source, _SOURCE_UNITS)] if source else []
    top = 18 + 24 * (len(heads) + len(small)) + (28 if y_title else above)
    bottom = below + (24 if x_title else 0) + 15 * len(foot) + 14
    figure.update_layout(
        template=TEMPLATE, margin={"l": left, "r": right, "t": top, "b": bottom, "autoexpand": False},
    )  # fmt: skip
    # the library's own title moves with its number of lines and is cut at the top
    figure.add_annotation(
        text=text, xref="paper", yref="paper", x=0, y=1, xanchor="left", yanchor="top", align="left", xshift=11 - left,
        yshift=top - 9, font={"size": TITLE_SIZE},
    )  # fmt: skip
    if x_title:
        figure.add_annotation(
            text=plain(x_title), xref="paper", yref="paper", x=1, y=0, xanchor="right", yanchor="top",
            yshift=-below, font={"color": MUTED},
        )  # fmt: skip
    if y_title:
        beside(figure, y_title, left, y=1)
    if foot:
        foot[0] = re.sub(r"^([\[【].*?[\]】])", rf'<b><span style="color:{INK}">\1</span></b>', foot[0])
        figure.add_annotation(
            text="<br>".join(foot), xref="paper", yref="paper", x=0, y=0, xanchor="left",
            yanchor="bottom", align="left", xshift=12 - left, yshift=6 - bottom,
            font={"size": SOURCE_SIZE, "color": MUTED},
        )  # fmt: skip
    return figure


def beside(figure: go.Figure, text: str, left: int, y: float) -> None:
    """Name of a vertical axis, level above it: turned letters are hard to read in Chinese."""
    figure.add_annotation(
        text=plain(text), xref="paper", yref="paper", x=0, y=y, xanchor="left", yanchor="bottom", xshift=12 - left,
        yshift=6, font={"color": MUTED},
    )  # fmt: skip


def _written(key: Key) -> list[str]:
    """The key as lines of the title."""
    lines: list[list[tuple[str, str, str]]] = [[]]
    used = 0
    for glyph, colour, text in key:
        more = width(text) + 6
        if used and used + more > _SUBTITLE_UNITS:
            lines.append([])
            used = 0
        lines[-1].append((glyph, colour, text))
        used += more
    size = f"font-size:{SUBTITLE_SIZE}px"
    return [
        "   ".join(
            f'<span style="{size};color:{colour}">{glyph}</span><span style="{size};color:{INK}"> {plain(text)}</span>'
            for glyph, colour, text in line
        )
        for line in lines
        if line
    ]
