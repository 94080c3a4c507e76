"""Where jobs are kept: one SQLite file, read and written in a thread of its owner's.

Nothing here runs anything. What is written is on the disk when a call returns.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from visavis.models.files import private_folder
from visavis.server.jobs.job import OVER, Job, State, Status
from visavis.server.system.errors import QueueError

FILE: Final = "jobs.sqlite"
_VERSION: Final = 1
_PATIENCE: Final = 10.0  # s that another process may hold the file
_SCHEMA: Final = """
create table jobs (
  number integer primary key, id text unique not null, kind text not null, request text not null,
  priority integer not null, grouped text not null, label text not null, webhook text not null,
  status text not null, done real not null, note text not null, result text not null,
  fault text not null, code text not null, tries integer not null, crashes integer not null,
  at real not null, due real not null
);
create index jobs_next on jobs (status, priority desc, number);
create index jobs_grouped on jobs (grouped, number);
create table hooks (
  number integer primary key, id text not null, address text not null, body text not null,
  tries integer not null, due real not null
);
"""
_OPEN: Final = ("queued", "running")


@dataclass(frozen=True, slots=True)
class Taken:
    """A job that is to be done now. crashes: how often it ended without a word."""

    job: Job
    state: State
    crashes: int


@dataclass(frozen=True, slots=True)
class Hook:
    """Something over, of which an address is to be told. tries: how often it was."""

    number: int
    id: str
    address: str
    body: str
    tries: int


class Ledger:
    """For one thread. All calls raise QueueError where the file cannot be read or written."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with _worded(folder):
            private_folder(folder)
            self._db = sqlite3.connect(
                folder / FILE, _PATIENCE, isolation_level=None, check_same_thread=False
            )
            (folder / FILE).chmod(0o600)
            self._db.row_factory = sqlite3.Row
            self._db.execute("pragma journal_mode=wal")
            self._db.execute("pragma synchronous=full")
            self._begin()

    def close(self) -> None:
        """Nothing is read or written after this."""
        self._db.close()

    def _begin(self) -> None:
        with self._writing():
            found = int(self._db.execute("pragma user_version").fetchone()[0])
            if found > _VERSION:
                msg = f"{self._folder / FILE} was written by a newer visavis: upgrade this one."
                raise QueueError(msg)
            if found == 0:
                for statement in filter(str.strip, _SCHEMA.split(";")):
                    self._db.execute(statement)
                self._db.execute(f"pragma user_version = {_VERSION}")

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        """All or nothing."""
        with _worded(self._folder):
            self._db.execute("begin immediate")
            try:
                yield
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    self._db.execute("rollback")
                raise
            self._db.execute("commit")

    # --- jobs -------------------------------------------------------------------------------------

    def add(self, jobs: Sequence[Job]) -> list[State]:
        """See Queue.add."""
        now = time.time()
        with self._writing():
            for job in jobs:
                self._db.execute(
                    "insert into jobs (id, kind, request, priority, grouped, label, webhook,"
                    " status, done, note, result, fault, code, tries, crashes, at, due)"
                    " values (?, ?, ?, ?, ?, ?, ?, 'queued', 0, '', '{}', '', '', 0, 0, ?, 0)"
                    " on conflict (id) do update set status = 'queued', request = excluded.request,"
                    " priority = excluded.priority, webhook = excluded.webhook, done = 0,"
                    " note = '', fault = '', code = '', crashes = 0, at = excluded.at, due = 0"
                    " where status in ('failed', 'cancelled')",
                    (job.id, job.kind, json.dumps(dict(job.request)), job.priority, job.group,
                     job.label, job.webhook, now),
                )  # fmt: skip
            return [_state(self._row(job.id)) for job in jobs]

    def find(self, id: str) -> tuple[Job, State] | None:
        """None: there is no such job."""
        with _worded(self._folder):
            row = self._db.execute("select * from jobs where id = ?", (id,)).fetchone()
        return (_job(row), _state(row)) if row is not None else None

    def group(self, group: str) -> list[State]:
        """In the order in which they were added."""
        return [_state(row) for row in self._rows("grouped = ? order by number", group)]

    def alone(self, kind: str) -> list[tuple[Job, State]]:
        """Those of a kind that stand alone, the latest first."""
        rows = self._rows("kind = ? and grouped = '' order by number desc", kind)
        return [(_job(row), _state(row)) for row in rows]

    def named(self, name: str) -> list[State]:
        """A job by its id, or all of a group."""
        return [_state(row) for row in self._rows("id = ?1 or grouped = ?1 order by number", name)]

    def take(self) -> Taken | None:
        """The next one that is to be done, which runs from now on; None: there is none."""
        with self._writing():
            row = self._db.execute(
                "select * from jobs where status = 'queued' and due <= ?"
                " order by priority desc, number limit 1", (time.time(),),
            ).fetchone()  # fmt: skip
            if row is None:
                return None
            self._db.execute(
                "update jobs set status = 'running', tries = tries + 1, note = '', at = ?"
                " where number = ?", (time.time(), row["number"]),
            )  # fmt: skip
            row = self._row(row["id"])
        return Taken(_job(row), _state(row), row["crashes"])

    def note(self, id: str, done: float, note: str) -> None:
        """How far a job is that runs."""
        with self._writing():
            self._db.execute(
                "update jobs set done = ?, note = ?, at = ? where id = ? and status = 'running'",
                (done, note, time.time(), id),
            )

    def put_back(self, id: str, note: str = "", *, wait: float = 0.0, crashed: int = 0) -> State:
        """It is to be done again, in `wait` s at the earliest. crashed: 1, where it crashed."""
        with self._writing():
            self._db.execute(
                "update jobs set status = 'queued', note = ?, due = ?, crashes = crashes + ?,"
                " at = ? where id = ? and status = 'running'",
                (note, time.time() + wait, crashed, time.time(), id),
            )
            return _state(self._row(id))

    def put_all_back(self) -> int:
        """What ran when its owner ended."""
        with self._writing():
            return self._db.execute(
                "update jobs set status = 'queued', note = '' where status = 'running'"
            ).rowcount

    def end(
        self, id: str, status: Status, *, result: Any = None, fault: str = "", code: str = ""
    ) -> State | None:
        """It is over, and whoever is to be told will be; None: it was over already."""
        with self._writing():
            changed = self._db.execute(
                "update jobs set status = ?, result = ?, fault = ?, code = ?, at = ?, note = '',"
                " done = case ? when 'done' then 1 else done end"
                " where id = ? and status in (?, ?)",
                (status, json.dumps(dict(result or {})), fault, code, time.time(), status, id,
                 *_OPEN),
            ).rowcount  # fmt: skip
            row = self._row(id)
            if not changed:
                return None
            self._hook(row)
            return _state(row)

    def cancel(self, name: str) -> tuple[list[tuple[Job, State]], list[str]]:
        """A job or a group: those that have ended by this, and ids of those that run yet."""
        with self._writing():
            where = "(id = ?1 or grouped = ?1)"
            waiting = self._rows(f"{where} and status = 'queued' order by number", name)
            running = self._rows(f"{where} and status = 'running'", name)
            self._db.execute(
                f"update jobs set status = 'cancelled', note = '', at = ?2"
                f" where {where} and status = 'queued'", (name, time.time()),
            )  # fmt: skip
            rows = [self._row(row["id"]) for row in waiting]
            for row in rows if not rows or not rows[-1]["grouped"] else rows[-1:]:
                self._hook(row)
        return [(_job(row), _state(row)) for row in rows], [row["id"] for row in running]

    def forget(self, name: str) -> list[str]:
        """A job that is over, or those of a group that are; their ids."""
        with self._writing():
            rows = self._db.execute(
                "delete from jobs where (id = ?1 or grouped = ?1) and status not in (?2, ?3)"
                " returning id", (name, *_OPEN),
            ).fetchall()  # fmt: skip
        return [row["id"] for row in rows]

    def over(self, since: float, until: float) -> list[str]:
        """Ids of those that ended in that span of Unix time."""
        where = "status not in (?, ?) and at >= ? and at < ? order by number"
        return [row["id"] for row in self._rows(where, *_OPEN, since, until)]

    def counts(self) -> dict[str, int]:
        """How many there are, by their status."""
        with _worded(self._folder):
            rows = self._db.execute("select status, count(*) n from jobs group by status")
            return {row["status"]: row["n"] for row in rows}

    # --- who is told ------------------------------------------------------------------------------

    def _hook(self, row: sqlite3.Row) -> None:
        """In the same transaction as the end itself, so that neither is kept without the other."""
        if not row["webhook"]:
            return
        states, name = [row], row["id"]
        if row["grouped"]:
            name = row["grouped"]
            states = self._rows("grouped = ? order by number", name)
            if any(each["status"] in _OPEN for each in states):
                return
        body: dict[str, Any] = {"id": name, "at": row["at"]}
        if row["grouped"]:
            ends = Counter(each["status"] for each in states)
            body |= {"type": "group-over"} | {str(end): ends[end] for end in OVER}
        else:
            named = ("status", "label", "fault", "code")
            body |= {"type": "job-over", **{name: row[name] for name in named}}
            body["result"] = json.loads(row["result"])
        self._db.execute(
            "insert into hooks (id, address, body, tries, due) values (?, ?, ?, 0, 0)",
            (name, row["webhook"], json.dumps(body)),
        )

    def hooks(self) -> list[Hook]:
        """Those that are due, the oldest first."""
        with _worded(self._folder):
            rows = self._db.execute(
                "select * from hooks where due <= ? order by number limit 20", (time.time(),)
            ).fetchall()
        return [Hook(r["number"], r["id"], r["address"], r["body"], r["tries"]) for r in rows]

    def hook_again(self, number: int, wait: float) -> None:
        """Nobody took it: once more in so many s."""
        with self._writing():
            self._db.execute(
                "update hooks set tries = tries + 1, due = ? where number = ?",
                (time.time() + wait, number),
            )

    def hook_over(self, number: int) -> None:
        """It was taken, or was tried long enough."""
        with self._writing():
            self._db.execute("delete from hooks where number = ?", (number,))

    def _rows(self, where: str, *values: Any) -> list[sqlite3.Row]:
        with _worded(self._folder):
            return self._db.execute(f"select * from jobs where {where}", values).fetchall()

    def _row(self, id: str) -> sqlite3.Row:
        row: sqlite3.Row = self._db.execute("select * from jobs where id = ?", (id,)).fetchone()
        return row


def _job(row: sqlite3.Row) -> Job:
    return Job(
        row["id"], row["kind"], json.loads(row["request"]), row["priority"], row["grouped"],
        row["label"], row["webhook"],
    )  # fmt: skip


def _state(row: sqlite3.Row) -> State:
    return State(
        row["id"], row["status"], row["done"], None, row["note"], json.loads(row["result"]),
        row["fault"], row["code"], row["tries"], row["at"],
    )  # fmt: skip


@contextlib.contextmanager
def _worded(folder: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):
            raise QueueError(f"Jobs cannot be kept in {folder}: {error}.") from error
        msg = f"{folder / FILE} is damaged ({error}): move it away, and jobs begin anew."
        raise QueueError(msg) from error
    except OSError as error:
        msg = f"Jobs cannot be kept in {folder}: {error.strerror or 'unknown reason'}."
        raise QueueError(msg) from error
