"""Bulk API 2.0: jobs over HTTP."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import timedelta
from typing import Any

import httpx
import pytest

from connectors.sandbox.salesforce.app import build
from connectors.sandbox.salesforce.bulk.jobs import Job
from connectors.sandbox.salesforce.bulk.worker import Worker
from connectors.sandbox.salesforce.objects import SObject
from connectors.sandbox.server import Sandboxes

DATA = "/services/data/v67.0"
INGEST, QUERY = f"{DATA}/jobs/ingest", f"{DATA}/jobs/query"
ENDED = {"JobComplete", "Failed", "Aborted"}
Start = Callable[..., Any]


async def _client(served: Sandboxes) -> httpx.AsyncClient:
    http = httpx.AsyncClient(base_url=served.url("salesforce"))
    known = (await http.get("/__sandbox/credentials", params={"account": "acme"})).json()
    http.headers["Authorization"] = f"Bearer {known['access_token']}"
    return http


@pytest.fixture
async def api(start: Start) -> AsyncIterator[httpx.AsyncClient]:
    """A client with a session of org `acme`."""
    http = await _client(await start({"salesforce": (0, build)}))
    yield http
    await http.aclose()


async def _open(api: httpx.AsyncClient, **body: str) -> str:
    answer = await api.post(INGEST, json={"object": "Account", "operation": "insert", "contentType": "CSV", **body})
    assert answer.status_code == 200, answer.text
    assert answer.json()["state"] == "Open"
    return str(answer.json()["id"])


async def _put(api: httpx.AsyncClient, job: str, text: str) -> httpx.Response:
    async def pieces() -> AsyncIterator[bytes]:  # no length is known, so that httpx sends chunks
        for start in range(0, len(text), 50):
            yield text[start : start + 50].encode()

    return await api.put(f"{INGEST}/{job}/batches", content=pieces(), headers={"Content-Type": "text/csv"})


async def _ended(api: httpx.AsyncClient, url: str) -> dict[str, Any]:
    while True:
        job: dict[str, Any] = (await api.get(url)).json()
        if job["state"] in ENDED:
            return job


async def _load(api: httpx.AsyncClient, text: str, **body: str) -> tuple[dict[str, Any], Callable[[str], Any]]:
    """Run a whole job; returns it and a reader of its result files."""
    job = await _open(api, **body)
    assert (await _put(api, job, text)).status_code == 201
    closed = await api.patch(f"{INGEST}/{job}", json={"state": "UploadComplete"})
    assert closed.json()["state"] == "UploadComplete"
    done = await _ended(api, f"{INGEST}/{job}")

    async def rows(name: str) -> list[dict[str, str]]:
        answer = await api.get(f"{INGEST}/{job}/{name}")
        assert answer.headers["content-type"].startswith("text/csv")
        return list(csv.DictReader(io.StringIO(answer.text)))

    return done, rows


def _refusal(answer: httpx.Response) -> tuple[int, str]:
    (error,) = answer.json()
    return answer.status_code, error["errorCode"]


async def _accounts(api: httpx.AsyncClient) -> int:
    answer = await api.get(f"{DATA}/query", params={"q": "SELECT COUNT() FROM Account"})
    return int(answer.json()["totalSize"])


async def test_an_insert_tells_of_each_row(api: httpx.AsyncClient) -> None:
    """Good rows are made, bad ones explained with code, message and field; quotes and line breaks survive."""
    text = 'Name,Phone,NumberOfEmployees\n"A ""quoted"", line\nbreak",1,7\nB,2,many\n,3,1\n'
    job, rows = await _load(api, text)
    assert (job["state"], job["numberRecordsProcessed"], job["numberRecordsFailed"]) == ("JobComplete", 3, 2)
    assert (job["apiVersion"], job["jobType"], job["object"]) == (67.0, "V2Ingest", "Account")
    (made,) = await rows("successfulResults")
    assert (made["sf__Created"], made["Name"]) == ("true", 'A "quoted", line\nbreak')
    assert (await api.get(f"{DATA}/sobjects/Account/{made['sf__Id']}")).json()["Name"] == 'A "quoted", line\nbreak'
    failed = await rows("failedresults")
    assert [row["sf__Error"].split(":")[0] for row in failed] == ["JSON_PARSER_ERROR", "REQUIRED_FIELD_MISSING"]
    assert failed[1]["sf__Error"].endswith(":Name --")
    assert await rows("unprocessedrecords") == []


async def test_updates_leave_empty_values_and_null_marked_ones(api: httpx.AsyncClient) -> None:
    """An empty cell changes nothing, #N/A empties the field, a relationship column finds the parent."""
    _, rows = await _load(api, "Name,Phone,Fax,Sluiceway_Id__c\nParent,1,2,p-1\n")
    (made,) = await rows("successfulResults")
    job, _ = await _load(api, f"Id,Phone,Fax\n{made['sf__Id']},,#N/A\n", operation="update")
    assert job["numberRecordsFailed"] == 0
    parent = (await api.get(f"{DATA}/sobjects/Account/{made['sf__Id']}")).json()
    assert (parent["Phone"], parent["Fax"]) == ("1", None)
    text = "LastName,Account.Sluiceway_Id__c,DoNotCall\nL,P-1,1\nM,nobody,0\n"
    _, rows = await _load(api, text, object="Contact")
    (child,) = await rows("successfulResults")
    contact = (await api.get(f"{DATA}/sobjects/Contact/{child['sf__Id']}")).json()
    assert (contact["AccountId"], contact["DoNotCall"]) == (made["sf__Id"], True)
    assert (await rows("failedResults"))[0]["sf__Error"].startswith("INVALID_FIELD:")


async def test_upserts_create_and_update_by_external_id(api: httpx.AsyncClient) -> None:
    """The second job of one key updates; delete fills the bin, hardDelete empties it."""
    for created in ("true", "false"):
        _, rows = await _load(
            api, "Sluiceway_Id__c,Name\nk,N\n", operation="upsert", externalIdFieldName="Sluiceway_Id__c"
        )
        (row,) = await rows("successfulResults")
        assert row["sf__Created"] == created
    await _load(api, f"Id\n{row['sf__Id']}\n", operation="delete")
    everything = {"q": "SELECT Id FROM Account"}
    assert (await api.get(f"{DATA}/queryAll", params=everything)).json()["totalSize"] == 1
    await _load(api, f"Id\n{row['sf__Id']}\n", operation="hardDelete")
    assert (await api.get(f"{DATA}/queryAll", params=everything)).json()["totalSize"] == 0
    _, rows = await _load(api, f"Id\n{row['sf__Id']}\n", operation="delete")
    assert (await rows("failedResults"))[0]["sf__Error"].startswith("INVALID_CROSS_REFERENCE_KEY:")


@pytest.mark.parametrize(
    ("text", "body", "error"),
    [
        (
            "Name\r\nA\r\n",
            {},
            "ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is LF",
        ),
        ("Name\nA\n", {"lineEnding": "CRLF"}, "ClientInputError : LineEnding is invalid on user data"),
        ("Name,Nope__c\nA,1\n", {}, "InvalidBatch : Field name not found : Nope__c"),
        ("Name\nA\n", {"operation": "update"}, "InvalidBatch : Field name not found : Id"),
        ('Name\n"A\n', {}, "InvalidBatch : Failed to parse CSV."),
    ],
)
async def test_a_file_that_cannot_be_read_fails_the_job(
    api: httpx.AsyncClient, text: str, body: dict[str, str], error: str
) -> None:
    """The job says why, nothing is written, and the rows are given back as unprocessed."""
    job, _ = await _load(api, text, **body)
    assert job["state"] == "Failed"
    assert job["errorMessage"].startswith(error)
    assert await _accounts(api) == 0
    assert "A" in (await api.get(f"{INGEST}/{job['id']}/unprocessedrecords")).text


@pytest.mark.parametrize(
    ("delimiter", "char"), [("BACKQUOTE", "`"), ("CARET", "^"), ("PIPE", "|"), ("SEMICOLON", ";"), ("TAB", "\t")]
)
async def test_every_delimiter_and_line_ending_is_read_and_written(
    api: httpx.AsyncClient, delimiter: str, char: str
) -> None:
    """Results come in the job's own dialect."""
    body = {"columnDelimiter": delimiter, "lineEnding": "CRLF"}
    text = f"\ufeffName{char}Phone\r\nA,{char}1\r\n"
    job, _ = await _load(api, text, **body)
    done = await api.get(f"{INGEST}/{job['id']}/successfulResults/")
    assert done.text.startswith(f'"sf__Id"{char}"sf__Created"{char}"Name"{char}"Phone"\r\n')
    assert done.text.endswith(f'{char}"A,"{char}"1"\r\n')


async def test_a_job_is_uploaded_once_and_only_while_open(api: httpx.AsyncClient) -> None:
    """A second upload, results of an open job, deleting it, and closing twice are INVALIDJOBSTATE."""
    job = await _open(api)
    url = f"{INGEST}/{job}"
    assert _refusal(await api.get(f"{url}/failedResults")) == (400, "INVALIDJOBSTATE")
    assert _refusal(await api.delete(url)) == (400, "INVALIDJOBSTATE")
    wrong = await api.put(f"{url}/batches", content="Name\nA\n", headers={"Content-Type": "application/json"})
    assert _refusal(wrong) == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert (await _put(api, job, "Name\nA\n")).status_code == 201
    assert _refusal(await _put(api, job, "Name\nB\n")) == (400, "INVALIDJOBSTATE")
    assert (await api.patch(url, json={"state": "Aborted"})).json()["state"] == "Aborted"
    assert _refusal(await api.patch(url, json={"state": "UploadComplete"})) == (400, "INVALIDJOBSTATE")
    assert (await api.get(f"{url}/unprocessedrecords")).text.splitlines()[-1] == '"A"'
    assert [found["id"] for found in (await api.get(INGEST)).json()["records"]] == [job]
    assert (await api.delete(url)).status_code == 204
    assert _refusal(await api.get(url)) == (404, "NOT_FOUND")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"object": "Account", "operation": "merge"}, "INVALIDJOB"),
        ({"object": "Nope", "operation": "insert"}, "INVALIDENTITY"),
        ({"object": "OpportunityStage", "operation": "insert"}, "INVALIDENTITY"),
        ({"object": "Account", "operation": "upsert"}, "INVALIDJOB"),
        ({"object": "Account", "operation": "insert", "lineEnding": "CR"}, "INVALIDJOB"),
        ({"operation": "query", "query": "SELECT Nope FROM Account"}, "INVALID_FIELD"),
        ({"operation": "query", "query": "SELECT COUNT() FROM Account"}, "API_ERROR"),
        ({"operation": "query", "query": "SELECT Id, (SELECT Id FROM Contacts) FROM Account"}, "API_ERROR"),
        ({"operation": "query", "query": "SELECT Id FROM LeadStatus"}, "INVALIDENTITY"),
        ({"operation": "query"}, "INVALIDJOB"),
    ],
)
async def test_jobs_that_cannot_be_are_refused(api: httpx.AsyncClient, body: dict[str, str], code: str) -> None:
    """Unknown operations, objects and queries that have no table form are refused when the job is made."""
    url = QUERY if body["operation"] == "query" else INGEST
    assert _refusal(await api.post(url, json=body)) == (400, code)


async def test_a_query_is_read_page_by_page(api: httpx.AsyncClient) -> None:
    """Locators lead through the frozen result; the last page says `null`; parents, numbers and instants are text."""
    await api.post("/__sandbox/seed", json={"account": "acme", "size": 5, "seed": 1})
    text = "SELECT id, account.name, Email, CreatedDate, DoNotCall, Account.AnnualRevenue FROM Contact ORDER BY Email"
    made = await api.post(QUERY, json={"operation": "query", "query": text})
    assert (made.json()["state"], made.json()["object"]) == ("UploadComplete", "Contact")
    url = f"{QUERY}/{made.json()['id']}"
    done = await _ended(api, url)
    assert (done["state"], done["numberRecordsProcessed"]) == ("JobComplete", 5)
    await api.post(f"{DATA}/sobjects/Contact", json={"LastName": "Later", "Email": "a@a.example"})
    rows: list[dict[str, str]] = []
    locator, pages = "", []
    while locator != "null":
        answer = await api.get(f"{url}/results", params={"maxRecords": 2, **({"locator": locator} if locator else {})})
        rows += csv.DictReader(io.StringIO(answer.text))
        locator = answer.headers["Sforce-Locator"]
        pages.append(answer.headers["Sforce-NumberOfRecords"])
    assert pages == ["2", "2", "1"]
    assert list(rows[0]) == ["Id", "Account.Name", "Email", "CreatedDate", "DoNotCall", "Account.AnnualRevenue"]
    assert [row["Email"] for row in rows] == sorted(row["Email"] for row in rows)
    assert rows[0]["CreatedDate"].endswith(".000Z")
    assert (rows[0]["DoNotCall"], rows[0]["Account.AnnualRevenue"]) == ("false", "")
    assert _refusal(await api.get(f"{url}/results", params={"locator": "%"})) == (400, "INVALID_QUERY_LOCATOR")
    assert (await api.get(DATA + "/limits")).json()["DailyBulkV2QueryJobs"] == {"Max": 10_000, "Remaining": 9_999}
    assert (await api.delete(url)).status_code == 204


async def test_results_are_kept_for_seven_days(api: httpx.AsyncClient, clock: Any) -> None:
    """A week after its creation a job is gone."""
    await api.post("/__sandbox/settings", json={"account": "acme", "settings": {"session_seconds": 10**7}})
    known = (await api.get("/__sandbox/credentials", params={"account": "acme"})).json()
    api.headers["Authorization"] = f"Bearer {known['access_token']}"
    made = await api.post(QUERY, json={"operation": "query", "query": "SELECT Id FROM Account"})
    url = f"{QUERY}/{made.json()['id']}"
    assert (await _ended(api, url))["state"] == "JobComplete"
    clock.instant += timedelta(days=7)
    assert _refusal(await api.get(url)) == (404, "NOT_FOUND")


async def test_a_restart_goes_on_with_a_job(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that were written before the stop are not written again, the rest is."""
    done: list[int] = []
    ended = asyncio.Event()
    chunk = Worker._chunk

    def killed(worker: Worker, account: str, base: SObject, job: Job, rows: Sequence[Sequence[str]]) -> Job:
        if done:
            ended.set()
            raise asyncio.CancelledError
        done.append(len(rows))
        return chunk(worker, account, base, job, rows)

    monkeypatch.setattr(Worker, "_chunk", killed)
    first = await start({"salesforce": (0, build)})
    http = await _client(first)
    job = await _open(http)
    await _put(http, job, "Name\n" + "".join(f"N{n}\n" for n in range(450)))
    await http.patch(f"{INGEST}/{job}", json={"state": "UploadComplete"})
    await ended.wait()
    await http.aclose()
    await first.aclose()
    monkeypatch.undo()
    again = await _client(await start({"salesforce": (0, build)}))
    told = await _ended(again, f"{INGEST}/{job}")
    assert (done, told["numberRecordsProcessed"], await _accounts(again)) == ([200], 450, 450)
    await again.aclose()
