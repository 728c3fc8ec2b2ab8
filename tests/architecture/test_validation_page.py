"""`docs/validation.md` is the page of the checks that stand in `tests/theory/acceptance.toml`, all of them and no other."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_page_lists_every_check() -> None:
    """A check that was added, renamed or dropped since the page was written by `make theory-full` shows here."""
    table = tomllib.loads((ROOT / "tests/theory/acceptance.toml").read_text(encoding="utf-8"))
    page = (ROOT / "docs/validation.md").read_text(encoding="utf-8")
    rows = [re.split(r"(?<!\\) \| ", line.strip("| ")) for line in page.splitlines() if line.startswith("| ")]
    listed = [cells[0] for cells in rows if cells[0] != "check"]
    checks = [f"{oracle} {name}" for oracle, group in table.items() for name, c in group.items() if isinstance(c, dict)]
    assert sorted(listed) == sorted(checks)
    assert {cells[4] for cells in rows if cells[0] != "check"} <= {"agrees", "agrees (second run)"}
    assert all(len(cells) == 6 and cells[5] for cells in rows)  # each has noticed a planted fault
