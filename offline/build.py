"""Builds the offline pack: every wheel for Windows and Linux, and the scripts that install and start from them.

Run by ``make wheelhouse`` on a machine with a network; the folder that it fills is carried to one without.
"""

from __future__ import annotations

import argparse
import email
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename

ROOT = Path(__file__).resolve().parents[1]
HERE = ROOT / "offline"
SCRIPTS = {"windows": ("安装.bat", "启动.bat"), "linux": ("install.sh", "start.sh")}
PLATFORMS = {
    "windows": ("win_amd64",),
    "linux": ("manylinux_2_28_x86_64", "manylinux_2_27_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64"),
}
# Asked for only on Windows: a download made elsewhere would leave them out.
ONLY_THERE = {"windows": ("colorama", "tzdata"), "linux": ()}


def build(out: Path, python: str, systems: list[str]) -> None:
    """Fill the folder; an earlier one is replaced."""
    shutil.rmtree(out, ignore_errors=True)
    own = _own_wheel(out / "own")
    for system in systems:
        wheels = out / "wheels" / system
        _download(own, wheels, system, python)
        shutil.copy(own, wheels)
        missing = sorted(_missing(wheels, system, python))
        if missing:
            raise SystemExit(f"{system}: these wheels are missing: {', '.join(missing)}")
        for name in SCRIPTS[system]:
            _script(HERE / name, out / name, python)
        size = sum(wheel.stat().st_size for wheel in wheels.glob("*.whl")) / 1e6
        print(f"{system}: {len(list(wheels.glob('*.whl')))} wheels, {size:.0f} MB, Python {python}")
    shutil.copy(ROOT / "docs/offline.md", out / "README.md")
    shutil.rmtree(out / "own")


def _pip(*words: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", *words], check=True, cwd=ROOT
    )


def _own_wheel(folder: Path) -> Path:
    _pip("wheel", "--no-deps", "--wheel-dir", str(folder), ".")
    return next(folder.glob("riskfund-*.whl"))


def _download(own: Path, wheels: Path, system: str, python: str) -> None:
    platforms = [word for name in PLATFORMS[system] for word in ("--platform", name)]
    _pip(
        "download", "--only-binary=:all:", "--python-version", python, "--implementation", "cp", *platforms,
        "--constraint", "constraints.txt", "--dest", str(wheels), str(own), *ONLY_THERE[system],
    )  # fmt: skip


def _missing(wheels: Path, system: str, python: str) -> Iterator[str]:
    """What a wheel asks for on that system and the folder does not have: markers are read as they would be there."""
    there = {parse_wheel_filename(w.name)[0]: parse_wheel_filename(w.name)[1] for w in wheels.glob("*.whl")}
    environment = {
        **{k: str(v) for k, v in default_environment().items()}, "python_version": python, "python_full_version": f"{python}.0", "extra": "",
        **({"sys_platform": "win32", "platform_system": "Windows", "os_name": "nt", "platform_machine": "AMD64"}
           if system == "windows" else {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix"}),
    }  # fmt: skip
    for wheel in wheels.glob("*.whl"):
        for wanted in _requirements(wheel):
            if wanted.marker is not None and not wanted.marker.evaluate(environment):
                continue
            version = there.get(canonicalize_name(wanted.name))
            if version is None or not wanted.specifier.contains(version, prereleases=True):
                yield f"{wanted} (for {wheel.name.split('-')[0]})"


def _requirements(wheel: Path) -> list[Requirement]:
    with zipfile.ZipFile(wheel) as archive:
        name = next(n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
        metadata = email.message_from_bytes(archive.read(name))
    return [Requirement(text) for text in metadata.get_all("Requires-Dist", [])]


def _script(source: Path, target: Path, python: str) -> None:
    """Copy a start script; Windows wants its own line ends, and both the Python that the wheels are for."""
    text = source.read_text(encoding="utf-8").replace("@PYTHON@", python)
    is_windows = target.suffix == ".bat"
    target.write_text(text, encoding="utf-8", newline="\r\n" if is_windows else "\n")
    if not is_windows:
        target.chmod(0o755)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "build/offline")
    parser.add_argument("--python", default="3.12", help="version on the machines without a network")
    parser.add_argument("--system", action="append", choices=list(PLATFORMS), help="default: both")
    options = parser.parse_args()
    build(options.out.resolve(), options.python, options.system or list(PLATFORMS))


if __name__ == "__main__":
    main()
