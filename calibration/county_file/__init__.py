"""The county file: a workbook in which a county says what it knows, written from a scenario and read back into one."""

from calibration.county_file.form import fields_of, said, shown
from calibration.county_file.lists import BLANK_ROWS, defaults
from calibration.county_file.problems import CountyProblems, Problem
from calibration.county_file.reading import Change, CountyFile, check_sheets, read_county
from calibration.county_file.saving import Saved, folder_for, save_county
from calibration.county_file.template import LIST_COLUMNS, source_of, write_template
from calibration.county_file.texts import text
from calibration.county_file.values import Cell
from calibration.county_file.workbook import COLUMNS, Row, Sheet

__all__ = [
    "BLANK_ROWS", "COLUMNS", "LIST_COLUMNS", "Cell", "Change", "CountyFile", "CountyProblems", "Problem", "Row", "Saved",
    "Sheet", "check_sheets", "defaults", "fields_of", "folder_for", "read_county", "said", "save_county", "shown",
    "source_of", "text", "write_template",
]  # fmt: skip
