import asyncio
import ssl
import warnings
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
import trustme

from connectors.errors import FatalError, InDoubtError, NotSentError, RetryableError
from connectors.http import Http, Reach, open_http, retry_after, tls_context
from connectors.pacing import paced
from tests.unit.measured import measured

Network = Callable[..., Http]
URL = "https://api.vendor.test/things"


class CountingTokens:
    """Hands out t0, then t1 after a refusal, and so on."""

    def __init__(self) -> None:
        self.refusals: list[str] = []

    async def token(self) -> str:
        """Return the newest."""
        return f"t{len(self.refusals)}"

    async def refresh(self, refused: str) -> str:
        """Note the refusal."""
        self.refusals.append(refused)
        return await self.token()


NEVER_SENT = [httpx.ConnectError("x"), httpx.ConnectTimeout("x"), httpx.PoolTimeout("x")]
LOST = [
    *(httpx.ReadError("x"), httpx.ReadTimeout("x"), httpx.WriteError("x"), httpx.WriteTimeout("x")),
    *(httpx.RemoteProtocolError("x"), httpx.CloseError("x"), httpx.DecodingError("x")),
]


@pytest.mark.parametrize("failure", [*NEVER_SENT, *LOST], ids=lambda failure: type(failure).__name__)
async def test_a_failed_transport_tells_whether_there_is_doubt(failure: Exception, network: Network) -> None:
    """Before the request left it is surely not sent, later in doubt; a read leaves no doubt."""

    def fail(_: httpx.Request) -> httpx.Response:
        raise failure

    with pytest.raises(RetryableError) as write:
        await network(fail).request("w", "POST", URL, reads=False)
    assert type(write.value) is (NotSentError if failure in NEVER_SENT else InDoubtError)
    with pytest.raises(RetryableError) as read:
        await network(fail).request("r", "GET", URL, reads=True)
    assert type(read.value) is RetryableError


async def test_an_answer_that_never_ends_is_in_doubt(network: Network) -> None:
    """The whole request is bounded, not only each read."""

    async def hang(_: httpx.Request) -> httpx.Response:
        return await asyncio.Future()

    with pytest.raises(InDoubtError, match="TimeoutError"):
        await network(hang, timeout_seconds=0.01).request("w", "POST", URL, reads=False)


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.test/",
        "https://vendor.test.evil.test/",
        "https://notvendor.test/",
        "http://api.vendor.test/",
        "https://169.254.169.254/latest",
        "ftp://127.0.0.1/",
        "https:///",
    ],
)
async def test_other_hosts_and_plain_http_are_refused(url: str, network: Network) -> None:
    """Only the vendor's hosts by https and the operator's leave the process; nothing is sent."""

    def never(_: httpx.Request) -> httpx.Response:
        raise AssertionError("sent")

    with pytest.raises(FatalError):
        await network(never).request("r", "GET", url, reads=True)


def test_a_refused_host_names_the_setting() -> None:
    """The message tells how to allow the host."""
    with pytest.raises(FatalError, match=r"setting base_url: host evil\.test .* SLUICEWAY_ALLOW_HOSTS"):
        Reach(("vendor.test",), frozenset()).check_setting("base_url", "https://evil.test")


async def test_allowed_hosts_may_speak_http(network: Network) -> None:
    """The sandbox's host is reached as the operator says."""
    http = network(lambda _: httpx.Response(200))
    assert (await http.request("r", "GET", "http://127.0.0.1:8104/x", reads=True)).status_code == 200


async def test_redirects_are_not_followed(network: Network) -> None:
    """A redirect is an answer like any other."""
    http = network(lambda _: httpx.Response(302, headers={"location": "https://evil.test/"}))
    assert (await http.request("r", "GET", URL, reads=True)).status_code == 302


async def test_a_refused_token_is_refreshed_once(network: Network) -> None:
    """After a 401 the same request goes again with another token, and then no more."""
    tokens, seen = CountingTokens(), []

    def refuse(request: httpx.Request) -> httpx.Response:
        seen.append((request.headers["authorization"], request.content))
        return httpx.Response(401)

    http = network(refuse).authorised(tokens)
    response = await http.request("w", "POST", URL, reads=False, content=b"{}")
    assert response.status_code == 401
    assert seen == [("Bearer t0", b"{}"), ("Bearer t1", b"{}")]
    assert tokens.refusals == ["t0"]


async def test_a_401_about_something_else_is_not_refreshed(network: Network) -> None:
    """Where the vendor says that the token is good, it is kept."""
    tokens = CountingTokens()
    http = network(lambda _: httpx.Response(401)).authorised(tokens, lambda _: False)
    await http.request("r", "GET", URL, reads=True)
    assert tokens.refusals == []


async def test_a_pinned_session_is_used_as_it_is(network: Network) -> None:
    """Pages of one query stay with the token that began it."""
    tokens, seen = CountingTokens(), []

    def note(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["authorization"])
        return httpx.Response(401)

    await network(note).authorised(tokens).request("r", "GET", URL, reads=True, pinned="Bearer old")
    assert seen == ["Bearer old"]
    assert tokens.refusals == []


async def test_requests_are_counted_by_class_of_status(network: Network) -> None:
    """Answers and failures each have their count."""

    def count(code_class: str) -> float:
        name = "sluiceway_vendor_requests_total"
        return measured(name, vendor="vendor", operation="counted", code_class=code_class)

    def fail(_: httpx.Request) -> httpx.Response:
        raise httpx.ReadError("x")

    before = count("4xx"), count("error")
    await network(lambda _: httpx.Response(404)).request("counted", "GET", URL, reads=True)
    with pytest.raises(RetryableError):
        await network(fail).request("counted", "GET", URL, reads=True)
    assert (count("4xx"), count("error")) == (before[0] + 1, before[1] + 1)


async def test_layers_are_passed_in_the_written_order(network: Network) -> None:
    """Limit, then metrics, auth, allow-list and transport; the repeat after a 401 takes a turn of its own."""
    passed: list[str] = []

    async def grant() -> None:
        passed.append("limit")

    class Noting(CountingTokens):
        async def token(self) -> str:
            passed.append("auth")
            return await super().token()

    def answer(_: httpx.Request) -> httpx.Response:
        passed.append("transport")
        return httpx.Response(401)

    def seconds() -> float:
        return measured("sluiceway_vendor_request_seconds_count", vendor="vendor", operation="ordered")

    http = network(answer).authorised(Noting())
    with paced(grant):
        await http.request("ordered", "GET", URL, reads=True)
        assert passed == ["limit", "auth", "transport", "auth", "limit", "transport"]
        assert seconds() == 1
        with pytest.raises(FatalError):
            await http.request("ordered", "GET", "https://evil.test/", reads=True)
        assert passed[6:] == ["limit", "auth"]
        await network(answer).request("ordered", "POST", URL, reads=False)
        assert passed[8:] == ["transport"]


async def test_a_refused_turn_sends_nothing(network: Network) -> None:
    """Who owns the quota may say no: neither token nor request leaves."""

    async def refuse() -> None:
        raise RetryableError("not now")

    def never(_: httpx.Request) -> httpx.Response:
        raise AssertionError("sent")

    with paced(refuse), pytest.raises(RetryableError, match="not now"):
        await network(never).authorised(CountingTokens()).request("r", "GET", URL, reads=True)


@pytest.mark.parametrize(("version", "accepted"), [("TLSv1_3", True), ("TLSv1_2", True), ("TLSv1_1", False)])
async def test_only_tls_1_2_or_later_is_spoken(version: str, accepted: bool, tmp_path: Path) -> None:
    """Shaken hands with real servers: one that speaks at most 1.1 is not talked to, whatever the machine allows."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion[version]

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context) as server:
        port = server.sockets[0].getsockname()[1]
        reach = Reach((), frozenset({"127.0.0.1"}))
        http = open_http("vendor", reach, timeout_seconds=5, ca_file=str(tmp_path / "ca.pem"))
        request = http.request("r", "GET", f"https://127.0.0.1:{port}/", reads=True)
        if accepted:
            assert (await request).status_code == 200
        else:
            with pytest.raises(RetryableError, match="ConnectError"):
                await request
        await http.aclose()


def test_tls_is_1_2_or_later_and_verifies(tmp_path: Path) -> None:
    """The context is our own, whatever the machine's defaults are; a further authority may be named."""
    ca_file = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(ca_file)
    context = tls_context(str(ca_file))
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.cert_store_stats()["x509_ca"] > tls_context().cert_store_stats()["x509_ca"]


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_bad_ca_file_is_named(tmp_path: Path, content: str | None) -> None:
    """A missing or unreadable file is a setting to correct."""
    ca_file = tmp_path / "ca.pem"
    if content is not None:
        ca_file.write_text(content)
    with pytest.raises(FatalError, match="ca_file"):
        tls_context(str(ca_file))


@pytest.mark.parametrize(
    ("value", "expected"),
    [("30", 30.0), ("Thu, 01 Jan 2026 00:01:00 GMT", 60.0), ("Wed, 31 Dec 2025 00:00:00 GMT", 0.0), ("soon", None)],
)
def test_retry_after_is_read_in_both_forms(value: str, expected: float | None) -> None:
    """Seconds or a date; a date gone by is now, nonsense is nothing."""
    response = httpx.Response(429, headers={"retry-after": value})
    assert retry_after(response, datetime(2026, 1, 1, tzinfo=UTC)) == expected
    assert retry_after(httpx.Response(429), datetime(2026, 1, 1, tzinfo=UTC)) is None
