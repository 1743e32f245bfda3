"""The GraphQL endpoint: who may call, errors, points, versions, paging, searching."""

from typing import Any

import pytest

from tests.unit.sandbox.shopify.conftest import Merchant

CREATE = "mutation($i: CustomerInput!) { customerCreate(input: $i) { customer { id } userErrors { field message } } }"
SHOP = "{ shop { name } }"


async def test_only_a_token_of_the_shop_lets_in(merchant: Merchant) -> None:
    """No token, a wrong one, and one at another shop's host get 401; the host or the token tell the shop."""
    address = "/admin/api/2026-10/graphql.json"
    assert (await merchant.http.post(address, json={"query": SHOP})).status_code == 401
    assert (await merchant.post("graphql.json", {"query": SHOP}, token="wrong")).status_code == 401
    other = (await merchant.http.get("/__sandbox/credentials", params={"account": "Other_Shop"})).json()
    for host, status in (("default.myshopify.com", 200), (other["shop"], 401), ("default.localhost:8106", 200)):
        headers = {"X-Shopify-Access-Token": merchant.credentials["access_token"], "Host": host}
        assert (await merchant.http.post(address, json={"query": SHOP}, headers=headers)).status_code == status, host
    assert other["shop"].startswith("other-shop-")


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"query": "{ shop { nmae } }"}, 200, "undefinedField"),
        ({"query": "{ shop { "}, 200, "Syntax Error"),
        ({"query": "query($id: ID!) { order(id: $id) { id } }"}, 200, "id"),
        ({"query": '{ order(id: "nonsense") { id } }'}, 200, "Invalid global id"),
        ({"query": "{ orders { nodes { id } } }"}, 200, "first or last"),
        ({"query": "{ orders(first: 251) { nodes { id } } }"}, 200, "250"),
        ({"query": '{ orders(first: 1, after: "x") { nodes { id } } }'}, 200, "Invalid cursor"),
        ({"query": '{ orders(first: 1, query: "colour:red") { nodes { id } } }'}, 200, "cannot be searched"),
        ({"query": '{ orders(first: 1, query: "a OR b") { nodes { id } } }'}, 200, "not served"),
        ({}, 400, "query"),
    ],
)
async def test_malformed_documents_fail_as_errors(
    merchant: Merchant, body: dict[str, Any], status: int, said: str
) -> None:
    """Errors of the document come with HTTP 200 at the top, and say what is wrong."""
    response = await merchant.post("graphql.json", body)
    assert response.status_code == status
    assert said in response.text
    assert "errors" in response.json()


async def test_cost_is_reserved_and_what_was_not_used_comes_back(merchant: Merchant) -> None:
    """Objects cost one, connections two and their size; the bucket loses only what was really answered."""
    await merchant.customer(email="ada@example.com")
    before = await merchant.answer(SHOP)
    answer = await merchant.answer("{ customers(first: 50) { nodes { id defaultEmailAddress { emailAddress } } } }")
    cost = answer["extensions"]["cost"]
    assert (cost["requestedQueryCost"], cost["actualQueryCost"]) == (2 + 50 * 2, 2 + 2)
    left = before["extensions"]["cost"]["throttleStatus"]["currentlyAvailable"]
    assert cost["throttleStatus"] == {"maximumAvailable": 2000, "currentlyAvailable": left - 4, "restoreRate": 100}


async def test_mutations_cost_ten(merchant: Merchant) -> None:
    """And what they answer with."""
    cost = (await merchant.answer(CREATE, i={"email": "ada@example.com"}))["extensions"]["cost"]
    assert cost["actualQueryCost"] == 11


async def test_an_empty_bucket_throttles_until_it_fills_up(merchant: Merchant) -> None:
    """THROTTLED with HTTP 200 and the status; a hundred points come back every second; the meter counts it."""
    await merchant.admin("limits", {"limits": {"graphql points": 200}})
    query = "{ customers(first: 150) { nodes { id } } }"
    for _ in range(40):
        answer = await merchant.answer(query)
        if "errors" in answer:
            break
        await merchant.answer(CREATE, i={"email": "nobody"})
    assert answer["errors"][0]["extensions"]["code"] == "THROTTLED"
    assert "data" not in answer
    status = answer["extensions"]["cost"]["throttleStatus"]
    assert status["currentlyAvailable"] < answer["extensions"]["cost"]["requestedQueryCost"]
    assert (await merchant.http.get("/__sandbox/meter")).json()["over_limit"]["graphql points"] == 1
    await merchant.clock.sleep(20)
    assert "errors" not in await merchant.answer(query)


async def test_a_query_too_dear_never_runs(merchant: Merchant) -> None:
    """More than 1,000 points are refused whatever the bucket holds, with both figures."""
    answer = await merchant.answer("{ orders(first: 100) { nodes { lineItems(first: 50) { nodes { id } } } } }")
    assert answer["errors"][0]["extensions"] | {"documentation": ""} == {
        "code": "MAX_COST_EXCEEDED",
        "cost": 2 + 100 * (1 + 2 + 50),
        "maxCost": 1000,
        "documentation": "",
    }


@pytest.mark.parametrize(
    ("asked", "answered"),
    [("2026-10", "2026-10"), ("2024-10", "2025-10"), ("unstable", "unstable"), ("2027-01", "2027-01")],
)
async def test_old_versions_fall_forward(merchant: Merchant, asked: str, answered: str) -> None:
    """An unsupported version is answered by the oldest supported one, and the header tells."""
    response = await merchant.post("graphql.json", {"query": SHOP}, asked)
    assert (response.status_code, response.headers["x-shopify-api-version"]) == (200, answered)


@pytest.mark.parametrize("version", ["2030-01", "2026-11", "latest"])
async def test_versions_that_are_none_are_not_found(merchant: Merchant, version: str) -> None:
    """A version of the future and one that is no quarter get 404."""
    assert (await merchant.post("graphql.json", {"query": SHOP}, version)).status_code == 404


async def test_pages_follow_cursors_both_ways(merchant: Merchant) -> None:
    """`after` and `before` walk the list without gaps or repeats, whatever the order; ties go by id."""
    for number in range(7):
        await merchant.customer(email=f"c{number}@example.com")
        if number % 2:
            await merchant.clock.sleep(60)
    for arguments in ("sortKey: UPDATED_AT", "sortKey: ID, reverse: true", "sortKey: CREATED_AT, reverse: true"):
        found: list[str] = []
        after: str | None = None
        while True:
            page = await merchant.ask(
                f"query($a: String) {{ customers(first: 3, after: $a, {arguments}) {{ "
                "edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage endCursor } } }",
                a=after,
            )
            found += [edge["node"]["id"] for edge in page["edges"]]
            assert page["pageInfo"]["hasPreviousPage"] is (after is not None)
            after = page["pageInfo"]["endCursor"]
            if not page["pageInfo"]["hasNextPage"]:
                break
        assert len(found) == len(set(found)) == 7
        assert found == sorted(found, reverse="reverse" in arguments)
        back = await merchant.ask(
            f"query($b: String) {{ customers(last: 2, before: $b, {arguments}) {{ nodes {{ id }} }} }}", b=after
        )
        assert [node["id"] for node in back["nodes"]] == found[4:6]


async def test_searching_by_time_and_state(merchant: Merchant) -> None:
    """Windows of `updated_at` and `created_at`, ids and states; terms are joined by AND or a blank."""
    price = {"shopMoney": {"amount": "5", "currencyCode": "USD"}}
    first = await merchant.order(lineItems=[{"title": "A", "quantity": 1, "priceSet": price}])
    await merchant.clock.sleep(60)
    second = await merchant.order(lineItems=[{"title": "B", "quantity": 1}], financialStatus="PAID")
    await merchant.ask("mutation($i: ID!) { orderClose(input: {id: $i}) { userErrors { message } } }", i=second["id"])
    everything = [first["id"], second["id"]]
    for search, expected in {
        "": everything,
        "updated_at:>='2026-03-01T12:00:30Z'": everything[1:],
        "updated_at:<'2026-03-01T12:00:30Z' AND created_at:>=2026-03-01": everything[:1],
        "created_at:>'2026-03-01T13:00:30+01:00' status:any": everything[1:],
        "status:closed": everything[1:],
        "financial_status:pending": everything[:1],
        f"id:>{first['id'].rpartition('/')[2]}": everything[1:],
    }.items():
        query = "query($q: String) { orders(first: 5, sortKey: ID, query: $q) { nodes { id } } }"
        assert [node["id"] for node in (await merchant.ask(query, q=search))["nodes"]] == expected, search


async def test_user_errors_write_nothing(merchant: Merchant) -> None:
    """What the content is refused for comes as userErrors in a good answer; nothing is stored or counted."""
    await merchant.customer(email="ada@example.com")
    for given, field in (({"email": "ADA@example.com"}, ["email"]), ({"email": "x"}, ["email"]), ({}, None)):
        [error] = (await merchant.ask(CREATE, i=given))["userErrors"]
        assert error["field"] == field
    assert len(await merchant.records("Customer")) == 1
    assert (await merchant.http.get("/__sandbox/meter")).json()["writes"] == {"Customer": 1}


async def test_nodes_by_global_id(merchant: Merchant) -> None:
    """`node` and `nodes` find any type; unknown numbers are null; a legacy id is the number alone."""
    customer = await merchant.customer(email="ada@example.com")
    number = customer["id"].rpartition("/")[2]
    query = "query($i: [ID!]!) { nodes(ids: $i) { __typename ... on Customer { id legacyResourceId email } } }"
    found = await merchant.ask(query, i=[customer["id"], "gid://shopify/Order/1"])
    assert found == [
        {"__typename": "Customer", "id": customer["id"], "legacyResourceId": number, "email": "ada@example.com"},
        None,
    ]


async def test_the_meter_names_what_was_asked_for(merchant: Merchant) -> None:
    """Calls are counted by kind and fields, faults answer in Shopify's own words."""
    await merchant.ask(SHOP)
    await merchant.customer(email="ada@example.com")
    calls = (await merchant.http.get("/__sandbox/meter")).json()["calls"]
    assert (calls["query shop"], calls["mutation customerCreate"]) == (1, 1)
    await merchant.admin("faults", {"kind": "throttle", "count": 2})
    assert (await merchant.answer(SHOP))["errors"][0]["extensions"]["code"] == "THROTTLED"
    assert (await merchant.rest("GET", "shop.json")).status_code == 429
