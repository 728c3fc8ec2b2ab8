"""A memo in the layout of Chinese offices: A4, 22 lines a page, imitation Song for the text, each with its fonts set.

Source: GB/T 9704-2012, margins and type. It is a note on a calculation, not an official document with a red head.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from docx import Document
from docx.enum.table import WD_CELL_VERTICAL_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_LINE_SPACING
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt, RGBColor

from dashboard.export import pictures, styles
from dashboard.export.report import Report
from dashboard.export.reproduce import command
from dashboard.export.text import plain

_LINE = Pt(28.9)  # 22 lines in 225 mm
_BODY, _SMALL = Pt(16), Pt(10)
_TABLE = {"zh": Pt(12), "en": Pt(10.5)}


def write(r: Report, path: Path) -> Path:
    """Write the memo of an answer."""
    memo = Memo(r)
    w = r.w
    memo.title(r.heading)
    for text in r.warnings:
        memo.line(text, styles.HEI, colour=styles.SHORT, centre=True)
    memo.heading(w("1. Conclusion"))
    memo.line(r.sentences[0], styles.HEI)
    for text in r.sentences[1:]:
        memo.line(text)
    memo.dots()
    memo.heading(w("2. Sizes to choose from"))
    memo.options()
    memo.heading(w("3. Where the money goes"))
    claims = pictures.claims(r)
    memo.line(_sentence(claims.title, r))
    memo.table(
        [w("Means on 31 December"), r.w.money_unit], list(zip(claims.names, claims.labels, strict=True)), (100, 56)
    )
    memo.heading(w("4. Other assumptions"))
    memo.cases()
    memo.heading(w("5. Sub-accounts"))
    memo.lenders()
    memo.heading(w("6. Further figures"))
    memo.blocks()
    memo.forecast_and_fact()
    memo.heading(w("7. Grounds and limits"))
    for text in r.limits[len(r.warnings) :]:
        memo.line(text)
    memo.table([w("field"), w("kind"), w("why")], r.sources, (44, 27, 85), is_text=True)
    memo.heading(w("8. How to get the same number again"))
    memo.table([w("made by"), w("value")], [*r.made, (w("command line"), command(r.answer))], (38, 118), is_text=True)
    memo.save(path)
    return path


class Memo:
    """A document that sets both fonts of all it writes."""

    def __init__(self, r: Report) -> None:
        self.r, self.w = r, r.w
        self.document = Document()
        self._page()
        normal = self.document.styles["Normal"]
        normal.font.size = _BODY
        _fonts(normal.element.get_or_add_rPr(), styles.FANG_SONG, r.w.lang)
        about = self.document.core_properties
        about.title, about.subject, about.author, about.comments = r.heading, r.stamp, "riskfund", ""

    def _page(self) -> None:
        section = self.document.sections[0]
        section.page_width, section.page_height = Mm(210), Mm(297)
        section.top_margin, section.left_margin, section.right_margin, section.bottom_margin = (
            Mm(37),
            Mm(28),
            Mm(26),
            Mm(35),
        )
        section.footer_distance, section.header_distance = Mm(20), Mm(20)
        if self.r.mark:
            self._write(section.header.paragraphs[0], self.r.mark, styles.HEI, _SMALL, styles.SHORT)
        foot = section.footer.paragraphs[0]
        self._write(foot, self.r.stamp, styles.FANG_SONG, _SMALL, styles.MUTED)
        page = section.footer.add_paragraph()
        page.alignment = WD_ALIGN_PARAGRAPH.CENTER
        _page_number(self._write(page, "1", styles.FANG_SONG, _SMALL, styles.MUTED))

    # --- lines

    def title(self, text: str) -> None:
        """Title of the memo."""
        paragraph = self.document.add_heading("", level=0)
        _no_rule_below(paragraph)
        self._write(paragraph, text, styles.SONG, Pt(22), "000000", bold=True)
        self._layout(paragraph, centre=True, indent=False)
        paragraph.paragraph_format.space_after = _LINE

    def heading(self, text: str) -> None:
        """First level."""
        paragraph = self.document.add_heading("", level=1)
        self._write(paragraph, text, styles.HEI, _BODY, "000000")
        self._layout(paragraph)
        paragraph.paragraph_format.space_before, paragraph.paragraph_format.keep_with_next = Pt(0), True

    def line(self, text: str, font: str = styles.FANG_SONG, colour: str = "000000", *, centre: bool = False) -> None:
        """A paragraph, its first line two characters in."""
        paragraph = self.document.add_paragraph()
        self._write(paragraph, text, font, _BODY, colour)
        self._layout(paragraph, centre=centre, indent=not centre)

    def dots(self) -> None:
        """Equally likely years as signs: full ones are enough, diamonds are short."""
        d = pictures.dots(self.r)
        enough, short, each = len(d.enough), len(d.short), 20
        signs = "●" * enough + "◆" * short
        for k in range(0, len(signs), each):
            paragraph = self.document.add_paragraph()
            paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
            paragraph.paragraph_format.line_spacing, paragraph.paragraph_format.keep_with_next = Pt(16), True
            row = signs[k : k + each]
            for sign, colour in (("●", styles.BLUE), ("◆", styles.SHORT)):
                if sign in row:
                    self._write(paragraph, sign * row.count(sign), styles.SONG, Pt(13), colour)
        said = self.w(
            "With {size}: ● {enough}, ◆ {short} of equally likely next years (shortfall chance {p}).",
            size=self.w.advised(self.r.data["advice"]["fund_yuan"]), enough=d.counted[0], short=d.counted[1],
            p=self.w.percent(self.r.data["advice"]["shortfall_chance"]["value"]),
        )  # fmt: skip
        paragraph = self.document.add_paragraph()
        self._write(paragraph, said, styles.KAI, _TABLE[self.w.lang])
        self._layout(paragraph, centre=True, indent=False)

    # --- tables

    def options(self) -> None:
        """Sizes to choose from."""
        self.table(*self.r.option_table, (26, 32, 38, 30, 30))
        self.line(self.r.options_explained)

    def cases(self) -> None:
        """The need under other assumptions."""
        w = self.w
        rows = [
            [c.name, w.money(c.estimate["value"]), w.interval(c.estimate.get("ci95")), w.money(c.estimate.get("conservative"))]
            for c in self.r.cases
        ]  # fmt: skip
        self.table([w("case"), w("estimate"), w.term("interval_95"), w.term("conservative")], rows, (50, 32, 42, 32))

    def lenders(self) -> None:
        """Sub-accounts by lender."""
        w = self.w
        rows = [[n, w.money(a), w.money(need), w.percent(p)] for n, a, need, p in self.r.by_lender]
        self.table(
            [w.term("lender"), w("sub-account"), w.label("need"), w.label("shortfall_chance")],
            rows,
            (48, 34, 40, 34),
        )

    def blocks(self) -> None:
        """Truth and report, lenders, years ahead and what else the scenario has, each with its remark."""
        for block in self.r.blocks:
            heads, rows = block.table(self.w)
            self.line(block.title)
            first = 74 if len(heads) < 5 else 46
            self.table(heads, rows, (first, *[(156 - first) / (len(heads) - 1)] * (len(heads) - 1)))
            if block.note:
                self.line(block.note, styles.KAI)

    def forecast_and_fact(self) -> None:
        """The back-test kept with the run, if there is one."""
        heads, rows, texts = self.r.short_backtest
        if rows:
            self.line(self.w("Forecast and fact"))
            self.document.paragraphs[-1].paragraph_format.keep_with_next = True
            self.table(heads, rows, (46, 30, 38, 26, 16))
            for text in texts:
                self.line(text)

    def table(
        self, heads: Sequence[str], rows: Sequence[Sequence[str]], widths: Sequence[float], *, is_text: bool = False
    ) -> None:  # fmt: skip
        """A table with a grid, its columns so many millimetres wide; its head row repeats on the next page."""
        table = self.document.add_table(rows=1 + len(rows), cols=len(heads), style="Table Grid")
        table.autofit = False
        for column, width in zip(table.columns, widths, strict=True):
            column.width = Mm(width)
        for i, row in enumerate([heads, *rows]):
            for j, (text, width) in enumerate(zip(row, widths, strict=True)):
                cell = table.cell(i, j)
                cell.width = Mm(width)
                paragraph = cell.paragraphs[0]
                self._write(paragraph, text, styles.HEI if i == 0 else styles.FANG_SONG, _TABLE[self.w.lang])
                paragraph.paragraph_format.line_spacing, paragraph.paragraph_format.space_after = 1.1, Pt(0)
                paragraph.alignment = WD_ALIGN_PARAGRAPH.LEFT if j == 0 or is_text else WD_ALIGN_PARAGRAPH.RIGHT
                if i == 0:
                    _shade(cell)
                cell.vertical_alignment = WD_CELL_VERTICAL_ALIGNMENT.CENTER
        for row in table.rows:
            _flag(row._tr.get_or_add_trPr(), "w:cantSplit")
        _flag(table.rows[0]._tr.get_or_add_trPr(), "w:tblHeader")
        self.document.add_paragraph().paragraph_format.line_spacing = Pt(8)

    def save(self, path: Path) -> None:
        """Write the file."""
        for style in self.document.styles:
            if getattr(style, "font", None) is not None and style.element.rPr is not None:
                _without_theme_fonts(style.element.rPr)
        self.document.save(str(path))

    # --- shared

    def _write(
        self, paragraph: Any, text: str, font: str, size: Any, colour: str = "000000", *, bold: bool = False
    ) -> Any:
        run = paragraph.add_run(plain(text) if text.strip() else text)
        run.font.size, run.font.bold = size, bold
        run.font.color.rgb = RGBColor.from_string(colour)
        _fonts(run._element.get_or_add_rPr(), font, self.w.lang)
        return run

    def _layout(self, paragraph: Any, *, centre: bool = False, indent: bool = True) -> None:
        form = paragraph.paragraph_format
        form.line_spacing_rule, form.line_spacing = WD_LINE_SPACING.EXACTLY, _LINE
        form.space_after = Pt(0)
        form.first_line_indent = 2 * _BODY if indent else None
        paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER if centre else WD_ALIGN_PARAGRAPH.JUSTIFY


def _fonts(properties: Any, font: str, lang: str) -> None:
    """Latin and East Asian font, and the language; the library's own setter leaves Chinese text to the theme."""
    fonts = properties.get_or_add_rFonts()
    for name in list(fonts.attrib):
        del fonts.attrib[name]
    for name, value in (("ascii", styles.ROMAN), ("hAnsi", styles.ROMAN), ("cs", styles.ROMAN), ("eastAsia", font)):
        fonts.set(qn(f"w:{name}"), value)
    if lang == "zh":
        fonts.set(qn("w:hint"), "eastAsia")
    for old in properties.findall(qn("w:lang")):
        properties.remove(old)
    language = OxmlElement("w:lang")
    language.set(qn("w:val"), "en-GB")
    language.set(qn("w:eastAsia"), "zh-CN")
    properties.append(language)


def _without_theme_fonts(properties: Any) -> None:
    fonts = properties.find(qn("w:rFonts"))
    if fonts is not None:
        for name in [n for n in fonts.attrib if n.endswith("Theme")]:
            del fonts.attrib[name]
        fonts.set(qn("w:eastAsia"), fonts.get(qn("w:eastAsia"), styles.FANG_SONG))


def _page_number(run: Any) -> None:
    """Make a run the shown text of a field that counts pages."""
    field = OxmlElement("w:fldSimple")
    field.set(qn("w:instr"), "PAGE")
    run._element.addprevious(field)
    field.append(run._element)


def _shade(cell: Any) -> None:
    """The ground of a head row."""
    shade = OxmlElement("w:shd")
    for name, value in (("val", "clear"), ("color", "auto"), ("fill", styles.PALE)):
        shade.set(qn(f"w:{name}"), value)
    cell._tc.get_or_add_tcPr().append(shade)


def _no_rule_below(paragraph: Any) -> None:
    """The library's title style draws a line under it."""
    borders = OxmlElement("w:pBdr")
    bottom = OxmlElement("w:bottom")
    bottom.set(qn("w:val"), "nil")
    borders.append(bottom)
    paragraph._p.get_or_add_pPr().append(borders)


def _flag(properties: Any, name: str) -> None:
    properties.append(OxmlElement(name))


def _sentence(text: str, r: Report) -> str:
    return text.rstrip("。.") + ("。" if r.w.lang == "zh" else ".")
