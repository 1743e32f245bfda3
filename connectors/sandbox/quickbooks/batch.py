"""Batch: up to 30 operations in one call, each with its own outcome."""

from typing import Any

from connectors.sandbox.quickbooks.cdc import changes
from connectors.sandbox.quickbooks.company import Company
from connectors.sandbox.quickbooks.fault import QboError, missing
from connectors.sandbox.quickbooks.kinds import KINDS
from connectors.sandbox.quickbooks.select import run
from connectors.sandbox.quickbooks.writes import write

MOST = 30
MOST_ID = 10


def run_batch(company: Company, body: Any, *, short_ids: bool) -> list[dict[str, Any]]:
    """Carry out the items one after the other; a refused one leaves the others be.

    With a `requestid` (`short_ids`) each bId has at most 10 characters. Unlike Intuit's, an item here sees the
    results of those before it.
    """
    items = body.get("BatchItemRequest") if isinstance(body, dict) else None
    if not items:
        raise QboError("2010", "MalformedRequest: Batch Request is Empty")
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise QboError("2010", "MalformedRequest: BatchItemRequest must be a list of objects", "BatchItemRequest")
    if len(items) > MOST:
        raise QboError("1040", f"The batch has {len(items)} items. Max allowed is {MOST}")
    answers = []
    for item in items:
        id_ = item.get("bId")
        answer = {} if id_ is None else {"bId": id_}
        written = len(company.changes)
        company.ctx.database.execute("SAVEPOINT item")
        try:
            if short_ids and len(str(id_ or "")) > MOST_ID:
                raise QboError("2130", f"bId has more than {MOST_ID} characters", "bId")  # noqa: TRY301 - an item's own
            answer |= _item(company, item)
        except QboError as error:
            company.ctx.database.execute("ROLLBACK TO item")
            del company.changes[written:]
            answer["Fault"] = error.fault()
        company.ctx.database.execute("RELEASE item")
        answers.append(answer)
    return answers


def _item(company: Company, item: dict[str, Any]) -> dict[str, Any]:
    if "Query" in item:
        return {"QueryResponse": run(company, str(item["Query"]))}
    if "CDCQuery" in item:
        wanted = item["CDCQuery"]
        return {"CDCResponse": [changes(company, wanted.get("Entities"), wanted.get("ChangedSince"))]}
    for name, kind in KINDS.items():
        if name in item:
            include = str(item.get("optionsData", ""))
            return {name: write(company, kind, item[name], item.get("operation"), include)}
    raise missing("operation")
