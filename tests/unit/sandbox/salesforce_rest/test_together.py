"""Several writes in one request: collections, composite, batch, graph and tree."""

from typing import Any

import httpx

from tests.unit.sandbox.kit.salesforce import DATA, query, refusal_of


async def test_collections_answer_row_by_row(api: httpx.AsyncClient) -> None:
    """A failed row leaves the others unless allOrNone; codes are called statusCode; 201 rows are too many."""
    rows = [{"attributes": {"type": "Account"}, "Name": "A"}, {"attributes": {"type": "Account"}}]
    answer = await api.post(f"{DATA}/composite/sobjects", json={"allOrNone": True, "records": rows})
    codes = [row["errors"][0]["statusCode"] for row in answer.json()]
    assert (answer.status_code, codes) == (200, ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "REQUIRED_FIELD_MISSING"])
    assert await query(api, "SELECT Id FROM Account") == []
    answer = await api.post(f"{DATA}/composite/sobjects", json={"allOrNone": False, "records": rows})
    assert [row["success"] for row in answer.json()] == [True, False]
    made = answer.json()[0]["id"]
    change = [{"attributes": {"type": "Account"}, "id": made, "Name": "B"}]
    assert (await api.patch(f"{DATA}/composite/sobjects", json={"records": change})).json()[0]["id"] == made
    upsert = [{"Sluiceway_Id__c": "x", "Name": "X"}, {"Sluiceway_Id__c": "x", "Name": "Y"}]
    answer = await api.patch(f"{DATA}/composite/sobjects/Account/Sluiceway_Id__c", json={"records": upsert})
    assert [row["created"] for row in answer.json()] == [True, False]
    answer = await api.delete(f"{DATA}/composite/sobjects", params={"ids": f"{made},001000000000001AAA"})
    assert [row["success"] for row in answer.json()] == [True, False]
    answer = await api.post(f"{DATA}/composite/sobjects", json={"records": rows * 101})
    assert refusal_of(answer) == (400, "EXCEEDED_ID_LIMIT")


def _composite(*, all_or_none: bool, last: dict[str, Any]) -> dict[str, Any]:
    first = {"method": "POST", "url": f"{DATA}/sobjects/Account", "referenceId": "acct", "body": {"Name": "A"}}
    contact: dict[str, Any] = {"method": "POST", "url": f"{DATA}/sobjects/Contact", "referenceId": "person"}
    contact |= {"body": {"LastName": "L", "AccountId": "@{acct.id}"}}
    return {"allOrNone": all_or_none, "compositeRequest": [first, contact, {"referenceId": "last", **last}]}


async def test_composite_calls_refer_to_each_other(api: httpx.AsyncClient) -> None:
    """A later call uses an earlier one's id, and a query in it sees what came before."""
    query = {"method": "GET", "url": f"{DATA}/query?q=SELECT+Account.Name+FROM+Contact+WHERE+Id='@{{person.id}}'"}
    answer = await api.post(f"{DATA}/composite", json=_composite(all_or_none=True, last=query))
    parts = answer.json()["compositeResponse"]
    assert [part["httpStatusCode"] for part in parts] == [201, 201, 200]
    assert parts[2]["body"]["records"][0]["Account"]["Name"] == "A"
    assert (await api.get(f"{DATA}/limits")).headers["Sforce-Limit-Info"] == "api-usage=2/100000"


async def test_a_composite_is_undone_as_a_whole_when_asked(api: httpx.AsyncClient) -> None:
    """With allOrNone a failure undoes its siblings, without it they stay; a dead reference halts its call."""
    bad = {"method": "POST", "url": f"{DATA}/sobjects/Account", "body": {}}
    answer = await api.post(f"{DATA}/composite", json=_composite(all_or_none=True, last=bad))
    codes = [part["body"][0]["errorCode"] for part in answer.json()["compositeResponse"]]
    assert codes == ["PROCESSING_HALTED", "PROCESSING_HALTED", "REQUIRED_FIELD_MISSING"]
    assert await query(api, "SELECT Id FROM Contact") == []
    dead = {"method": "GET", "url": f"{DATA}/sobjects/Account/@{{nobody.id}}"}
    answer = await api.post(f"{DATA}/composite", json=_composite(all_or_none=False, last=dead))
    assert answer.json()["compositeResponse"][2]["body"][0]["errorCode"] == "PROCESSING_HALTED"
    assert len(await query(api, "SELECT Id FROM Contact")) == 1


def _branch(reference: str, contacts: list[dict[str, Any]]) -> dict[str, Any]:
    children = [
        {"attributes": {"type": "Contact", "referenceId": f"{reference}-{number}"}, **contact}
        for number, contact in enumerate(contacts)
    ]
    row = {"attributes": {"type": "Account", "referenceId": reference}, "Name": reference}
    return {**row, "Contacts": {"records": children}}


async def test_a_tree_is_made_whole_or_not_at_all(api: httpx.AsyncClient) -> None:
    """Children refer to their parent; one bad leaf is named by its reference and nothing is made."""
    bad = await api.post(f"{DATA}/composite/tree/Account", json={"records": [_branch("a", [{"LastName": "L"}, {}])]})
    assert (bad.status_code, bad.json()["hasErrors"]) == (400, True)
    assert [row["referenceId"] for row in bad.json()["results"]] == ["a-1"]
    assert await query(api, "SELECT Id FROM Account") == []
    good = await api.post(f"{DATA}/composite/tree/Account", json={"records": [_branch("a", [{"LastName": "L"}])]})
    assert [row["referenceId"] for row in good.json()["results"]] == ["a", "a-0"]
    assert (await query(api, "SELECT Account.Name FROM Contact"))[0]["Account"]["Name"] == "a"
    twice = {"records": [_branch("a", []), _branch("a", [])]}
    assert refusal_of(await api.post(f"{DATA}/composite/tree/Account", json=twice)) == (400, "INVALID_INPUT")


async def test_a_batch_has_no_common_fate(api: httpx.AsyncClient) -> None:
    """Each call stands alone unless the client halts on an error; one API call in all for the daily limit."""
    parts = [
        {"method": "POST", "url": "v67.0/sobjects/Account", "richInput": {}},
        {"method": "POST", "url": "v67.0/sobjects/Account", "richInput": {"Name": "A"}},
        {"method": "GET", "url": "v67.0/query?q=SELECT+COUNT()+FROM+Account"},
    ]
    answer = (await api.post(f"{DATA}/composite/batch", json={"batchRequests": parts})).json()
    assert (answer["hasErrors"], [row["statusCode"] for row in answer["results"]]) == (True, [400, 201, 200])
    assert answer["results"][2]["result"]["totalSize"] == 1
    halted = (await api.post(f"{DATA}/composite/batch", json={"batchRequests": parts, "haltOnError": True})).json()
    assert [row["statusCode"] for row in halted["results"]] == [400, 412, 412]


async def test_each_graph_is_atomic(api: httpx.AsyncClient) -> None:
    """A failed graph leaves nothing, its neighbour everything; nodes refer to one another."""
    url = f"{DATA}/sobjects"
    nodes = [
        {"method": "POST", "url": f"{url}/Account", "referenceId": "a", "body": {"Name": "A"}},
        {
            "method": "POST",
            "url": f"{url}/Contact",
            "referenceId": "c",
            "body": {"LastName": "L", "AccountId": "@{a.id}"},
        },
    ]
    bad = [nodes[0], {**nodes[1], "body": {}}]
    graphs = [{"graphId": "1", "compositeRequest": nodes}, {"graphId": "2", "compositeRequest": bad}]
    answer = (await api.post(f"{DATA}/composite/graph", json={"graphs": graphs})).json()["graphs"]
    assert [(found["graphId"], found["isSuccessful"]) for found in answer] == [("1", True), ("2", False)]
    assert len(await query(api, "SELECT Id FROM Account")) == 1
