"""Beside GraphQL: bulk operations, webhooks, OAuth, the REST Admin API."""

import asyncio
import base64
import hashlib
import hmac
import json
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest

from tests.unit.sandbox.shopify.conftest import Merchant, Receiver

BULK = """mutation($q: String!, $g: Boolean) { bulkOperationRunQuery(query: $q, groupObjects: $g) {
    bulkOperation { id status } userErrors { field message code } } }"""
NESTED = "{ customers { edges { node { id email orders { edges { node { id name } } } } } } }"
SUBSCRIBE = """mutation($t: WebhookSubscriptionTopic!, $w: WebhookSubscriptionInput!) {
    webhookSubscriptionCreate(topic: $t, webhookSubscription: $w) {
        webhookSubscription { id topic uri } userErrors { message } } }"""


async def finished(merchant: Merchant) -> dict[str, Any]:
    """Return the latest operation once it is done."""
    query = "{ currentBulkOperation { id status url objectCount rootObjectCount fileSize } }"
    while True:
        found: dict[str, Any] = await merchant.ask(query)
        if found["status"] not in {"CREATED", "RUNNING"}:
            return found
        await asyncio.sleep(0)


@pytest.fixture
async def buyers(merchant: Merchant) -> Merchant:
    """Three customers, of whom the first two have an order."""
    for number in range(3):
        customer = await merchant.customer(email=f"c{number}@example.com")
        if number < 2:
            attributes = {"toAssociate": {"id": customer["id"]}}
            await merchant.order(customer=attributes, lineItems=[{"title": "A", "quantity": 1}])
    return merchant


@pytest.mark.parametrize(("grouped", "order"), [(True, "CoCoC"), (False, "CCCoo"), (None, "CCCoo")])
async def test_a_bulk_operation_writes_lines(buyers: Merchant, grouped: bool | None, order: str) -> None:
    """One object a line, children with `__parentId`, behind their parent only if asked for; parts can be had."""
    begun = await buyers.ask(BULK, q=NESTED, g=grouped)
    assert begun["bulkOperation"]["status"] == "CREATED"
    done = await finished(buyers)
    assert (done["status"], done["objectCount"], done["rootObjectCount"]) == ("COMPLETED", "5", "3")
    content = (await buyers.http.get(done["url"])).content
    lines = [json.loads(line) for line in content.splitlines()]
    assert "".join("o" if "__parentId" in line else "C" for line in lines) == order
    assert {line["__parentId"] for line in lines if "__parentId" in line} <= {line["id"] for line in lines}
    part = await buyers.http.get(done["url"], headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content, len(content)) == (206, content[10:20], int(done["fileSize"]))
    assert (await buyers.http.get(done["url"], headers={"Range": f"bytes={len(content)}-"})).status_code == 416
    assert (await buyers.http.get(f"{done['url']}x")).status_code == 404


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("{ shop { name } }", "at least one connection"),
        ("{ customers { edges { node { nonsense } } } }", "nonsense"),
        ("{ customers { nodes { id } } orders { nodes { id } } }", "single top-level field"),
        ("mutation { orderClose(input: {id: 1}) { order { id } } }", "single query operation"),
        ("{ customers { nodes { orders { nodes { lineItems { nodes { id } } } } } } }", ""),
    ],
)
async def test_what_cannot_run_in_bulk_is_refused(merchant: Merchant, query: str, said: str) -> None:
    """A user error names the rule; two levels of nesting are allowed."""
    errors = (await merchant.ask(BULK, q=query, g=True))["userErrors"]
    assert [said in error["message"] for error in errors] == ([True] if said else [])


@pytest.mark.parametrize(
    ("version", "most", "code"), [("2026-10", 5, "LIMIT_REACHED"), ("2025-10", 1, "OPERATION_IN_PROGRESS")]
)
async def test_operations_at_once(merchant: Merchant, version: str, most: int, code: str) -> None:
    """Five may run at once, one before 2026-01; one that is done cannot be cancelled."""
    run = f'bulkOperationRunQuery(query: "{NESTED}") {{ bulkOperation {{ id }} userErrors {{ code }} }}'
    answer = await merchant.answer(f"mutation {{ {' '.join(f'm{number}: {run}' for number in range(6))} }}", version)
    begun = list(answer["data"].values())
    assert [each["userErrors"] for each in begun] == [[]] * most + [[{"code": code}]] * (6 - most)
    await finished(merchant)
    cancel = "mutation($i: ID!) { bulkOperationCancel(id: $i) { bulkOperation { status } userErrors { message } } }"
    assert (await merchant.ask(cancel, i=begun[most - 1]["bulkOperation"]["id"]))["userErrors"]


async def test_a_delivery_is_signed_and_says_what_it_is(merchant: Merchant, receiver: Receiver) -> None:
    """Topic, shop, version, ids and time in the headers; HMAC of the raw body under the client secret; REST's shape."""
    made = await merchant.ask(SUBSCRIBE, t="CUSTOMERS_CREATE", w={"uri": receiver.url})
    assert made["webhookSubscription"]["topic"] == "CUSTOMERS_CREATE"
    await merchant.admin("webhooks", {"url": receiver.url})
    await merchant.customer(email="ada@example.com", tags=["b", "a"])
    (headers, body), (other, _) = [await receiver.got.get() for _ in range(2)]
    secret = merchant.credentials["client_secret"].encode()
    assert headers["x-shopify-hmac-sha256"] == base64.b64encode(hmac.digest(secret, body, hashlib.sha256)).decode()
    assert headers["x-shopify-topic"] == "customers/create"
    assert headers["x-shopify-shop-domain"] == "default.myshopify.com"
    assert headers["x-shopify-api-version"] == "2026-10"
    assert headers["x-shopify-triggered-at"].startswith("2026-03-01T12:00:00.")
    assert headers["x-shopify-event-id"] == other["x-shopify-event-id"]
    assert headers["x-shopify-webhook-id"] != other["x-shopify-webhook-id"]
    sent = json.loads(body)
    assert (sent["email"], sent["tags"], sent["updated_at"]) == ("ada@example.com", "a, b", "2026-03-01T07:00:00-05:00")
    assert sent["admin_graphql_api_id"] == f"gid://shopify/Customer/{sent['id']}"


async def test_eight_failures_in_a_row_end_a_subscription(merchant: Merchant, receiver: Receiver) -> None:
    """A delivery is tried nine times with the same id and body; the subscription made by the API is deleted."""
    await merchant.ask(SUBSCRIBE, t="CUSTOMERS_CREATE", w={"uri": receiver.url})
    receiver.statuses = [500] * 9
    await merchant.customer(email="ada@example.com")
    got = [await receiver.got.get() for _ in range(8)]
    assert len({(headers["x-shopify-webhook-id"], body) for headers, body in got}) == 1
    while await merchant.records("WebhookSubscription"):  # noqa: ASYNC110  the sandbox has no event to wait for
        await asyncio.sleep(0)
    await merchant.customer(email="bob@example.com")
    assert receiver.got.qsize() <= 1


async def test_only_the_fields_and_topics_asked_for(merchant: Merchant, receiver: Receiver) -> None:
    """`include_fields` trims the body; other topics are not sent; plain http goes to this machine alone."""
    await merchant.ask(SUBSCRIBE, t="PRODUCTS_DELETE", w={"uri": receiver.url})
    await merchant.ask(SUBSCRIBE, t="CUSTOMERS_CREATE", w={"uri": receiver.url, "includeFields": ["id", "email"]})
    [taken] = (await merchant.ask(SUBSCRIBE, t="PRODUCTS_DELETE", w={"uri": receiver.url}))["userErrors"]
    assert "taken" in taken["message"]
    [error] = (await merchant.ask(SUBSCRIBE, t="ORDERS_CREATE", w={"uri": "http://example.com/"}))["userErrors"]
    assert "not supported" in error["message"]
    variant = await merchant.variant()
    await merchant.customer(email="ada@example.com")
    delete = "mutation($i: ID!) { productDelete(input: {id: $i}) { userErrors { message } } }"
    await merchant.ask(delete, i=variant["product"])
    bodies = [json.loads((await receiver.got.get())[1]) for _ in range(2)]
    assert sorted(map(len, bodies)) == [1, 2]


async def test_webhooks_come_twice_or_never_on_request(merchant: Merchant, receiver: Receiver) -> None:
    """The framework's faults strike: one delivery is doubled with its id, the next is lost."""
    await merchant.ask(SUBSCRIBE, t="CUSTOMERS_CREATE", w={"uri": receiver.url})
    await merchant.admin("faults", {"kind": "duplicate_webhook", "count": 1})
    await merchant.customer(email="ada@example.com")
    (first, body), (second, again) = [await receiver.got.get() for _ in range(2)]
    assert (first["x-shopify-webhook-id"], body) == (second["x-shopify-webhook-id"], again)
    await merchant.admin("faults", {"kind": "lost_webhook", "count": 1})
    await merchant.customer(email="lost@example.com")
    await merchant.customer(email="heard@example.com")
    assert json.loads((await receiver.got.get())[1])["email"] == "heard@example.com"


async def test_privacy_topics_and_the_end_of_an_app(merchant: Merchant, receiver: Receiver) -> None:
    """Compliance webhooks name shop, customer and orders; uninstalling tells and takes every token away."""
    await merchant.admin("webhooks", {"url": receiver.url})
    customer = await merchant.customer(email="ada@example.com")
    await receiver.got.get()
    number = int(customer["id"].rpartition("/")[2])
    for topic, fields in (
        ("customers/data_request", {"shop_id", "shop_domain", "customer", "orders_requested", "data_request"}),
        ("customers/redact", {"shop_id", "shop_domain", "customer", "orders_to_redact"}),
        ("shop/redact", {"shop_id", "shop_domain"}),
    ):
        await merchant.http.post(f"/people/privacy/{topic}", json={"customer_id": number})
        headers, body = await receiver.got.get()
        assert headers["x-shopify-topic"] == topic
        assert set(json.loads(body)) == fields
    await merchant.http.post("/people/uninstall")
    assert (await receiver.got.get())[0]["x-shopify-topic"] == "app/uninstalled"
    assert (await merchant.post("graphql.json", {"query": "{ shop { name } }"})).status_code == 401


async def token(merchant: Merchant, **form: str) -> tuple[int, dict[str, Any]]:
    """Ask the token endpoint with the app's credentials."""
    client = {name: merchant.credentials[name] for name in ("client_id", "client_secret")}
    answer = await merchant.http.post("/admin/oauth/access_token", data={**client, **form})
    return answer.status_code, answer.json()


@pytest.mark.parametrize("expiring", [False, True])
async def test_the_code_grant(merchant: Merchant, expiring: bool) -> None:
    """The redirect is signed; its code works once, for a token that lasts or one that is refreshed and rotated."""
    asked = {"client_id": merchant.credentials["client_id"], "scope": "read_orders", "state": "s t"}
    answer = await merchant.http.get(
        "/admin/oauth/authorize", params={**asked, "redirect_uri": "https://app.example/cb?a=1"}
    )
    target = urlsplit(answer.headers["location"])
    params = dict(parse_qsl(target.query))
    assert (answer.status_code, params.pop("a"), params["state"], params["shop"]) == (
        302,
        "1",
        "s t",
        "default.myshopify.com",
    )
    signature = params.pop("hmac")
    text = "&".join(f"{name}={value}" for name, value in sorted(params.items()))
    assert signature == hmac.new(merchant.credentials["client_secret"].encode(), text.encode(), "sha256").hexdigest()
    more = {"expiring": "1"} if expiring else {}
    status, granted = await token(merchant, code=params["code"], **more)
    assert (status, granted["scope"], "refresh_token" in granted) == (200, "read_orders", expiring)
    assert (await token(merchant, code=params["code"], **more))[0] == 400
    body = {"query": "{ shop { name } }"}
    assert (await merchant.post("graphql.json", body, token=granted["access_token"])).status_code == 200
    await merchant.clock.sleep(3601)
    late = (await merchant.post("graphql.json", body, token=granted["access_token"])).status_code
    assert late == (401 if expiring else 200)
    if expiring:
        form = {"grant_type": "refresh_token", "refresh_token": granted["refresh_token"]}
        status, fresh = await token(merchant, **form)
        assert (status, fresh["expires_in"], fresh["refresh_token_expires_in"]) == (200, 3600, 7_776_000)
        assert await token(merchant, **form) == (
            400,
            {
                "error": "invalid_grant",
                "error_description": "The refresh token is unknown, expired or was already used",
            },
        )
        assert (await merchant.post("graphql.json", body, token=fresh["access_token"])).status_code == 200


async def test_the_client_credentials_grant(merchant: Merchant) -> None:
    """A token for a day; a wrong secret and an unknown grant are refused."""
    status, granted = await token(merchant, grant_type="client_credentials")
    assert (status, granted["expires_in"]) == (200, 86399)
    assert (await token(merchant, grant_type="password"))[1]["error"] == "unsupported_grant_type"
    assert (await token(merchant, grant_type="client_credentials", client_secret="wrong"))[1][
        "error"
    ] == "invalid_client"


async def test_rest_lists_by_pages_and_times(buyers: Merchant) -> None:
    """`limit`, `since_id`, `updated_at_min`, `status`, counts, and the Link header with its `page_info`."""
    await buyers.customer(email="late@example.com")
    first = await buyers.rest("GET", "customers.json", limit=3)
    assert first.json()["customers"][0]["email"] == "late@example.com"
    link = first.headers["link"]
    assert link.endswith('; rel="next"')
    packed = parse_qs(urlsplit(link.partition(">")[0]).query)["page_info"][0]
    second = await buyers.rest("GET", "customers.json", limit=3, page_info=packed)
    assert [row["email"] for row in second.json()["customers"]] == ["c0@example.com"]
    assert "link" not in second.headers
    assert (await buyers.rest("GET", "customers/count.json")).json() == {"count": 4}
    since = first.json()["customers"][-1]["id"]
    assert len((await buyers.rest("GET", "customers.json", since_id=since)).json()["customers"]) == 2
    later = (await buyers.rest("GET", "orders.json", updated_at_min="2026-03-01T12:00:01Z")).json()
    assert later == {"orders": []}
    [one, two] = (await buyers.rest("GET", "orders.json", status="any")).json()["orders"]
    assert (one["customer"]["email"], two["customer"]["email"]) == ("c1@example.com", "c0@example.com")
    assert (await buyers.rest("GET", "products.json")).status_code == 404


async def test_rest_writes_and_refuses(merchant: Merchant, receiver: Receiver) -> None:
    """Customers, stock and webhooks are changed; 422 names the field, 404 what is not there."""
    variant = await merchant.variant()
    ids = {name: int(variant[name].rpartition("/")[2]) for name in ("item", "location")}
    level = {"inventory_item_id": ids["item"], "location_id": ids["location"]}
    stocked = (await merchant.rest("POST", "inventory_levels/set.json", {**level, "available": 4})).json()
    assert stocked["inventory_level"]["available"] == 4
    await merchant.rest("POST", "inventory_levels/adjust.json", {**level, "available_adjustment": -1})
    found = (await merchant.rest("GET", "inventory_levels.json", inventory_item_ids=ids["item"])).json()
    assert sorted(row["available"] for row in found["inventory_levels"]) == [0, 3]
    hook = {"webhook": {"topic": "customers/delete", "address": receiver.url, "format": "json"}}
    assert (await merchant.rest("POST", "webhooks.json", hook)).status_code == 201
    made = (await merchant.rest("POST", "customers.json", {"customer": {"email": "a@example.com"}})).json()["customer"]
    refused = await merchant.rest("POST", "customers.json", {"customer": {"email": "a@example.com"}})
    assert (refused.status_code, refused.json()) == (422, {"errors": {"email": ["has already been taken"]}})
    changed = await merchant.rest("PUT", f"customers/{made['id']}.json", {"customer": {"note": "hi"}})
    assert changed.json()["customer"]["note"] == "hi"
    assert (await merchant.rest("DELETE", f"customers/{made['id']}.json")).status_code == 200
    assert (await merchant.rest("GET", f"customers/{made['id']}.json")).status_code == 404
    assert json.loads((await receiver.got.get())[1])["id"] == made["id"]


async def test_rest_has_a_bucket_of_its_own(merchant: Merchant) -> None:
    """Forty requests, two a second; the header counts, then 429 says when to come again."""
    for number in range(1, 41):
        answer = await merchant.rest("GET", "shop.json")
        assert answer.headers["x-shopify-shop-api-call-limit"] == f"{number}/40"
    late = await merchant.rest("GET", "shop.json")
    assert (late.status_code, late.headers["retry-after"]) == (429, "2.0")
    await merchant.clock.sleep(1)
    assert (await merchant.rest("GET", "shop.json")).status_code == 200
