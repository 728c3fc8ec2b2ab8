"""Simulations that a button starts: each a command in its own process, one at a time, the others in a queue.

A job is a folder with ``job.json`` and what the command printed, so that any page, a second tab or a server that was
started again finds it, whoever started it. Nothing of it is kept in a page's session.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import shutil
import subprocess
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dashboard import processes

FOLDER = ".jobs"
ENDED = ("done", "cancelled", "failed", "died")
PATIENCE = 2.5  # seconds between asking a command to stop and ending it
# Where nothing has been run here yet: histories a second on two cores, and seconds until the first batch begins.
USUAL = {"reduced-form": 90.0, "household": 4.0}
USUAL_START = 20.0

_CANCELLED = 130  # exit code of a command that was interrupted
_HANDLES: dict[int, subprocess.Popen[bytes]] = {}  # children of this server, to learn how they ended


@dataclass(frozen=True)
class Job:
    """One command.

    Parameters
    ----------
    kind : {"size", "compare", "grid"}
    title : dict of language to str
        As people call it; shown as text.
    mechanism : str
        Of default: it decides how fast histories are.
    command : list of str
    out : str
        Run folder that the command fills.
    n : int
        Histories of each arm.
    done, total : int
        Of all arms, as the command reports them.
    began, first_done, first_at, ended : float
        When the process and its first batch began, how much was there by then, when it ended [s since 1970].
    """

    id: str
    kind: str
    title: dict[str, str]
    mechanism: str
    command: list[str]
    out: str
    n: int
    state: str = "queued"
    done: int = 0
    total: int = 0
    pid: int = 0
    pid_born: float = 0.0
    asked: float = 0.0
    began: float = 0.0
    first_done: int = 0
    first_at: float = 0.0
    ended: float = 0.0
    cancel_at: float = 0.0
    message: str = ""
    is_seen: bool = False  # somebody has read how it ended

    @property
    def is_open(self) -> bool:
        """Queued or running."""
        return self.state not in ENDED

    def seconds_left(self, now: float) -> float | None:
        """From its own speed; None before it is known."""
        made = self.done - self.first_done
        if made <= 0 or not self.first_at:
            return None
        return max((self.total - self.done) * (now - self.first_at) / made, 0.0)


@dataclass(frozen=True)
class Estimate:
    """How long a job may take, and whether that is measured on this machine or only usual."""

    seconds: float
    is_measured: bool


class Jobs:
    """The jobs of one runs folder."""

    def __init__(self, runs: Path) -> None:
        self.runs = runs
        self.folder = runs / FOLDER

    # --- reading -----------------------------------------------------------------------------------

    def all(self) -> list[Job]:
        """Every job, the newest first; folders that are not jobs are passed over."""
        found = [self._read(path.parent) for path in self.folder.glob("*/job.json")]
        return sorted((job for job in found if job is not None), key=lambda job: -job.asked)

    def get(self, job_id: str) -> Job | None:
        """A job by its id; None where there is none (any more)."""
        return next((job for job in self.all() if job.id == job_id), None)

    def running(self) -> Job | None:
        """The job at work."""
        return next((job for job in self.all() if job.state == "running"), None)

    def queued(self) -> list[Job]:
        """Those that wait, the first in line first."""
        return [job for job in reversed(self.all()) if job.state == "queued"]

    def estimate(self, total: int, kind: str, mechanism: str) -> Estimate:
        """Seconds for so many histories of all arms, from the last job that ended well: of this kind, or else of another."""
        done = [job for job in self.all() if job.mechanism == mechanism and job.state == "done" and job.first_at]
        for job in sorted(done, key=lambda job: job.kind != kind):  # the newest first among each
            made, took = job.done - job.first_done, job.ended - job.first_at
            if made > 0 and took > 0:
                return Estimate(job.first_at - job.began + total * took / made, is_measured=True)
        return Estimate(USUAL_START + total / USUAL.get(mechanism, USUAL["household"]), is_measured=False)

    def last_ended(self, within: float) -> Job | None:
        """The newest job, where it has ended in the last so many seconds and nobody has read how."""
        job = next(iter(self.all()), None)
        if job is None or job.is_open or job.is_seen or time.time() - job.ended > within:
            return None
        return job

    # --- changing ----------------------------------------------------------------------------------

    def submit(
        self, kind: str, title: dict[str, str], mechanism: str, command: list[str], out: Path, n: int, total: int
    ) -> Job:
        """Put a command in the queue; the same run that is already there is not put in twice."""
        with self._alone():
            same = next((job for job in self.all() if job.is_open and job.out == str(out)), None)
            if same is not None:
                return same
            job_id = f"{time.strftime('%Y%m%d-%H%M%S')}-{uuid.uuid4().hex[:6]}"
            job = Job(job_id, kind, title, mechanism, command, str(out), n, total=total, asked=time.time())
            self._write(job)
        self.tick()
        return self.get(job.id) or job

    def cancel(self, job_id: str) -> None:
        """Ask a job to stop; what is finished is kept. One that does not is ended by `tick`."""
        with self._alone():
            job = self.get(job_id)
            if job is None or not job.is_open:
                return
            if job.state == "queued":
                self._write(dataclasses.replace(job, state="cancelled", ended=time.time()))
                return
            processes.ask_to_stop(job.pid)
            self._write(dataclasses.replace(job, cancel_at=job.cancel_at or time.time()))

    def resume(self, job_id: str) -> Job | None:
        """The same command again: it goes on from the batches that are there."""
        job = self.get(job_id)
        if job is None or job.is_open:
            return job
        return self.submit(job.kind, job.title, job.mechanism, job.command, Path(job.out), job.n, job.total)

    def delete(self, job_id: str) -> None:
        """Forget a job that has ended; its run folder stays."""
        with self._alone():
            job = self.get(job_id)
            if job is not None and not job.is_open:
                shutil.rmtree(self.folder / job.id, ignore_errors=True)

    def see(self, job_id: str) -> None:
        """Somebody has read how a job ended: no page, tab or later visit tells it again."""
        with self._alone():
            job = self.get(job_id)
            if job is not None:
                self._write(dataclasses.replace(job, is_seen=True))

    def tick(self) -> None:
        """Follow the job at work, and begin the next one when there is none."""
        if not self.folder.is_dir():
            return
        with self._alone():
            job = self.running()
            if job is not None:
                job = self._followed(job)
                self._write(job)
            if job is None or not job.is_open:
                for following in self.queued()[:1]:
                    self._write(self._begun(following))

    # --- one job -----------------------------------------------------------------------------------

    def _begun(self, job: Job) -> Job:
        home, now = self.folder / job.id, time.time()
        try:
            process = processes.start(job.command, self.runs.parent, home / "stdout", home / "stderr")
        except OSError as error:
            return dataclasses.replace(job, state="failed", ended=now, message=str(error))
        _HANDLES[process.pid] = process
        return dataclasses.replace(
            job, state="running", pid=process.pid, pid_born=processes.born(process.pid), began=now
        )

    def _followed(self, job: Job) -> Job:
        """The job as it stands now."""
        now = time.time()
        done, total, said = _progress(self.folder / job.id / "stderr")
        if total:
            job = dataclasses.replace(job, done=done, total=total)
            if not job.first_at:
                job = dataclasses.replace(job, first_at=now, first_done=done)
        handle = _HANDLES.get(job.pid)
        code = handle.poll() if handle is not None else None
        if code is None and processes.is_alive(job.pid, job.pid_born):
            if job.cancel_at and now - job.cancel_at > PATIENCE:
                processes.end(job.pid)
            return job
        if handle is not None and code is None:  # it ended between the two looks
            code = handle.wait(timeout=10)
        _HANDLES.pop(job.pid, None)
        processes.end(job.pid)  # what a killed command has left behind
        return dataclasses.replace(job, state=self._outcome(job, code), ended=now, message=said)

    def _outcome(self, job: Job, code: int | None) -> str:
        """How a process ended that is no longer there; without its exit code from what it has printed."""
        if job.cancel_at or code == _CANCELLED:
            return "cancelled"
        if code == 0 or (code is None and _is_json(self.folder / job.id / "stdout")):
            return "done"
        return "failed" if code is not None and code > 0 and code not in (137, 143) else "died"

    # --- files -------------------------------------------------------------------------------------

    def _read(self, home: Path) -> Job | None:
        try:
            raw: dict[str, Any] = json.loads((home / "job.json").read_text(encoding="utf-8"))
            return Job(**raw) if isinstance(raw["title"], dict) else None
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def _write(self, job: Job) -> None:
        home = self.folder / job.id
        home.mkdir(parents=True, exist_ok=True)
        temporary = home / f"job.{os.getpid()}-{threading.get_ident()}.tmp"
        temporary.write_text(json.dumps(dataclasses.asdict(job), ensure_ascii=False, indent=1), encoding="utf-8")
        temporary.replace(home / "job.json")

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """One thread of one process at a time changes jobs: two tabs do not start two."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("a+b") as file:
            _lock(file.fileno())
            yield  # closing the file gives the lock back


def _lock(descriptor: int) -> None:
    try:
        import fcntl
    except ImportError:  # Windows
        import msvcrt

        msvcrt.locking(descriptor, msvcrt.LK_LOCK, 1)  # type: ignore[attr-defined]
    else:
        fcntl.flock(descriptor, fcntl.LOCK_EX)


def _progress(path: Path) -> tuple[int, int, str]:
    """The last report of a command, and what else it has said."""
    done = total = 0
    said: list[str] = []
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0, 0, ""
    for line in text.splitlines():
        try:
            report = json.loads(line)
            done, total = int(report["done"]), int(report["total"])
        except (ValueError, TypeError, KeyError):
            if line.strip():
                said.append(line.strip())
    return done, total, "\n".join(said[-6:])


def _is_json(path: Path) -> bool:
    try:
        return isinstance(json.loads(path.read_text(encoding="utf-8")), dict)
    except (OSError, ValueError):
        return False


# --- the keeper --------------------------------------------------------------------------------------


class Keeper:
    """Looks after the jobs of a runs folder twice a second, whether or not a page is open."""

    def __init__(self, jobs: Jobs) -> None:
        self.jobs = jobs
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True, name="riskfund-jobs")
        self._thread.start()

    def stop(self) -> None:
        """Stop looking; jobs at work go on."""
        self._stop.set()
        self._thread.join(timeout=5)

    def _work(self) -> None:
        while not self._stop.wait(0.5):
            with contextlib.suppress(OSError):  # a full disk is told where the run itself says so
                self.jobs.tick()
