"""What both contestants do with a record: Avro in, a few fields computed, Avro out (Confluent's wire format)."""

import io
import random
import struct
from collections.abc import Mapping
from typing import Any

import fastavro

PREFIX = struct.Struct(">bI")
ORDER_ID, PRICED_ID = 1, 2
KEYS = 5_000
ORDER = fastavro.parse_schema(
    {
        "type": "record",
        "name": "bench.Order",
        "fields": [
            {"name": "id", "type": "string"},
            {"name": "customer", "type": "string"},
            {"name": "at", "type": {"type": "long", "logicalType": "timestamp-micros"}},
            {"name": "cents", "type": "long"},
            {"name": "currency", "type": "string"},
            {"name": "status", "type": "string"},
            {"name": "quantity", "type": "int"},
            {"name": "sku", "type": "string"},
            {"name": "country", "type": ["null", "string"]},
            {"name": "tags", "type": {"type": "array", "items": "string"}},
        ],
    }
)
PRICED = fastavro.parse_schema(
    {
        "type": "record",
        "name": "bench.PricedOrder",
        "fields": [
            {"name": "id", "type": "string"},
            {"name": "customer", "type": "string"},
            {"name": "at", "type": {"type": "long", "logicalType": "timestamp-micros"}},
            {"name": "total_cents", "type": "long"},
            {"name": "status", "type": "string"},
            {"name": "sku", "type": "string"},
            {"name": "country", "type": "string"},
            {"name": "large", "type": "boolean"},
            {"name": "tags", "type": "int"},
        ],
    }
)
PERCENT = {"EUR": 100, "USD": 92, "GBP": 117, "CHF": 103}
ORDER_PREFIX, PRICED_PREFIX = PREFIX.pack(0, ORDER_ID), PREFIX.pack(0, PRICED_ID)


def work(value: bytes) -> bytes:
    """Return the output record's value.

    Raises:
        ValueError: not an order in Confluent's wire format.
    """
    if value[: PREFIX.size] != ORDER_PREFIX:
        raise ValueError("not an order in Confluent's wire format")
    order: Any = fastavro.schemaless_reader(io.BytesIO(value[PREFIX.size :]), ORDER, None)
    out = io.BytesIO()
    out.write(PRICED_PREFIX)
    fastavro.schemaless_writer(out, PRICED, priced(order))
    return out.getvalue()


def priced(order: Mapping[str, Any]) -> dict[str, Any]:
    """Return an order with its total in euro cents."""
    total = order["cents"] * order["quantity"] * PERCENT[order["currency"]] // 100
    return {
        "id": order["id"],
        "customer": order["customer"],
        "at": order["at"],
        "total_cents": total,
        "status": order["status"].upper(),
        "sku": order["sku"],
        "country": order["country"] or "ZZ",
        "large": total > 100_000,
        "tags": len(order["tags"]),
    }


def make(number: int, dice: random.Random) -> tuple[bytes, bytes]:
    """Return key and value of one input record."""
    customer = f"c-{dice.randrange(KEYS):06d}"
    order = {
        "id": f"ord-{number:09d}",
        "customer": customer,
        "at": 1_772_000_000_000_000 + number,
        "cents": dice.randrange(100, 30_000),
        "currency": dice.choice(list(PERCENT)),
        "status": dice.choice(["new", "paid", "shipped"]),
        "quantity": dice.randrange(1, 9),
        "sku": f"sku-{dice.randrange(1000)}",
        "country": dice.choice(["DE", "FR", None]),
        "tags": ["a", "bb", "ccc"][: dice.randrange(4)],
    }
    out = io.BytesIO()
    out.write(ORDER_PREFIX)
    fastavro.schemaless_writer(out, ORDER, order)
    return customer.encode(), out.getvalue()
