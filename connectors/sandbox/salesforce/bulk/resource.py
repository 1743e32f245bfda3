"""`jobs/ingest` and `jobs/query` (Bulk API 2.0 Developer Guide)."""

import base64
import binascii
from collections.abc import Iterable
from typing import Any

from connectors.sandbox.salesforce.allowances import BULK_BATCHES, BULK_QUERIES, Allowances
from connectors.sandbox.salesforce.bulk.jobs import (
    ABORTED,
    DONE,
    ENDED,
    FAILURES,
    INGEST,
    OPEN,
    QUERY,
    RESULTS,
    SUCCESSES,
    UPLOAD,
    UPLOADED,
    Job,
    Jobs,
    dialect_of,
)
from connectors.sandbox.salesforce.bulk.rows import OPERATIONS, UPSERT
from connectors.sandbox.salesforce.bulk.worker import PIECE, Worker, uploaded
from connectors.sandbox.salesforce.calls import Call, Reply, not_allowed, not_found
from connectors.sandbox.salesforce.errors import ApiError
from connectors.sandbox.salesforce.fields import stamp
from connectors.sandbox.salesforce.ids import make_id
from connectors.sandbox.salesforce.queries import table_of
from connectors.sandbox.salesforce.upserts import external_key

# "Bulk API 2.0 limits": 150 MB after base64 encoding; 10,000 rows per internal batch.
_LARGEST_UPLOAD = 150_000_000 * 3 // 4
_BATCH = 10_000
_PAGE = 50_000
_QUERIES = ("query", "queryAll")
# Lists of values rather than of records.
_UNSUPPORTED = frozenset({"OpportunityStage", "LeadStatus"})
_RESULTS = {"successfulresults": SUCCESSES, "failedresults": FAILURES, "unprocessedrecords": ""}
_EXTRA = {SUCCESSES: ("sf__Id", "sf__Created"), FAILURES: ("sf__Id", "sf__Error"), "": ()}
_CSV = {"Content-Type": "text/csv"}


class Bulk:
    """Answers everything below `jobs/`."""

    def __init__(self, jobs: Jobs, worker: Worker, allowances: Allowances) -> None:
        self._jobs = jobs
        self._worker = worker
        self._allowances = allowances

    def serve(self, call: Call) -> Reply:
        """Answer one call; raises ApiError."""
        steps = [step.lower() for step in call.steps[1:]]
        kind = {"ingest": INGEST, "query": QUERY}.get(steps[0]) if steps else None
        if kind is None:
            raise not_found()
        if len(steps) == 1:
            return self._all(call, kind)
        job = self._jobs.find(call.unit.org.name, kind, call.steps[2])
        if len(steps) == 2:  # noqa: PLR2004
            return self._one(call, job)
        return self._file(call, job, steps[2])

    def _all(self, call: Call, kind: str) -> Reply:
        account = call.unit.org.name
        if call.method == "GET":
            found = [job.as_json() for job in self._jobs.all(account, kind)]
            return Reply(200, {"done": True, "nextRecordsUrl": None, "records": found})
        if call.method != "POST":
            raise not_allowed(call.method)
        if kind == QUERY:
            return Reply(200, self._create_query(call, call.fields()).as_json())
        return Reply(200, self._create_ingest(call, call.fields()).as_json())

    def _create_ingest(self, call: Call, body: dict[str, Any]) -> Job:
        operation = body.get("operation")
        if operation not in OPERATIONS:
            raise ApiError("INVALIDJOB", f"InvalidJob : operation: must be one of {', '.join(OPERATIONS)}")
        if body.get("contentType", "CSV") != "CSV":
            raise ApiError("INVALIDJOB", "InvalidJob : contentType: must be CSV")
        base = call.unit.org.schema.find(str(body.get("object")))
        if base is None or not base.write:
            raise _unsupported(body.get("object"))
        name = str(body.get("externalIdFieldName") or "")
        if operation == UPSERT:
            if not name:
                raise ApiError("INVALIDJOB", "InvalidJob : externalIdFieldName is required for upsert")
            name = "Id" if name.lower() == "id" else external_key(base, name).name
        return self._create(call, INGEST, operation, base.name, state=OPEN, external_id=name, **dialect_of(body))

    def _create_query(self, call: Call, body: dict[str, Any]) -> Job:
        operation, text = body.get("operation"), body.get("query")
        if operation not in _QUERIES or not isinstance(text, str):
            raise ApiError("INVALIDJOB", "InvalidJob : operation must be query or queryAll, query must be SOQL")
        # Prepared once to refuse what cannot run; the rows are taken when the job does.
        found = table_of(call.unit, text, call.version, deleted=operation == "queryAll")
        if found.base.name in _UNSUPPORTED:
            raise _unsupported(found.base.name)
        if not self._allowances.admit(call.unit.org.name, BULK_QUERIES):
            raise ApiError("REQUEST_LIMIT_EXCEEDED", f"{BULK_QUERIES} Limit exceeded.")
        job = self._create(call, QUERY, operation, found.base.name, state=UPLOADED, query=text, **dialect_of(body))
        self._worker.start(call.unit.org.name, job)
        return job

    def _create(self, call: Call, kind: str, operation: str, name: str, **given: Any) -> Job:
        org = call.unit.org
        job = Job(
            id=make_id("750", org.pod, self._jobs.next_number(org.name)),
            kind=kind,
            operation=operation,
            object=name,
            created=stamp(call.unit.now),
            user=call.unit.user["Id"],
            version=call.version,
            origin=call.unit.author.origin.replace("/rest/", "/bulkapi/"),
            **given,
        )
        return self._jobs.save(org.name, job)

    def _one(self, call: Call, job: Job) -> Reply:
        account = call.unit.org.name
        if call.method == "GET":
            return Reply(200, job.as_json())
        if call.method == "DELETE":
            if job.state not in ENDED and job.state != UPLOADED:
                raise _wrong_state(job, "deleted")
            self._jobs.remove(account, job)
            return Reply(204)
        if call.method != "PATCH":
            raise not_allowed(call.method)
        wanted = call.fields().get("state")
        if wanted == ABORTED and job.state not in ENDED:
            return Reply(200, self._jobs.save(account, job, state=ABORTED).as_json())
        if wanted == UPLOADED and job.kind == INGEST and job.state == OPEN:
            return Reply(200, self._close(account, job).as_json())
        raise _wrong_state(job, f"set to {wanted}")

    def _close(self, account: str, job: Job) -> Job:
        """The end of the upload: from here on the job runs by itself."""
        count = sum(1 for piece in self._jobs.pieces(account, job, UPLOAD) for _ in piece)
        for _ in range(-(-count // _BATCH)):
            if not self._allowances.admit(account, BULK_BATCHES):
                raise ApiError("REQUEST_LIMIT_EXCEEDED", f"{BULK_BATCHES} Limit exceeded.")
        job = self._jobs.save(account, job, state=UPLOADED)
        self._worker.start(account, job)
        return job

    def _file(self, call: Call, job: Job, name: str) -> Reply:
        if name == "batches" and job.kind == INGEST:
            return self._upload(call, job)
        if call.method != "GET":
            raise not_allowed(call.method)
        if name == "results" and job.kind == QUERY:
            return self._results(call, job)
        if name not in _RESULTS or job.kind != INGEST:
            raise not_found()
        if job.state not in ENDED:
            raise _wrong_state(job, "read")
        kind = _RESULTS[name]
        header = [*_EXTRA[kind], *job.header]
        return _csv(job, header, self._lines(call.unit.org.name, job, kind))

    def _lines(self, account: str, job: Job, kind: str) -> Iterable[str]:
        if kind:
            return (line for piece in self._jobs.pieces(account, job, kind) for line in piece)
        try:
            rest = uploaded(self._jobs, account, job)[1 + job.processed :]
        except ApiError:  # what could not be read was not processed, and is given back as it came
            return (line for piece in self._jobs.pieces(account, job, UPLOAD) for line in piece)
        return job.dialect.lines(rest)

    def _upload(self, call: Call, job: Job) -> Reply:
        if call.method != "PUT":
            raise not_allowed(call.method)
        account = call.unit.org.name
        if job.state != OPEN or next(self._jobs.pieces(account, job, UPLOAD), None) is not None:
            raise _wrong_state(job, "uploaded to a second time")
        if not call.headers.get("content-type", "").startswith("text/csv"):
            raise ApiError("UNSUPPORTED_MEDIA_TYPE", "Content-Type must be text/csv")
        if len(call.body) > _LARGEST_UPLOAD:
            raise ApiError("REQUEST_ENTITY_TOO_LARGE", "An upload must not exceed 150 MB after base64 encoding")
        try:
            text = call.body.decode()
        except UnicodeDecodeError:
            raise ApiError("ClientInputError", "The upload must be UTF-8") from None
        lines = text.splitlines(keepends=True)
        for number, start in enumerate(range(0, len(lines), PIECE)):
            self._jobs.add_piece(account, job, UPLOAD, number, lines[start : start + PIECE])
        return Reply(201)

    def _results(self, call: Call, job: Job) -> Reply:
        if job.state != DONE:
            raise _wrong_state(job, "read")
        start = _offset(call.params.get("locator"))
        most = call.params.get("maxRecords", str(_PAGE))
        if not most.isdigit() or int(most) < 1:
            raise ApiError("INVALID_FIELD", "maxRecords: must be a whole number above 0", ["maxRecords"])
        lines: list[str] = []
        skipped = start % PIECE
        for piece in self._jobs.pieces(call.unit.org.name, job, RESULTS, start // PIECE):
            lines += piece[skipped:]
            skipped = 0
            if len(lines) >= int(most):
                break
        lines = lines[: int(most)]
        end = start + len(lines)
        locator = "null" if end >= job.processed else _locator(end)
        reply = _csv(job, job.header, lines)
        return Reply(200, reply.body, {**_CSV, "Sforce-Locator": locator, "Sforce-NumberOfRecords": str(len(lines))})


def _csv(job: Job, header: Iterable[str], lines: Iterable[str]) -> Reply:
    first = job.dialect.lines([header]) if job.header else []
    return Reply(200, "".join([*first, *lines]).encode(), _CSV)


def _locator(offset: int) -> str:
    return base64.urlsafe_b64encode(str(offset).encode()).decode().rstrip("=")


def _offset(locator: str | None) -> int:
    if not locator or locator == "null":
        return 0
    try:
        return int(base64.urlsafe_b64decode(locator + "=" * (-len(locator) % 4)))
    except (ValueError, binascii.Error):
        raise ApiError("INVALID_QUERY_LOCATOR", "invalid query locator") from None


def _wrong_state(job: Job, what: str) -> ApiError:
    return ApiError("INVALIDJOBSTATE", f"InvalidJobState : a job in state {job.state} cannot be {what}")


def _unsupported(name: object) -> ApiError:
    return ApiError("INVALIDENTITY", f"InvalidEntity : Entity '{name}' is not supported by the Bulk API.")
