"""Asks a service whether it serves, by the address of the question."""

import asyncio
import contextlib
import ssl
from urllib.parse import urlsplit

import httpx
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

_PATIENCE = 2.0
# Trusts nobody, as nobody is asked by https. httpx would read all authorities for each question, 28 ms of processor
# time that the starting services need.
_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


async def answers(url: str) -> bool:
    """Whether the service behind the URL is ready to serve; never raises.

    `http://...` is ready when it answers 200; `kafka://host:port/CLUSTER_ID` when a broker of that cluster (and not
    another on the same port) lists itself.
    """
    parts = urlsplit(url)
    if parts.scheme == "kafka":
        return await asyncio.to_thread(_kafka_answers, parts.netloc, parts.path[1:])
    try:
        async with httpx.AsyncClient(trust_env=False, timeout=_PATIENCE, verify=_NO_TLS) as client:
            return (await client.get(url)).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def _kafka_answers(bootstrap_servers: str, cluster_id: str) -> bool:
    client = AdminClient({"bootstrap.servers": bootstrap_servers, "log_level": 0})
    with contextlib.suppress(KafkaException):
        metadata = client.list_topics(timeout=_PATIENCE)
        return bool(metadata.brokers) and metadata.cluster_id == cluster_id
    return False
