"""The broker and the registry answer their own clients."""

import asyncio
from collections.abc import Callable

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from confluent_kafka.schema_registry import Schema
from confluent_kafka.schema_registry._async.schema_registry_client import AsyncSchemaRegistryClient

from tests.conftest import RunningKafka, RunningRegistry


async def test_the_broker_accepts_transactions(kafka: RunningKafka, topic_name: Callable[[str], str]) -> None:
    """A topic can be made and a transaction committed to it."""
    topic = topic_name("transactions")
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap_servers})
    await asyncio.to_thread(admin.create_topics([NewTopic(topic, 4)])[topic].result)
    producer = Producer({"bootstrap.servers": kafka.bootstrap_servers, "transactional.id": topic})
    await asyncio.to_thread(producer.init_transactions, 20)
    producer.begin_transaction()
    producer.produce(topic, b"value", partition=2)
    await asyncio.to_thread(producer.commit_transaction, 20)


async def test_the_registry_keeps_a_schema(registry: RunningRegistry, topic_name: Callable[[str], str]) -> None:
    """A schema registered by Confluent's own client comes back under its id."""
    subject = topic_name("schema")
    async with AsyncSchemaRegistryClient({"url": registry.url}) as client:
        schema_id = await client.register_schema(subject, Schema('{"type": "string"}', "AVRO"))
        assert (await client.get_schema(schema_id, subject)).schema_str == '{"type": "string"}'
