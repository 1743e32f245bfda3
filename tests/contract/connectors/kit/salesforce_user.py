"""Somebody who works in a Salesforce org, through REST and, where REST has nothing, SOAP."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from xml.sax.saxutils import escape

import httpx

from tests.contract.connectors.kit.company import Company

DATA = "/services/data/v67.0"
AT_ONCE = 200
GONE = "ENTITY_IS_DELETED"
ENVELOPE = (
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns="urn:partner.soap.sforce.com">'
    "<soapenv:Header><SessionHeader><sessionId>{session}</sessionId></SessionHeader></soapenv:Header>"
    "<soapenv:Body>{call}</soapenv:Body></soapenv:Envelope>"
)


class User:
    """One session; `aclose` ends it."""

    def __init__(self, company: Company) -> None:
        self._session = str(company.credentials["access_token"])
        self._client = httpx.AsyncClient(
            base_url=company.admin.base_url,
            headers={"Authorization": f"Bearer {self._session}"},
            trust_env=False,
            timeout=60,
        )

    async def create(self, object_type: str, **fields: Any) -> str:
        """Create a record and return its id."""
        answer = await self._client.post(f"{DATA}/sobjects/{object_type}", json=fields)
        assert answer.is_success, answer.text
        return str(answer.json()["id"])

    async def create_many(self, object_type: str, records: list[dict[str, Any]]) -> list[str]:
        """Create records, 200 a call, and return their ids."""
        return await self._collection("POST", object_type, records)

    async def until_past(self, object_type: str, count: int) -> None:
        """Ask until so many records were changed before the second under way, as a backfill looks at them."""
        async with asyncio.timeout(30):
            while True:
                now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
                soql = f"SELECT COUNT() FROM {object_type} WHERE SystemModstamp < {now}"  # noqa: S608
                answer = await self._client.get(f"{DATA}/query", params={"q": soql})
                if answer.json()["totalSize"] == count:
                    return

    async def update_many(self, object_type: str, records: list[dict[str, Any]]) -> None:
        """Change records, each with its `id`, 200 a call."""
        await self._collection("PATCH", object_type, records)

    async def _collection(self, method: str, object_type: str, records: list[dict[str, Any]]) -> list[str]:
        ids: list[str] = []
        for start in range(0, len(records), AT_ONCE):
            rows = [{"attributes": {"type": object_type}, **record} for record in records[start : start + AT_ONCE]]
            body = {"allOrNone": True, "records": rows}
            answer = await self._client.request(method, f"{DATA}/composite/sobjects", json=body)
            assert all(row["success"] for row in answer.json()), answer.text
            ids += [row["id"] for row in answer.json()]
        return ids

    async def update(self, object_type: str, record_id: str, **fields: Any) -> None:
        """Change a record; one that was deleted with its account is let be."""
        answer = await self._client.patch(f"{DATA}/sobjects/{object_type}/{record_id}", json=fields)
        assert answer.is_success or GONE in answer.text, answer.text

    async def delete(self, object_type: str, record_id: str) -> None:
        """Move a record to the recycle bin, unless it is there."""
        answer = await self._client.delete(f"{DATA}/sobjects/{object_type}/{record_id}")
        assert answer.is_success or GONE in answer.text, answer.text

    async def undelete(self, record_id: str) -> None:
        """Take a record out of the recycle bin."""
        await self._soap(f"<undelete><ids>{record_id}</ids></undelete>")

    async def purge(self, record_id: str) -> None:
        """Delete a record from the recycle bin as well."""
        await self._soap(f"<emptyRecycleBin><ids>{record_id}</ids></emptyRecycleBin>")

    async def merge(self, object_type: str, master: str, loser: str) -> None:
        """Merge a record into another."""
        kept = f"<masterRecord><type>{object_type}</type><Id>{master}</Id></masterRecord>"
        await self._soap(f"<merge><request>{kept}<recordToMergeIds>{loser}</recordToMergeIds></request></merge>")

    async def convert(self, lead: str) -> dict[str, str]:
        """Convert a lead and return the ids of what it became."""
        body = {"leadId": lead, "convertedStatus": "Closed - Converted"}
        answer = await self._client.post("/services/apexrest/convert-lead", json=body)
        assert answer.is_success, answer.text
        made: dict[str, str] = answer.json()
        return made

    async def only(self, soql: str) -> str:
        """Return the id a query finds."""
        answer = await self._client.get(f"{DATA}/query", params={"q": soql})
        return str(answer.json()["records"][0]["Id"])

    async def drop_jobs(self) -> int:
        """Delete all query jobs with their results, as the service does after seven days; return how many."""
        jobs = (await self._client.get(f"{DATA}/jobs/query")).json()["records"]
        for job in jobs:
            assert (await self._client.delete(f"{DATA}/jobs/query/{job['id']}")).is_success
        return len(jobs)

    async def aclose(self) -> None:
        """End the session."""
        await self._client.aclose()

    async def _soap(self, call: str) -> None:
        content = ENVELOPE.format(session=escape(self._session), call=call)
        headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '""'}
        answer = await self._client.post("/services/Soap/u/67.0", content=content, headers=headers)
        assert answer.is_success, answer.text
        assert "<success>true</success>" in answer.text, answer.text
