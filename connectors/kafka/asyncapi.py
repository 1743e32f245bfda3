"""The contract for consumers as an AsyncAPI 3 document, made of the declared topics and their schemas.

`avro/asyncapi.yaml` is what `sluiceway schemas asyncapi` prints; the payloads stay in their `.avsc` files.
"""

import json
from collections.abc import Mapping
from typing import Any

from connectors.kafka import schemas
from connectors.kafka.topics import CANONICAL, CHANGES, DLQ, JOURNAL, REPLY, REVIEW, Topic

PUBLIC = (*CANONICAL.values(), CHANGES, REVIEW, REPLY, JOURNAL, DLQ)
"""Topics that others may read; the rest is between Sluiceway's own applications."""
AVRO = "application/vnd.apache.avro+json;version=1.9.0"
BINDING = "0.5.0"
HEADERS: Mapping[str, str] = {
    "ce_specversion": "CloudEvents version, 1.0.",
    "ce_id": "Equal for a repetition of the same event.",
    "ce_source": "Which application wrote it.",
    "ce_type": "Full name of the record type.",
    "ce_time": "When it happened, RFC 3339.",
    "traceparent": "W3C trace context of the change at the vendor.",
    "x-tenant": "The connected company.",
    "x-origin": "How the change came: poll, stream, webhook, fetch, write, cli.",
    "x-source-version": "Orders versions of one object at its vendor.",
}

CONFIGURATION = ("retention.ms", "delete.retention.ms", "max.message.bytes")
"""What the Kafka binding of AsyncAPI has a place for."""

Document = dict[str, Any]


def document(version: str) -> Document:
    """Return the AsyncAPI document.

    Args:
        version: of the distribution.
    """
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Sluiceway canonical events",
            "version": version,
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
            "description": (
                "Customers, products, stock, carts, orders, subscriptions, invoices, payments and engagements of a "
                "company as one story. Read with isolation.level=read_committed. Topics have no order among each "
                "other: a reference may dangle for a "
                "while. Drop records whose version is not greater than the one you have. A record with `deleted` is "
                "followed by a tombstone; the loser of a merge stays with `merged_into`, and what was "
                "deleted comes back with it once it is part of another record."
            ),
        },
        "defaultContentType": "application/avro",
        "servers": {
            "local": {
                "host": "127.0.0.1:9092",
                "protocol": "kafka",
                "description": "The embedded stack of `sluiceway up`.",
                "bindings": {
                    "kafka": {
                        "schemaRegistryUrl": "http://127.0.0.1:8081/apis/ccompat/v7",
                        "schemaRegistryVendor": "apicurio",
                        "bindingVersion": BINDING,
                    }
                },
            }
        },
        "channels": {_channel_id(topic): _channel(topic) for topic in PUBLIC},
        "operations": {f"publish_{_channel_id(topic)}": _operation(topic) for topic in PUBLIC},
        "components": {
            "messages": {_message_name(name): _message(topic, name) for topic in PUBLIC for name in topic.schemas},
            "messageTraits": {"headers": {"headers": {"type": "object", "properties": _headers()}}},
        },
    }


def _channel_id(topic: Topic) -> str:
    return topic.name.replace(".", "_")  # ids have no dots in AsyncAPI 3


def _channel(topic: Topic) -> Document:
    config = topic.config()
    configuration: Document = {"cleanup.policy": [topic.policy]}
    configuration |= {name: int(config[name]) for name in CONFIGURATION if name in config}
    if topic.schemas:
        messages = {
            _message_name(name): {"$ref": f"#/components/messages/{_message_name(name)}"} for name in topic.schemas
        }
    else:
        messages = {"original": _original()}
    return {
        "address": topic.name,
        "messages": messages,
        "bindings": {
            "kafka": {"topic": topic.name, "topicConfiguration": configuration, "bindingVersion": BINDING},
        },
    }


def _original() -> Document:
    """Return the message of the dead-letter topic, which has no schema of its own."""
    return {
        "title": "Dead letter",
        "summary": "Key and value as they were consumed; the `__connect.errors.*` headers say what failed and why.",
        "contentType": "application/octet-stream",
        "bindings": {"kafka": {"key": {"type": "string", "description": DLQ.key}, "bindingVersion": BINDING}},
    }


def _operation(topic: Topic) -> Document:
    return {"action": "send", "channel": {"$ref": f"#/channels/{_channel_id(topic)}"}}


def _message(topic: Topic, name: str) -> Document:
    path = schemas.files()[name].relative_to(schemas.folder())
    found: Document = {
        "name": name,
        "title": _message_name(name),
        "summary": json.loads(schemas.sources()[name])["doc"],
        "contentType": "application/avro",
        "payload": {"schemaFormat": AVRO, "schema": {"$ref": f"./{path.as_posix()}"}},
        "traits": [{"$ref": "#/components/messageTraits/headers"}],
        "bindings": {
            "kafka": {
                "key": {"type": "string", "description": topic.key},
                "schemaIdLocation": "payload",
                "schemaIdPayloadEncoding": "4",
                "bindingVersion": BINDING,
            }
        },
    }
    example = schemas.folder() / "examples" / f"{_message_name(name).lower()}.json"
    if example.exists():
        found["examples"] = [{"name": "typical", "payload": json.loads(example.read_text())}]
    return found


def _message_name(schema: str) -> str:
    return schema.rpartition(".")[2]


def _headers() -> Document:
    return {name: {"type": "string", "description": text} for name, text in HEADERS.items()}
