"""Jobs, their uploads and their results, kept with the org's data."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from connectors.sandbox.context import SandboxContext
from connectors.sandbox.salesforce.bulk.csv_text import DELIMITERS, ENDINGS, Dialect
from connectors.sandbox.salesforce.errors import ApiError
from connectors.sandbox.salesforce.fields import moment_of, stamp

OPEN, UPLOADED, RUNNING = "Open", "UploadComplete", "InProgress"
DONE, FAILED, ABORTED = "JobComplete", "Failed", "Aborted"
ENDED = frozenset({DONE, FAILED, ABORTED})
INGEST, QUERY = "V2Ingest", "V2Query"
UPLOAD, SUCCESSES, FAILURES, RESULTS = "upload", "successes", "failures", "results"
_JOB, _PIECE = "BulkJob", "BulkPiece"
# "Bulk API 2.0 limits": how long results are kept.
_KEPT = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Job:
    """One job.

    Attributes:
        kind: V2Ingest or V2Query.
        version: API version, as `67.0`.
        origin: `changeOrigin` of the changes it makes.
        header: The first line of its upload or results, once known.
    """

    id: str
    kind: str
    operation: str
    object: str
    created: str
    user: str
    version: str
    origin: str
    state: str
    query: str = ""
    external_id: str = ""
    delimiter: str = "COMMA"
    ending: str = "LF"
    error: str = ""
    header: tuple[str, ...] = ()
    processed: int = 0
    failed: int = 0
    modified: str = ""

    @property
    def dialect(self) -> Dialect:
        """How its files are written."""
        return Dialect(self.delimiter, self.ending)

    def as_json(self) -> dict[str, Any]:
        """The job as the API shows it."""
        body: dict[str, Any] = {
            "id": self.id,
            "operation": self.operation,
            "object": self.object,
            "createdById": self.user,
            "createdDate": self.created,
            "systemModstamp": self.modified or self.created,
            "state": self.state,
            "concurrencyMode": "Parallel",
            "contentType": "CSV",
            "apiVersion": float(self.version),
            "jobType": self.kind,
            "lineEnding": self.ending,
            "columnDelimiter": self.delimiter,
            "numberRecordsProcessed": self.processed,
            "retries": 0,
            "totalProcessingTime": self.processed,
        }
        if self.kind == INGEST:
            body |= {"contentUrl": f"services/data/v{self.version}/jobs/ingest/{self.id}/batches"}
            body |= {"numberRecordsFailed": self.failed, "apiActiveProcessingTime": 0, "apexProcessingTime": 0}
            body |= {"externalIdFieldName": self.external_id} if self.external_id else {}
        return body | ({"errorMessage": self.error} if self.error else {})


def dialect_of(body: dict[str, Any]) -> dict[str, str]:
    """`delimiter` and `ending` of a job's request; raises INVALIDJOB."""
    delimiter, ending = body.get("columnDelimiter") or "COMMA", body.get("lineEnding") or "LF"
    if delimiter not in DELIMITERS or ending not in ENDINGS:
        known = f"columnDelimiter: {', '.join(DELIMITERS)}; lineEnding: {', '.join(ENDINGS)}"
        raise ApiError("INVALIDJOB", f"InvalidJob : unknown columnDelimiter or lineEnding; known {known}")
    return {"delimiter": delimiter, "ending": ending}


class Jobs:
    """The jobs of all orgs; writes need an open transaction."""

    def __init__(self, ctx: SandboxContext) -> None:
        self._ctx = ctx

    def next_number(self, account: str) -> int:
        """Counts an org's jobs."""
        return self._ctx.database.next(account, _JOB)

    def save(self, account: str, job: Job, **changed: Any) -> Job:
        """Store a job, with these fields changed."""
        job = replace(job, **changed, modified=stamp(self._ctx.clock.now()))
        self._ctx.database.put(account, _JOB, job.id, asdict(job))
        return job

    def find(self, account: str, kind: str, job_id: str) -> Job:
        """The job; raises NOT_FOUND, also when its results have been dropped."""
        body = self._ctx.database.get(account, _JOB, job_id)
        job = _job(body) if body else None
        if job is None or job.kind != kind or self._expired(job):
            raise ApiError("NOT_FOUND", "The requested resource does not exist")
        return job

    def all(self, account: str, kind: str) -> list[Job]:
        """The jobs of a kind, oldest first."""
        found = [_job(body) for body in self._ctx.database.all(account, _JOB)]
        return [job for job in found if job.kind == kind and not self._expired(job)]

    def unfinished(self, account: str) -> list[Job]:
        """Jobs that a stopped sandbox left behind."""
        found = [_job(body) for body in self._ctx.database.all(account, _JOB)]
        return [job for job in found if job.state in {UPLOADED, RUNNING}]

    def remove(self, account: str, job: Job) -> None:
        """Forget a job and its files."""
        self._ctx.database.remove(account, _JOB, job.id)
        for kind in (UPLOAD, SUCCESSES, FAILURES, RESULTS):
            self.drop(account, job, kind)

    def add_piece(self, account: str, job: Job, kind: str, number: int, lines: Sequence[str]) -> None:
        """Store lines of one of the job's files; pieces are read in order of their numbers."""
        self._ctx.database.put(account, _PIECE, f"{job.id}/{kind}/{number:09d}", {"lines": list(lines)})

    def pieces(self, account: str, job: Job, kind: str, first: int = 0) -> Iterator[list[str]]:
        """A file's pieces, from a number on."""
        rows = self._ctx.database.execute(
            "SELECT id FROM objects WHERE account=? AND type=? AND id>=? AND id<? ORDER BY id",
            (account, _PIECE, f"{job.id}/{kind}/{first:09d}", f"{job.id}/{kind}/:"),
        )
        for (id_,) in rows:
            body = self._ctx.database.get(account, _PIECE, id_)
            yield body["lines"] if body else []

    def drop(self, account: str, job: Job, kind: str) -> None:
        """Delete a file."""
        self._ctx.database.execute(
            "DELETE FROM objects WHERE account=? AND type=? AND id>=? AND id<?",
            (account, _PIECE, f"{job.id}/{kind}/", f"{job.id}/{kind}/:"),
        )

    def _expired(self, job: Job) -> bool:
        now: datetime = self._ctx.clock.now()
        return now - moment_of(job.created) >= _KEPT


def _job(body: dict[str, Any]) -> Job:
    return Job(**{**body, "header": tuple(body["header"])})
