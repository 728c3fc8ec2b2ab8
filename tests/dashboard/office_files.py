"""Reading exports again: their XML parts, and all that is written in them."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
from lxml import etree

A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"


def parts(path: Path, name: str) -> Iterator[tuple[str, Any]]:
    """XML parts of an Office file whose names match."""
    with zipfile.ZipFile(path) as archive:
        for part in archive.namelist():
            if re.search(name, part):
                yield part, etree.fromstring(archive.read(part))


def written(path: Path) -> str:
    """All text of a file, whatever its format."""
    if path.suffix == ".pptx":
        return "\n".join("".join(root.itertext()) for _, root in parts(path, r"slides/slide\d+|notesSlide\d+"))
    if path.suffix == ".docx":
        return "\n".join("".join(root.itertext()) for _, root in parts(path, r"word/(document|header|footer)\d*\.xml"))
    if path.suffix == ".xlsx":
        sheets = openpyxl.load_workbook(path, data_only=True)
        return "\n".join(str(c.value) for s in sheets for row in s.iter_rows() for c in row if c.value is not None)
    return path.read_text(encoding="utf-8-sig")
