"""Six slides for a meeting, seven where a back-test is kept with the run: native charts, right fonts, and what to say in the notes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pptx import Presentation
from pptx.dml.color import RGBColor
from pptx.enum.text import MSO_ANCHOR, PP_ALIGN
from pptx.opc.constants import RELATIONSHIP_TYPE
from pptx.opc.package import XmlPart
from pptx.oxml import parse_xml
from pptx.util import Emu, Inches, Pt

from dashboard.export import charts, pictures, styles
from dashboard.export.report import Report
from dashboard.export.text import plain
from dashboard.figures.theme import width

_WIDTH, _HEIGHT = Inches(13.333), Inches(7.5)
_LEFT, _INSIDE = Inches(0.6), Inches(12.13)
_TITLE_ONLY = 5  # layout of the library's own template
_BODY = charts.Box


def write(r: Report, path: Path) -> Path:
    """Write the slides of an answer."""
    deck = Presentation()
    _widen(deck)
    fact = (_fact,) if r.short_backtest[1] else ()
    for make in (_answer, _years, _options, _claims, _cases, *fact, _grounds):
        make(deck, r)
    _set_fonts(deck, r.w.lang)
    about = deck.core_properties
    about.title, about.subject, about.author = r.heading, r.stamp, "riskfund"
    about.language = "zh-CN" if r.w.lang == "zh" else "en-GB"
    deck.save(str(path))
    return path


# --- slides ------------------------------------------------------------------------------------------


def _answer(deck: Any, r: Report) -> None:
    w, said = r.w, r.sentences
    slide = _slide(deck, r, r.heading)
    card = slide.shapes.add_textbox(_LEFT, Inches(1.45), _INSIDE, Inches(1.95))
    card.fill.solid()
    card.fill.fore_color.rgb = RGBColor.from_string(styles.PALE)
    _fill(card.text_frame, [said[0]], 28, bold=True)
    card.text_frame.vertical_anchor = MSO_ANCHOR.MIDDLE
    _text(slide, Inches(3.6), Inches(3.1), said[1:], 18)
    _say(slide, r, [
        w("Ask first: how much would you set aside? Then show the sentence."), said[0],
        w("The percentage and the count say the same; which years will be short nobody knows beforehand."),
    ])  # fmt: skip


def _years(deck: Any, r: Report) -> None:
    w, d = r.w, pictures.dots(r)
    slide = _slide(deck, r, d.title)
    charts.dots(slide, _picture(), d, w)
    count = len(d.enough) + len(d.short)
    said = w("Each dot is one of {n} equally likely next years, placed by what it needs.", n=count)
    _text(slide, Inches(6.2), Inches(0.6), [said], 18)
    _say(
        slide,
        r,
        [
            d.alt,
            w(
                "A year is short when many loans go bad at once: drought, late payments, several loans on one household."
            ),
        ],
    )


def _options(deck: Any, r: Report) -> None:
    w, c = r.w, pictures.curve(r)
    slide = _slide(deck, r, w("Sizes to choose from: what each one buys"))
    heads, rows = r.option_table
    _table(slide, Inches(1.35), [heads, *rows], 16 if w.lang == "zh" else 14)
    _text(slide, Inches(1.4 + 0.66 + 0.42 * len(rows)), Inches(0.35), [r.options_explained], 14, styles.MUTED)
    top = 1.8 + 0.66 + 0.42 * len(rows)
    charts.curve(slide, (_LEFT, Inches(top), _INSIDE, Inches(6.9 - top)), c, w)
    said = [w("{size}: short in {p} of years", size=w.advised(o.fund_yuan), p=o.chance_said(w)) for o in r.options]
    _say(slide, r, [w.joined_clauses(said) + ("。" if w.lang == "zh" else "."), w("More money is short less often and lies idle more often.")])  # fmt: skip


def _claims(deck: Any, r: Report) -> None:
    w, b = r.w, pictures.claims(r)
    slide = _slide(deck, r, b.title)
    charts.waterfall(slide, _picture(), b, w)
    _text(slide, Inches(6.2), Inches(0.6), [w("Means over the simulated years, as they stand on 31 December. Parts may not add up to the total because of rounding.")], 18)  # fmt: skip
    _say(slide, r, [b.alt, w("Claims in process on 31 December fall on the next year's fund.")])


def _cases(deck: Any, r: Report) -> None:
    w, p = r.w, pictures.cases(r)
    slide = _slide(deck, r, p.title)
    charts.pairs(slide, _picture(), p, w)
    _key(slide, [(name, colour) for (name, _), colour in zip(p.series, charts.PAIR, strict=False)])
    _text(slide, Inches(6.2), Inches(0.6), [w("All on the same random numbers; the second bar is the conservative figure.")], 18)  # fmt: skip
    _say(
        slide,
        r,
        [p.alt, w("Which of these cases is ours is a question for the county's own records, not for more histories.")],
    )


def _fact(deck: Any, r: Report) -> None:
    w, (heads, rows, said) = r.w, r.short_backtest
    slide = _slide(deck, r, w("Forecast and fact"))
    _table(slide, Inches(1.35), [heads, *rows], 14, (0.34, 0.17, 0.24, 0.15, 0.1), None, (0.5, 0.38))
    top = 1.45 + 0.5 + 0.38 * len(rows)
    _text(slide, Inches(top), Inches(6.9 - top), said, 14)
    _say(slide, r, [*said, w("Ask: which of these figures did we expect otherwise, and why?")])


def _grounds(deck: Any, r: Report) -> None:
    w = r.w
    slide = _slide(deck, r, w("Grounds and limits"))
    _text(slide, Inches(1.35), Inches(2.7), [f"• {text}" for text in r.limits[len(r.warnings) :]], 18)
    made = [w.joined_clauses([f"{name} {value}" for name, value in lines]) for lines in (r.made[:3], r.made[3:7])]
    kinds = w.listed(sorted({kind for _, kind, _ in r.sources}))
    _text(slide, Inches(4.3), Inches(2.0), [*made, w("Every value is marked as one of: {kinds}; the list stands in the workbook.", kinds=kinds)], 16)  # fmt: skip
    _say(slide, r, [*r.limits, *(r.w.named(name, value) for name, value in r.made)])


# --- parts of a slide --------------------------------------------------------------------------------


def _slide(deck: Any, r: Report, title: str) -> Any:
    """A slide with its title, the mark of demonstration data, and the stamp below."""
    slide = deck.slides.add_slide(deck.slide_layouts[_TITLE_ONLY])
    head = slide.shapes.title
    head.left, head.top, head.width, head.height = _LEFT, Inches(0.45), _INSIDE, Inches(0.95)
    _fill(head.text_frame, [title], 30 if width(title) < 50 else 23, bold=True)
    head.text_frame.vertical_anchor = MSO_ANCHOR.MIDDLE
    _text(slide, Inches(6.95), Inches(0.4), [r.stamp], 12, styles.MUTED)
    if r.warnings:
        text = r.w.joined_clauses([t.rstrip("。.") for t in r.warnings])
        _text(slide, Inches(0.1), Inches(0.4), [text], 14, styles.SHORT, align=PP_ALIGN.RIGHT)
    return slide


def _picture() -> _BODY:
    return _LEFT, Inches(1.4), _INSIDE, Inches(4.75)


def _text(
    slide: Any, top: int, height: int, lines: Sequence[str], size: int, colour: str = styles.INK, align: Any = None
) -> None:
    box = slide.shapes.add_textbox(_LEFT, top, _INSIDE, height)
    _fill(box.text_frame, lines, size, colour=colour, align=align)


def _fill(
    frame: Any, lines: Sequence[str], size: int, *, bold: bool = False, colour: str = styles.INK, align: Any = None
) -> None:
    frame.word_wrap = True
    for k, line in enumerate(lines):
        paragraph = frame.paragraphs[0] if k == 0 else frame.add_paragraph()
        paragraph.alignment = align or PP_ALIGN.LEFT
        paragraph.space_after = Pt(size * 0.35 if len(lines) > 1 else 0)
        run = paragraph.add_run()
        run.text = plain(line)
        run.font.size, run.font.bold = Pt(size), bold
        run.font.color.rgb = RGBColor.from_string(colour)


def _table(
    slide: Any, top: int, rows: list[list[str]], size: int, shares: Sequence[float] = (0.13, 0.2, 0.27, 0.2, 0.2),
    marked: int | None = 2, high: tuple[float, float] = (0.66, 0.42),
) -> None:  # fmt: skip
    """A table: its columns by their shares of the width, one row marked, heights of the head and of a row in inches."""
    frame = slide.shapes.add_table(len(rows), len(rows[0]), _LEFT, top, _INSIDE, Inches(0.45) * len(rows))
    table = frame.table
    for j, share in enumerate(shares):
        table.columns[j].width = Emu(int(_INSIDE * share))
    for i, row in enumerate(rows):
        table.rows[i].height = Inches(high[i > 0])
        for j, text in enumerate(row):
            cell = table.cell(i, j)
            cell.fill.solid()
            cell.fill.fore_color.rgb = RGBColor.from_string(
                styles.BLUE if i == 0 else styles.PALE if i == marked else "FFFFFF"
            )
            cell.vertical_anchor = MSO_ANCHOR.MIDDLE
            _fill(cell.text_frame, [text], size, bold=i in (0, marked), colour="FFFFFF" if i == 0 else styles.INK, align=PP_ALIGN.LEFT if j == 0 else PP_ALIGN.RIGHT)  # fmt: skip


def _key(slide: Any, items: Sequence[tuple[str, str]]) -> None:
    """What each colour stands for, as text: office programs disagree on the order of a native key beside lying bars."""
    box = slide.shapes.add_textbox(_LEFT, Inches(1.42), _INSIDE, Inches(0.4))
    paragraph = box.text_frame.paragraphs[0]
    paragraph.alignment = PP_ALIGN.CENTER
    for name, colour in items:
        for text, ink in (("■ ", colour), (f"{plain(name)}    ", styles.INK)):
            run = paragraph.add_run()
            run.text, run.font.size = text, Pt(14)
            run.font.color.rgb = RGBColor.from_string(ink)


def _say(slide: Any, r: Report, lines: Sequence[str]) -> None:
    """The talk track."""
    frame = slide.notes_slide.notes_text_frame
    frame.text = "\n".join(plain(line) for line in [*r.warnings, *lines, r.stamp])


# --- the whole deck ----------------------------------------------------------------------------------


def _widen(deck: Any) -> None:
    """16:9, with the template's own places as far apart as the slide is wider."""
    ratio = _WIDTH / deck.slide_width
    deck.slide_width, deck.slide_height = _WIDTH, _HEIGHT
    for holder in (deck.slide_master, *deck.slide_layouts):
        for shape in holder.shapes:
            if shape._element.spPr.xfrm is not None:
                shape.left, shape.width = Emu(int(shape.left * ratio)), Emu(int(shape.width * ratio))


def _set_fonts(deck: Any, lang: str) -> None:
    """Both fonts in the themes, in every run, and in every chart."""
    masters = [deck.slide_master, deck.notes_master]
    for master in masters:
        part = master.part.part_related_by(RELATIONSHIP_TYPE.THEME)
        blob = styles.theme_with_fonts(part.blob)
        if isinstance(part, XmlPart):  # the library reads the theme of the notes, and keeps that of the slides as bytes
            part._element = parse_xml(blob)
        else:
            part._blob = blob
        styles.set_drawing_fonts(master._element, lang)
    for layout in deck.slide_layouts:
        styles.set_drawing_fonts(layout._element, lang)
    for slide in deck.slides:
        styles.set_drawing_fonts(slide._element, lang)
        styles.set_drawing_fonts(slide.notes_slide._element, lang)
        for shape in slide.shapes:
            if shape.has_chart:
                styles.set_drawing_fonts(shape.chart._chartSpace, lang)
