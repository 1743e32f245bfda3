"""Bulk API 2.0 query jobs: large sets of records for a handful of calls (Bulk API 2.0 and Bulk API Developer Guide)."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from connectors.errors import RejectedError, RetryableError
from connectors.salesforce.client import Record, SalesforceClient

PAGE = 2000
"""Records of one page: what fits well into one commit."""
NUMBERS = frozenset({"double", "currency", "percent"})
ENDED = frozenset({"Failed", "Aborted"})


@dataclass(frozen=True, slots=True)
class Results:
    """One page; `locator` of the next, `""` at the end."""

    records: Sequence[Record]
    locator: str


class JobLostError(RetryableError):
    """The job failed, was aborted, or is kept no longer: another one is needed."""


class Bulk:
    """Query jobs of one org."""

    def __init__(self, client: SalesforceClient) -> None:
        self._client = client
        self._types: dict[str, Mapping[str, str]] = {}

    async def begin(self, soql: str) -> str:
        """Create a query job and return its id.

        Raises:
            RejectedError: the object, or a field, cannot be had by bulk.
            ConnectorError: it was not created, as far as is known.
        """
        job = await self._client.post("jobs/query", {"operation": "query", "query": soql})
        return str(job["id"])

    async def done(self, job: str) -> bool:
        """Tell whether a job's results can be read.

        Raises:
            JobLostError: they never will be.
        """
        try:
            info = await self._client.get(f"jobs/query/{job}")
        except RejectedError as error:
            raise JobLostError(f"bulk job {job} is gone ({error})", code=error.code) from error
        if info["state"] in ENDED:
            raise JobLostError(f"bulk job {job} ended {info['state']}: {info.get('errorMessage') or 'no reason given'}")
        return bool(info["state"] == "JobComplete")

    async def results(self, job: str, locator: str, object_type: str) -> Results:
        """Return a page of a job's results, from a locator, `""` for the first; the records as REST would have them.

        Raises:
            JobLostError: the results are kept no longer.
        """
        types = await self._types_of(object_type)
        params = {"maxRecords": str(PAGE), **({"locator": locator} if locator else {})}
        try:
            response = await self._client.text(f"jobs/query/{job}/results", params, "text/csv")
        except RejectedError as error:
            raise JobLostError(f"the results of bulk job {job} are gone ({error})", code=error.code) from error
        following = response.headers.get("sforce-locator", "null")
        records = list(_records(response.content.decode("utf-8-sig"), object_type, types))
        return Results(records, "" if following == "null" else following)

    async def _types_of(self, object_type: str) -> Mapping[str, str]:
        if object_type not in self._types:
            described = await self._client.get(f"sobjects/{object_type}/describe")
            self._types[object_type] = {field["name"]: field["type"] for field in described["fields"]}
        return self._types[object_type]


def _records(text: str, object_type: str, types: Mapping[str, str]) -> Iterator[Record]:
    for row in csv.DictReader(io.StringIO(text, newline="")):
        values = {name: _value(value, types.get(name, "string")) for name, value in row.items()}
        yield {"attributes": {"type": object_type}, **values}


def _value(text: str, kind: str) -> Any:
    """Return a value as JSON has it: CSV knows no types, an empty text is null, and instants end in Z."""
    if text == "":
        return None
    if kind == "boolean":
        return text == "true"
    if kind == "int":
        return int(Decimal(text))
    if kind in NUMBERS:
        return Decimal(text)
    if kind == "datetime" and text.endswith("Z"):
        return f"{text[:-1]}+0000"
    return text
