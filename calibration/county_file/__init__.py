"""The county file: a workbook in which a county says what it knows, written from a scenario and read back into one."""

from calibration.county_file.problems import CountyProblems, Problem
from calibration.county_file.reading import Change, CountyFile, check_sheets, read_county
from calibration.county_file.saving import Saved, folder_for, save_county
from calibration.county_file.template import write_template

__all__ = [
    "Change", "CountyFile", "CountyProblems", "Problem", "Saved", "check_sheets", "folder_for", "read_county",
    "save_county", "write_template",
]  # fmt: skip
