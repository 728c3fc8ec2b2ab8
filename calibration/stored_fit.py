"""A fit on disk: a small file of what it says, and the table of draws that scenarios take over."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from calibration import toml_text
from calibration.fit_checks import inside_by_luck
from calibration.fitting import Fit
from calibration.posterior import ACCEPTED
from sim.errors import InputError
from sim.law.pack import read_toml
from sim.provenance import VERSION, code_sha256

FOLDER = Path(__file__).parent / "fits"


@dataclass(frozen=True)
class StoredFit:
    """What the file of a fit holds, in plain values."""

    name: str
    path: Path
    made: dict[str, Any]
    targets: list[dict[str, Any]]
    parameters: list[dict[str, Any]]
    left_out: list[dict[str, Any]]
    untold: list[dict[str, float]]
    bands: list[dict[str, Any]]
    not_used: list[dict[str, Any]]

    @property
    def draws(self) -> Path:
        """The table of joint draws."""
        return self.path.with_suffix(".csv")

    @property
    def n_within(self) -> int:
        """Targets inside the interval."""
        return sum(row["is_within"] for row in self.targets)

    def as_dict(self) -> dict[str, Any]:
        """All of it."""
        return {
            "fit": self.name, **self.made, "within": self.n_within, "of": len(self.targets), "targets": self.targets,
            "parameters": self.parameters, "left_out": self.left_out, "untold_directions": self.untold, "bands": self.bands,
            "not_used": self.not_used,
        }  # fmt: skip


def fit_names() -> list[str]:
    """Fits stored with the project."""
    return sorted(p.stem for p in FOLDER.glob("*.toml"))


def read_fit(name: str) -> StoredFit:
    """A fit stored with the project by name, or a file by path.

    Raises
    ------
    InputError
        No such fit; its table of draws is missing or is another one.
    """
    path = Path(name) if name.endswith(".toml") else FOLDER / f"{name}.toml"
    if not path.is_file():
        raise InputError(
            "calibration", "fit", name, f"a stored fit ({', '.join(fit_names())}) or a .toml file", fit_names()
        )
    raw = read_toml(path)
    fit = StoredFit(
        path.stem, path, raw["made"], raw["target"], raw["parameter"], raw.get("left_out", []),
        raw["made"].pop("untold_directions", []), raw.get("band", []), raw.get("not_used", []),
    )  # fmt: skip
    if not fit.draws.is_file() or _sha256(fit.draws) != fit.made["draws_sha256"]:
        raise InputError(
            path.name, "draws_sha256", fit.made["draws_sha256"], f"the {fit.draws.name} that was stored with it"
        )
    return fit


def draws_of(name: str) -> Path:
    """The draws of a fit: a stored fit by name, its .toml file, or a table of draws itself (.csv)."""
    return Path(name).resolve() if name.endswith(".csv") else read_fit(name).draws.resolve()


def name_of(draws: str) -> str:
    """What a table of draws is called: the name of a fit stored with the project, else that of its file."""
    path = Path(draws)
    return path.stem if path.resolve().parent == FOLDER.resolve() and path.stem in fit_names() else path.name


def store(fit: Fit, path: Path, command: str) -> StoredFit:
    """Write draws and file, the file last; neither is ever seen half written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draws = path.with_suffix(".csv")
    _write(draws, fit.draws().to_csv(index=False, lineterminator="\n"))
    problem, low_high = fit.problem, inside_by_luck(fit.recovery.n)
    made = {
        "problem": problem.name, "mechanism": problem.settings.mechanism, "command": command, "version": VERSION,
        "problem_sha256": problem.sha256, "targets_sha256": problem.targets_sha256, "code_sha256": code_sha256(),
        "draws_sha256": _sha256(draws), "seed": problem.settings.seed, "rows": problem.settings.rows, "accepted": ACCEPTED,
        "numpy": np.__version__, "held_out": fit.recovery.n, "covered_by_luck": [round(x, 4) for x in low_high],
        "rank": fit.identification.rank, "untold_directions": fit.identification.untold(),
    }  # fmt: skip
    rows = [
        {"key": r.target.key, "label": r.target.label.model_dump(), "layer": r.target.layer, "unit": r.target.unit,
         "target": r.target.value, "standard_error": r.target.standard_error, "model": _round(r.model), "low": _round(r.low),
         "high": _round(r.high), "deviation": _round(r.deviation), "width": _round(r.high - r.low), "is_within": r.is_within,
         "prior_low": _round(r.prior_low), "prior_high": _round(r.prior_high), "is_within_prior": r.is_within_prior}
        for r in fit.rows
    ]  # fmt: skip
    left_out = [
        {"key": x.key, "low": _round(x.low), "middle": _round(x.middle), "high": _round(x.high),
         "log_score": round(x.log_score, 3), "constant_rate": None if x.benchmark is None else round(x.benchmark, 3)}
        for x in fit.left_out
    ]  # fmt: skip
    text = "# A fit of the calibration, written by the command below; docs/calibration.md says how to read it.\n\n"
    text += _table("made", [made]).replace("[[made]]", "[made]", 1)
    text += _table("target", rows) + _table("parameter", fit.parameters()) + _table("left_out", left_out)
    text += _table("band", [{k: v if k == "of" else _round(v) for k, v in vars(b).items()} for b in fit.bands])
    text += _table(
        "not_used",
        [{"key": t.key, "label": t.label.model_dump(), "why": why.model_dump()} for t, why in problem.not_used],
    )
    _write(path, text)
    return read_fit(str(path))


def _table(name: str, rows: Iterable[dict[str, Any]]) -> str:
    return "".join(
        f"[[{name}]]\n{toml_text.lines(((k,), v) for k, v in row.items() if v is not None)}\n" for row in rows
    )


def _round(x: float) -> float:
    return float(f"{x:.5g}")


def _write(path: Path, text: str) -> None:
    half = path.with_suffix(path.suffix + ".tmp")
    half.write_text(text, encoding="utf-8", newline="\n")
    half.replace(path)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
