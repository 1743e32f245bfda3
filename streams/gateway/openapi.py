"""`/openapi.json`, and `/docs`: the same as a page without scripts."""

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from streams.gateway.api import MAX_WAIT_SECONDS, WAIT_SECONDS
from streams.gateway.customers import Customer
from streams.gateway.events import BATCHED, STRUCTURED

PROBLEMS = {
    "400": "The request is not as it must be; `detail` names what.",
    "401": "No live API key of this tenant.",
    "422": "The content cannot be taken or carried out, or the key was used for another request.",
    "429": "Not stored: come again after `Retry-After` seconds, with the same Idempotency-Key.",
    "503": "Not ready; come again after `Retry-After` seconds.",
}
STATUS: Mapping[str, Any] = {
    "type": "object",
    "required": ["key", "status", "at", "href"],
    "properties": {
        "key": {"type": "string", "description": "the Idempotency-Key"},
        "status": {"type": "string", "enum": ["pending", "done", "in_review", "failed"]},
        "customer_id": {"type": "string", "description": "the canonical id"},
        "quickbooks_id": {"type": "string", "description": "done: the customer's id in QuickBooks"},
        "detail": {"type": "string", "description": "why it is in review or failed"},
        "at": {"type": "string", "format": "date-time"},
        "href": {"type": "string", "description": "where to ask again, at any gateway, for 24 hours"},
    },
}
EVENT: Mapping[str, Any] = {
    "type": "object",
    "required": ["specversion", "id", "source", "type"],
    "properties": {
        "specversion": {"const": "1.0"},
        "id": {"type": "string"},
        "source": {"type": "string"},
        "type": {"type": "string", "description": "the object that a mapping named api/… reads"},
        "subject": {"type": "string", "description": "the caller's id of the object"},
        "time": {"type": "string", "format": "date-time", "description": "orders the versions of an object"},
        "data": {"type": "object"},
    },
}


def document(server: str) -> Mapping[str, Any]:
    """Return the description of the API (OpenAPI 3.1) as `server` answers it."""
    schema = Customer.model_json_schema(ref_template="#/components/schemas/{model}")
    inner = schema.pop("$defs", {})
    tenant = {"name": "tenant", "in": "path", "required": True, "schema": {"type": "string"}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Sluiceway", "version": "1", "description": "What a company's own programs may ask."},
        "servers": [{"url": server}],
        "security": [{"key": []}],
        "paths": {
            "/v1/tenants/{tenant}/customers": {"parameters": [tenant], "post": _customers()},
            "/v1/tenants/{tenant}/requests/{key}": {"parameters": [tenant, _key("path", "key")], "get": _requests()},
            "/v1/tenants/{tenant}/events": {"parameters": [tenant], "post": _events()},
        },
        "components": {
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "`sluiceway keys issue`"}},
            "schemas": {"Customer": schema, **inner, "Status": STATUS, "CloudEvent": EVENT, "Problem": _problem()},
        },
    }


def routes(server: str) -> list[Route]:
    """Return both routes."""
    described = document(server)

    async def openapi(_: Request) -> Response:
        return JSONResponse(described)

    async def docs(_: Request) -> Response:
        return HTMLResponse("".join(page(described)))

    return [Route("/openapi.json", openapi), Route("/docs", docs)]


def page(described: Mapping[str, Any]) -> Iterator[str]:
    """Yield the page, piece by piece."""
    yield "<!doctype html><html lang=en><meta charset=utf-8><title>Sluiceway API</title>"
    yield "<style>body{font:16px sans-serif;max-width:60em;margin:2em auto;padding:0 1em}td{padding:.2em 1em}</style>"
    yield f"<h1>Sluiceway API</h1><p>{escape(described['info']['description'])} "
    yield "Header <code>Authorization: Bearer &lt;API key&gt;</code>. <a href=openapi.json>OpenAPI document</a></p>"
    for path, item in described["paths"].items():
        for method, operation in item.items():
            if method != "parameters":
                yield f"<h2><code>{method.upper()} {escape(path)}</code></h2><p>{escape(operation['description'])}</p>"
                yield from _table({status: answer["description"] for status, answer in operation["responses"].items()})
    for name, schema in described["components"]["schemas"].items():
        yield f"<h2>{escape(name)}</h2>"
        properties = schema.get("properties", {})
        yield from _table({field: str(about.get("description", "")) for field, about in properties.items()})


def _table(rows: Mapping[str, str]) -> Iterator[str]:
    lines = (f"<tr><td><code>{escape(name)}</code><td>{escape(text)}" for name, text in rows.items())
    yield f"<table>{''.join(lines)}</table>"


def _customers() -> Mapping[str, Any]:
    wait = {
        "name": "wait",
        "in": "query",
        "schema": {"type": "string", "default": f"{WAIT_SECONDS:g}s"},
        "description": f"how long to wait for the answer, at most {MAX_WAIT_SECONDS:g}s",
    }
    return {
        "operationId": "createCustomer",
        "description": "Make a person or an organisation a customer in QuickBooks, or bring it up to date. The same "
        "Idempotency-Key with the same content is the same request, however often it is sent.",
        "parameters": [_key("header", "Idempotency-Key"), wait],
        "requestBody": {"required": True, "content": _json("Customer")},
        "responses": {
            "200": {"description": "It is in QuickBooks; quickbooks_id is its id.", "content": _json("Status")},
            "202": {"description": "Taken in; Location says where to ask.", "content": _json("Status")},
            **_problems("400", "401", "422", "429", "503"),
        },
    }


def _requests() -> Mapping[str, Any]:
    return {
        "operationId": "getRequest",
        "description": "Tell how a request fares, whichever gateway took it.",
        "responses": {
            "200": {"description": "How it fares.", "content": _json("Status")},
            "404": {"description": "No request has had this key in the last 24 hours.", "content": _json("Problem")},
            **_problems("401", "429", "503"),
        },
    }


def _events() -> Mapping[str, Any]:
    event = {"schema": {"$ref": "#/components/schemas/CloudEvent"}}
    batch = {"schema": {"type": "array", "items": event["schema"]}}
    return {
        "operationId": "sendEvents",
        "description": "Send CloudEvents 1.0: binary (ce-* headers, the body is the data), structured or batched.",
        "requestBody": {
            "required": True,
            "content": {STRUCTURED: event, BATCHED: batch, "application/json": {"schema": {"type": "object"}}},
        },
        "responses": {"202": {"description": "All are in Kafka."}, **_problems("400", "401", "422", "429", "503")},
    }


def _key(where: str, name: str) -> Mapping[str, Any]:
    schema = {"type": "string", "minLength": 1, "maxLength": 255}
    return {"name": name, "in": where, "required": True, "schema": schema, "description": "names one request"}


def _json(name: str) -> Mapping[str, Any]:
    kind = "application/problem+json" if name == "Problem" else "application/json"
    return {kind: {"schema": {"$ref": f"#/components/schemas/{name}"}}}


def _problems(*statuses: str) -> Mapping[str, Any]:
    return {status: {"description": PROBLEMS[status], "content": _json("Problem")} for status in statuses}


def _problem() -> Mapping[str, Any]:
    text = {"type": "string"}
    properties = {"type": text, "title": text, "status": {"type": "integer"}, "detail": text}
    return {"type": "object", "properties": properties}
