"""A back-test kept with its run: pages and exports show it, and the table of what happened is not needed again."""

from __future__ import annotations

import json
from pathlib import Path

from calibration.actuals import Backtest, Compared
from calibration.book_model import Range
from calibration.scoring import Joint
from sim.errors import InputError
from sim.store import write_whole

FILE = "backtest.json"


def keep(run: Path, found: Backtest, actuals: str) -> Path:
    """Write a back-test into the folder of its run, in place of an earlier one.

    Parameters
    ----------
    run : Path
    found : Backtest
    actuals : str
        Name of the table of what happened.
    """
    path = run / FILE
    text = json.dumps({"actuals": actuals, **found.as_dict()}, ensure_ascii=False, indent=1)
    write_whole(path, f"{text}\n".encode())
    return path


def kept(run: Path) -> tuple[str, Backtest] | None:
    """Name of the table of what happened, and the back-test kept with a run; None where there is none.

    Raises
    ------
    InputError
        The file is damaged.
    """
    path = run / FILE
    if not path.is_file():
        return None
    try:
        d = json.loads(path.read_text(encoding="utf-8"))
        found = Backtest(
            d["scenario"], d["year"], d["n_histories"], tuple(Compared(**c) for c in d["county"]),
            {name: Compared(**c) for name, c in d["townships"].items()}, Joint(**d["joint"]) if d["joint"] else None,
            Range(**d["updated"]) if d["updated"] else None, tuple(d["before"]) if d["before"] else None,
        )  # fmt: skip
        return str(d["actuals"]), found
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        allowed = "a back-test that `riskfund backtest --keep` wrote; delete the file or make it anew"
        raise InputError(str(path), "file", type(error).__name__, allowed) from None
