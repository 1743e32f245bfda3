"""How tests talk to the sandbox's REST API."""

from collections.abc import Callable
from typing import Any

import httpx

DATA = "/services/data/v67.0"

Start = Callable[..., Any]


async def credentials_of(http: httpx.AsyncClient, account: str = "acme") -> dict[str, Any]:
    """Return what a client needs to know of an org."""
    found: dict[str, Any] = (await http.get("/__sandbox/credentials", params={"account": account})).json()
    return found


async def query(api: httpx.AsyncClient, text: str) -> list[dict[str, Any]]:
    """Return the records of a statement that must be answered."""
    answer = await api.get(f"{DATA}/query", params={"q": text})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["records"]
    return found


async def make(api: httpx.AsyncClient, name: str, **values: object) -> str:
    """Create a record and return its id."""
    answer = await api.post(f"{DATA}/sobjects/{name}/", json=values)
    assert answer.status_code == 201, answer.text
    assert answer.json()["success"] is True
    made: str = answer.json()["id"]
    return made


def refusal_of(answer: httpx.Response) -> tuple[int, str]:
    """Return status and code of an answer with one error."""
    (error,) = answer.json()
    return answer.status_code, error["errorCode"]
