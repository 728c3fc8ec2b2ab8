"""Fonts and colours of the exports: what Windows with Chinese has, set for Latin and for Chinese letters alike."""

from __future__ import annotations

from typing import Any

from lxml import etree

from dashboard.figures import theme

SANS = "Microsoft YaHei"
FANG_SONG, HEI, KAI, SONG, ROMAN = "FangSong", "SimHei", "KaiTi", "SimSun", "Times New Roman"
INK, MUTED, GRID, SHORT = (c.lstrip("#") for c in (theme.INK, theme.MUTED, theme.GRID, theme.SHORT))
BLUE, OCHRE, VIOLET, TEAL = (c.lstrip("#") for c in theme.CATEGORICAL[:4])
PALE, INPUT = "EAF0F7", "FFF2CC"

_A = "http://schemas.openxmlformats.org/drawingml/2006/main"
_AFTER_FONTS = ("sym", "hlinkClick", "hlinkMouseOver", "rtl", "extLst")


def set_drawing_fonts(root: Any, lang: str, font: str = SANS) -> None:
    """Give every run under an element its Latin and its East Asian font, and its language.

    `font.name` of the library writes the Latin font alone; Chinese text then falls back to whatever the theme says.
    """
    for run in root.iter(f"{{{_A}}}r", f"{{{_A}}}fld"):
        if run.find(f"{{{_A}}}rPr") is None:
            run.insert(0, etree.SubElement(run, f"{{{_A}}}rPr"))
    for properties in root.iter(*(f"{{{_A}}}{name}" for name in ("rPr", "defRPr", "endParaRPr"))):
        if not properties.tag.endswith("defRPr"):
            properties.set("lang", "zh-CN" if lang == "zh" else "en-GB")
            properties.set("altLang", "en-GB" if lang == "zh" else "zh-CN")
        for name in ("latin", "ea", "cs"):
            _font(properties, name, font)


def _font(properties: Any, name: str, font: str) -> None:
    """One font element, in the place that the schema gives it."""
    found = properties.find(f"{{{_A}}}{name}")
    if found is None:
        found = etree.Element(f"{{{_A}}}{name}")
        after = {"latin": ("ea", "cs", *_AFTER_FONTS), "ea": ("cs", *_AFTER_FONTS), "cs": _AFTER_FONTS}[name]
        follows = next((child for child in properties if etree.QName(child).localname in after), None)
        if follows is None:
            properties.append(found)
        else:
            follows.addprevious(found)
    found.set("typeface", font)


def theme_with_fonts(xml: bytes, font: str = SANS) -> bytes:
    """A theme whose headings and body are in one font, in Latin and in Chinese."""
    root = etree.fromstring(xml)
    for name in ("majorFont", "minorFont"):
        for fonts in root.iter(f"{{{_A}}}{name}"):
            for child in fonts:
                is_hans = child.get("script") in ("Hans", "Hant")
                if etree.QName(child).localname in ("latin", "ea") or is_hans:
                    child.set("typeface", font)
                    child.attrib.pop("panose", None)
    out: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True)
    return out
