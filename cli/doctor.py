"""Checks of the machine: versions, the random generator, the compiled kernel, the disk."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

PACKAGES = ("numpy", "scipy", "simpy", "pandas", "numba", "pydantic", "pyarrow", "typer", "rich", "openpyxl")


def findings() -> list[dict[str, Any]]:
    """What was checked, what was found, and whether that is enough."""
    out = [_finding("python", platform.python_version(), sys.version_info >= (3, 11))]
    for name in PACKAGES:
        try:
            out.append(_finding(name, metadata.version(name), True))
        except metadata.PackageNotFoundError:
            out.append(_finding(name, "not installed", False))
    out.append(_finding("cores", str(os.cpu_count()), bool(os.cpu_count())))
    out.append(_generator())
    out.append(
        _finding(
            "output encoding",
            str(sys.stdout.encoding),
            str(sys.stdout.encoding).lower().replace("-", "") == "utf8",
        )
    )
    try:
        with tempfile.TemporaryDirectory(dir=Path.cwd()):
            out.append(_finding("write to this folder", str(Path.cwd().name), True))
    except OSError as error:
        out.append(_finding("write to this folder", str(error), False))
    return out


def _generator() -> dict[str, Any]:
    """The compiled generator against its plain twin, and the twin against the published answer."""
    from sim import streams

    zero = np.zeros(1, dtype=np.uint64)
    words = [int(w[0]) for w in streams.philox_reference(zero, zero, zero, zero, np.uint64(0))]
    ids = np.arange(1000)
    same = bool(
        (streams.uniforms(np.uint64(7), 1, 2, ids) == streams.uniforms_reference(np.uint64(7), 1, 2, ids)).all()
    )
    is_known = words == [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]
    return _finding(
        "random generator",
        "known answer, twins equal" if same and is_known else "WRONG BITS",
        same and is_known,
    )


def _finding(what: str, found: str, ok: bool) -> dict[str, Any]:
    return {"what": what, "found": found, "ok": ok}
