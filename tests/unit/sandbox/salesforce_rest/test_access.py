"""Who may call what: tokens, orgs, versions, limits, sessions."""

import base64
import json
from datetime import timedelta
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from connectors.sandbox.salesforce.app import build
from tests.unit.sandbox.kit.salesforce import DATA, Start, credentials_of, make, query, refusal_of


async def test_the_token_answer_has_no_lifetime_and_names_the_org(api: httpx.AsyncClient) -> None:
    """Basic authentication works too; the token begins with the org's id and the instance is where one asked."""
    known = await credentials_of(api)
    auth = (known["client_id"], known["client_secret"])
    granted = (await api.post("/services/oauth2/token", data={"grant_type": "client_credentials"}, auth=auth)).json()
    assert "expires_in" not in granted
    assert granted["access_token"].split("!")[0] == known["org_id"][:15]
    assert granted["instance_url"] == str(api.base_url).rstrip("/")
    api.headers["Authorization"] = f"Bearer {granted['access_token']}"
    who = (await api.get("/services/oauth2/userinfo")).json()
    assert (who["organization_id"], who["preferred_username"]) == (known["org_id"], known["username"])


async def test_a_refresh_keeps_its_token_and_wrong_ones_are_refused(api: httpx.AsyncClient) -> None:
    """The refresh token goes on working; client and grant errors are 400 with RFC 6749 codes."""
    known = await credentials_of(api)
    form = {"grant_type": "refresh_token", "refresh_token": known["refresh_token"], "client_id": known["client_id"]}
    form |= {"client_secret": known["client_secret"]}
    for _ in range(2):
        assert "refresh_token" not in (await api.post("/services/oauth2/token", data=form)).json()
    for wrong, error in (
        ({"client_secret": "x"}, "invalid_client"),
        ({"refresh_token": "x"}, "invalid_grant"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
    ):
        answer = await api.post("/services/oauth2/token", data={**form, **wrong})
        assert (answer.status_code, answer.json()["error"]) == (400, error)


async def test_a_jwt_is_good_only_with_the_registered_key(api: httpx.AsyncClient, clock: Any) -> None:
    """A signed assertion gives a session; another key, user or time does not."""
    known = await credentials_of(api)
    keys = [rsa.generate_private_key(65537, 2048) for _ in range(2)]
    pem = keys[0].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    settings = {"account": "acme", "settings": {"jwt_public_key": pem}}
    assert (await api.post("/__sandbox/settings", json=settings)).status_code == 200
    claims = {"iss": known["client_id"], "sub": known["username"], "exp": clock.now().timestamp() + 180}

    async def ask(key: rsa.RSAPrivateKey, **other: object) -> httpx.Response:
        parts = [json.dumps(part).encode() for part in ({"alg": "RS256"}, {**claims, **other})]
        signed = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
        signature = base64.urlsafe_b64encode(key.sign(signed, PKCS1v15(), hashes.SHA256())).rstrip(b"=")
        form = {
            "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
            "assertion": (signed + b"." + signature).decode(),
        }
        return await api.post("/services/oauth2/token", data=form)

    assert (await ask(keys[0])).status_code == 200
    assert (await ask(keys[1])).json()["error"] == "invalid_grant"
    assert "hasn't approved" in (await ask(keys[0], sub="other@example.com")).json()["error_description"]
    assert (await ask(keys[0], exp=clock.now().timestamp() - 1)).json()["error"] == "invalid_grant"


async def test_orgs_do_not_see_each_other(api: httpx.AsyncClient) -> None:
    """Another account is another org: its session neither finds the record nor shares ids with it."""
    made = await make(api, "Account", Name="Ours")
    other = await credentials_of(api, "other")
    headers = {"Authorization": f"Bearer {other['access_token']}"}
    answer = await api.get(f"{DATA}/sobjects/Account/{made}", headers=headers)
    assert refusal_of(answer) == (404, "NOT_FOUND")
    forged = other["org_id"][:15] + "!" + api.headers["Authorization"].partition("!")[2]
    answer = await api.get(f"{DATA}/limits", headers={"Authorization": f"Bearer {forged}"})
    assert refusal_of(answer) == (401, "INVALID_SESSION_ID")


@pytest.mark.parametrize(("version", "status"), [("v20.0", 410), ("v40.0", 404), ("v99.0", 404), ("67", 404)])
async def test_versions_outside_the_range_are_refused(api: httpx.AsyncClient, version: str, status: int) -> None:
    """Retired versions are gone, unknown ones not found; 41.0 and 68.0 work."""
    assert (await api.get(f"/services/data/{version}/limits")).status_code == status
    assert {(await api.get(f"/services/data/v{n}.0/limits")).status_code for n in (41, 68)} == {200}


async def test_bad_addresses_have_the_vendors_codes(api: httpx.AsyncClient) -> None:
    """Malformed ids, unknown objects, foreign methods and bodies that are no JSON are told apart."""
    assert refusal_of(await api.get(f"{DATA}/sobjects/Account/xyz")) == (400, "MALFORMED_ID")
    assert refusal_of(await api.get(f"{DATA}/sobjects/Nope/001000000000001AAA")) == (404, "NOT_FOUND")
    assert refusal_of(await api.delete(f"{DATA}/sobjects/Account")) == (405, "METHOD_NOT_ALLOWED")
    assert refusal_of(await api.post(f"{DATA}/sobjects/Account", content="x")) == (415, "UNSUPPORTED_MEDIA_TYPE")
    broken = await api.post(f"{DATA}/sobjects/Account", content="{", headers={"Content-Type": "application/json"})
    assert refusal_of(broken) == (400, "JSON_PARSER_ERROR")
    assert refusal_of(await api.patch(f"{DATA}/sobjects/Account/Name/x", json={})) == (404, "NOT_FOUND")


async def test_a_locator_belongs_to_its_session(api: httpx.AsyncClient, clock: Any) -> None:
    """The frozen result goes on under the session that asked, not under another, and not after two days."""
    rows = [{"attributes": {"type": "Lead"}, "LastName": str(n), "Company": "C"} for n in range(200)]
    await api.post(f"{DATA}/composite/sobjects", json={"records": rows})
    await make(api, "Lead", LastName="last", Company="C")
    headers = {"Sforce-Query-Options": "batchSize=200"}
    first = (await api.get(f"{DATA}/query/", params={"q": "SELECT Id FROM Lead"}, headers=headers)).json()
    assert (first["done"], first["nextRecordsUrl"].endswith("-200")) == (False, True)
    other = {"Authorization": f"Bearer {(await credentials_of(api))['access_token']}"}
    assert refusal_of(await api.get(first["nextRecordsUrl"], headers=other)) == (401, "INVALID_SESSION_ID")
    second = (await api.get(first["nextRecordsUrl"])).json()
    assert (second["done"], len(second["records"]), "nextRecordsUrl" in second) == (True, 1, False)
    await api.post("/__sandbox/settings", json={"account": "acme", "settings": {"session_seconds": 400_000}})
    api.headers["Authorization"] = f"Bearer {(await credentials_of(api))['access_token']}"
    third = (await api.get(f"{DATA}/query/", params={"q": "SELECT Id FROM Lead"}, headers=headers)).json()
    clock.instant += timedelta(days=2)
    assert refusal_of(await api.get(third["nextRecordsUrl"])) == (400, "INVALID_QUERY_LOCATOR")


async def test_the_daily_limit_rolls(api: httpx.AsyncClient, clock: Any) -> None:
    """The call over the limit is 403; a day after the first calls there is room again."""
    await api.post("/__sandbox/settings", json={"account": "acme", "settings": {"session_seconds": 400_000}})
    api.headers["Authorization"] = f"Bearer {(await credentials_of(api))['access_token']}"
    await api.post("/__sandbox/limits", json={"account": "acme", "limits": {"DailyApiRequests": 2}})
    assert (await api.get(f"{DATA}/limits")).json()["DailyApiRequests"] == {"Max": 2, "Remaining": 1}
    clock.instant += timedelta(hours=12)
    await api.get(f"{DATA}/limits")
    refused = await api.get(f"{DATA}/limits")
    assert refusal_of(refused) == (403, "REQUEST_LIMIT_EXCEEDED")
    assert refused.headers["Sforce-Limit-Info"] == "api-usage=2/2"
    clock.instant += timedelta(hours=12)
    assert (await api.get(f"{DATA}/limits")).status_code == 200


async def test_a_restart_keeps_records_fields_and_sessions(api: httpx.AsyncClient, start: Start) -> None:
    """A new process over the same folder answers as before, numbers and new ids included."""
    field = {"FullName": "Account.Size__c", "Metadata": {"type": "Number", "scale": 0}}
    assert (await api.post(f"{DATA}/tooling/sobjects/CustomField", json=field)).status_code == 201
    made = await make(api, "Account", Name="A", Size__c=7, Sluiceway_Id__c="k")
    again = await start({"salesforce": (0, build)})
    headers = {"Authorization": api.headers["Authorization"]}
    async with httpx.AsyncClient(base_url=again.url("salesforce"), headers=headers) as http:
        found = await query(http, "SELECT Name, Size__c FROM Account WHERE Size__c > 6")
        assert (found[0]["Name"], found[0]["Size__c"]) == ("A", 7)
        answer = await http.patch(f"{DATA}/sobjects/Account/Sluiceway_Id__c/K", json={"Name": "B"})
        assert answer.json() == {"id": made, "success": True, "errors": [], "created": False}
        assert await make(http, "Account", Name="C") > made


async def test_an_address_must_not_be_too_long(api: httpx.AsyncClient) -> None:
    """Address and headers of more than 16,384 bytes are a 431, as for a wide SELECT."""
    for length, status in ((15_000, 200), (17_000, 431)):
        text = "SELECT Id FROM Account WHERE Name IN ('" + "x" * 3_000 + "'" + ",'y'" * ((length - 3_100) // 4) + ")"
        answer = await api.get(f"{DATA}/query?q=" + text.replace(" ", "+"))
        assert answer.status_code == status
