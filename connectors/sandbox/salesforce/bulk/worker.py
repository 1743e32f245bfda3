"""Carries jobs out beside the requests: uploads in chunks of their own transaction, queries piece by piece."""

import asyncio
import logging
from collections.abc import Sequence

from connectors.sandbox.context import SandboxContext
from connectors.sandbox.salesforce.bulk.csv_text import shown
from connectors.sandbox.salesforce.bulk.jobs import (
    DONE,
    FAILED,
    FAILURES,
    INGEST,
    RESULTS,
    RUNNING,
    SUCCESSES,
    UPLOAD,
    UPLOADED,
    Job,
    Jobs,
)
from connectors.sandbox.salesforce.bulk.rows import body_of, check_header, error_text, work
from connectors.sandbox.salesforce.changes import Author
from connectors.sandbox.salesforce.errors import ApiError
from connectors.sandbox.salesforce.objects import SObject
from connectors.sandbox.salesforce.org import Unit
from connectors.sandbox.salesforce.orgs import Orgs
from connectors.sandbox.salesforce.queries import table_of

CHUNK = 200
"""Rows that are written in one transaction, and tell of themselves in one."""
PIECE = 1_000
"""Rows of a query's results that are stored together."""
log = logging.getLogger(__name__)


class Worker:
    """Runs jobs as tasks; one that was cut short by a stop goes on after the next start."""

    def __init__(self, ctx: SandboxContext, orgs: Orgs, jobs: Jobs) -> None:
        self._ctx = ctx
        self._orgs = orgs
        self._jobs = jobs
        self._running: set[asyncio.Task[None]] = set()

    def start(self, account: str, job: Job) -> None:
        """Begin once the open transaction is committed."""
        self._ctx.database.after_commit(lambda: self._begin(account, job))

    def resume(self) -> None:
        """Go on with what a stopped sandbox left."""
        for account in self._ctx.accounts.names():
            for job in self._jobs.unfinished(account):
                self._begin(account, job)

    async def aclose(self) -> None:
        """Stop; unfinished jobs stay as they are."""
        for task in list(self._running):
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    def _begin(self, account: str, job: Job) -> None:
        task = asyncio.create_task(self._run(account, job))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _run(self, account: str, job: Job) -> None:
        try:
            if job.kind == INGEST:
                await self._ingest(account, job)
            else:
                await self._query(account, job)
        except ApiError as error:
            await self._fail(account, job, f"{error.code} : {error.message}")
        except Exception:
            log.exception("bulk job %s of %s failed", job.id, account)
            await self._fail(account, job, "UNKNOWN_EXCEPTION : see the sandbox's log")

    async def _fail(self, account: str, job: Job, why: str) -> None:
        async with self._ctx.database.transaction():
            current = self._current(account, job)
            if current is not None:
                self._jobs.save(account, current, state=FAILED, error=why)

    def _current(self, account: str, job: Job) -> Job | None:
        """The job as it is now, unless somebody has aborted or deleted it."""
        try:
            found = self._jobs.find(account, job.kind, job.id)
        except ApiError:
            return None
        return found if found.state in {UPLOADED, RUNNING} else None

    async def _ingest(self, account: str, job: Job) -> None:
        rows = uploaded(self._jobs, account, job)
        base = self._orgs.org(account).schema.addressed(job.object)
        header = tuple(rows[0]) if rows else ()
        async with self._ctx.database.transaction():
            current = self._current(account, job)
            if current is None:
                return
            job = self._jobs.save(account, current, state=RUNNING, header=header)
        if rows:
            check_header(base, job, header)
        for start in range(job.processed + 1, len(rows), CHUNK):
            async with self._ctx.database.transaction():
                current = self._current(account, job)
                if current is None:
                    return
                job = self._chunk(account, base, current, rows[start : start + CHUNK])
            await asyncio.sleep(0)
        async with self._ctx.database.transaction():
            current = self._current(account, job)
            if current is not None:
                self._jobs.save(account, current, state=DONE)

    def _chunk(self, account: str, base: SObject, job: Job, rows: Sequence[Sequence[str]]) -> Job:
        unit = self._orgs.unit(account, Author(job.user, job.origin))
        successes: list[Sequence[str]] = []
        failures: list[Sequence[str]] = []
        for row in rows:
            try:
                successes.append([*_done(unit, base, job, row), *row])
            except ApiError as error:
                given = dict(zip(job.header, row, strict=False)).get("Id", "")
                failures.append([given, error_text(error), *row])
        unit.commit()
        for kind, lines in ((SUCCESSES, successes), (FAILURES, failures)):
            if lines:
                self._jobs.add_piece(account, job, kind, job.processed, job.dialect.lines(lines))
        return self._jobs.save(account, job, processed=job.processed + len(rows), failed=job.failed + len(failures))

    async def _query(self, account: str, job: Job) -> None:
        async with self._ctx.database.transaction():
            current = self._current(account, job)
            if current is None:
                return
            self._jobs.drop(account, job, RESULTS)
            job = self._jobs.save(account, current, state=RUNNING, processed=0)
        found = table_of(self._orgs.unit(account), job.query, job.version, deleted=job.operation == "queryAll")
        for number, start in enumerate(range(0, len(found.rows), PIECE)):
            rows = found.rows[start : start + PIECE]
            lines = job.dialect.lines(
                [[shown(column.field, column.get(row)) for column in found.columns] for row in rows]
            )
            async with self._ctx.database.transaction():
                current = self._current(account, job)
                if current is None:
                    return
                self._jobs.add_piece(account, job, RESULTS, number, lines)
                job = self._jobs.save(account, current, processed=start + len(rows))
            await asyncio.sleep(0)
        async with self._ctx.database.transaction():
            current = self._current(account, job)
            if current is not None:
                header = tuple(column.header for column in found.columns)
                self._jobs.save(account, current, state=DONE, header=header)


def uploaded(jobs: Jobs, account: str, job: Job) -> list[list[str]]:
    """The rows of a job's upload, the header first; raises InvalidBatch or ClientInputError."""
    return job.dialect.parse("".join(line for piece in jobs.pieces(account, job, UPLOAD) for line in piece))


def _done(unit: Unit, base: SObject, job: Job, row: Sequence[str]) -> tuple[str, str]:
    with unit.savepoint():
        record_id, created = work(unit, base, job, body_of(base, job.header, row))
    return record_id, "true" if created else "false"
