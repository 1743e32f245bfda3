"""What events are: their schemas and sizes, gaps and overflows, and the channels they come by."""

from datetime import UTC, datetime
from typing import Any

import grpc

from connectors.pubsub_api.pubsub_api_pb2 import ReplayPreset, TopicRequest
from tests.contract.clients.kit.pubsub import ACCOUNTS, DATA, EVERYTHING, Org, fetch, refusal_of


async def test_a_change_reaches_a_subscriber_with_its_schema(org: Org) -> None:
    """Topic, schema and payload agree; header and bitmap tell who changed what; ids are 18 characters."""
    topic = await org.stub.GetTopic(TopicRequest(topic_name=ACCOUNTS), metadata=org.metadata)
    assert (topic.can_subscribe, topic.can_publish, topic.tenant_guid) == (True, False, org.known["org_id"])
    await org.put("settings", settings={"keepalive_milliseconds": 100})
    async with org.stream(fetch(ACCOUNTS, 5)) as stream:
        await stream.next()
        org.http.headers["Sforce-Call-Options"] = "client=sluiceway"
        account = await org.make("Account", Name="Ärger & Co")
        made = await stream.events()
        await org.http.patch(f"{DATA}/sobjects/Account/{account}", json={"Phone": "1"})
        changed = await stream.events()
    (event,) = await org.decode(made)
    assert made.events[0].event.schema_id == topic.schema_id
    assert (event["Name"], event["ChangeEventHeader"]["recordIds"]) == ("Ärger & Co", [account])
    (update,) = await org.decode(changed)
    header = update["ChangeEventHeader"]
    assert (update["Name"], update["Phone"], header["changeType"], header["sequenceNumber"]) == (None, "1", "UPDATE", 1)
    assert header["changeOrigin"] == "com/salesforce/api/rest/67.0;client=sluiceway"
    assert header["commitUser"] == org.known["user_id"]
    assert header["commitNumber"] > event["ChangeEventHeader"]["commitNumber"]
    assert abs(header["commitTimestamp"] / 1000 - datetime.now(UTC).timestamp()) < 60


async def test_gaps_and_overflow_come_on_request(org: Org) -> None:
    """A gap event has a header alone and the record's id; an overflow tells of no record at all."""
    await org.put("faults", kind="gap_event", path=ACCOUNTS, count=1)
    account = await org.make("Account", Name="Gap")
    await org.put("faults", kind="event_overflow", count=1)
    await org.make("Account", Name="Overflow")
    async with org.stream(fetch(EVERYTHING, 9, ReplayPreset.EARLIEST)) as stream:
        gap, overflow = await org.decode(await stream.next())
    assert (gap["ChangeEventHeader"]["changeType"], gap["ChangeEventHeader"]["recordIds"]) == ("GAP_CREATE", [account])
    assert {key for key, value in gap.items() if value is not None} == {"ChangeEventHeader"}
    assert overflow["ChangeEventHeader"]["changeType"] == "GAP_OVERFLOW"
    assert overflow["ChangeEventHeader"]["entityName"] == "Account"


async def _long_texts(org: Org, count: int) -> dict[str, str]:
    long = {f"Text{number}__c": "x" * 131_072 for number in range(count)}
    for name in long:
        field = {"FullName": f"Account.{name}", "Metadata": {"type": "LongTextArea", "length": 131_072}}
        assert (await org.http.post(f"{DATA}/tooling/sobjects/CustomField", json=field)).status_code == 201
    return long


async def test_a_response_stays_below_what_clients_take(org: Org) -> None:
    """Large events come in several responses of less than 4 MB each, however many were asked for."""
    long = await _long_texts(org, 7)
    for number in range(5):
        await org.make("Account", Name=f"A{number}", **long)
    async with org.stream(fetch(ACCOUNTS, 100, ReplayPreset.EARLIEST)) as stream:
        responses = [await stream.next(), await stream.next()]
    assert [len(response.events) for response in responses] == [3, 2]
    assert max(response.ByteSize() for response in responses) < 4_000_000


async def test_an_event_over_a_megabyte_is_a_gap(org: Org) -> None:
    """Values that do not fit into an event leave a gap event behind."""
    long = await _long_texts(org, 9)
    account = await org.make("Account", Name="A", **long)
    async with org.stream(fetch(ACCOUNTS, 1, ReplayPreset.EARLIEST)) as stream:
        (event,) = await org.decode(await stream.next())
    header = event["ChangeEventHeader"]
    assert (header["changeType"], header["recordIds"], event["Name"]) == ("GAP_CREATE", [account], None)


async def test_one_event_tells_of_200_deleted_records(org: Org) -> None:
    """Equal changes of one request are one event with all ids, in order."""
    rows = [{"attributes": {"type": "Account"}, "Name": f"A{n}"} for n in range(200)]
    made = (await org.http.post(f"{DATA}/composite/sobjects", json={"records": rows})).json()
    await org.http.delete(f"{DATA}/composite/sobjects", params={"ids": ",".join(row["id"] for row in made)})
    async with org.stream(fetch(ACCOUNTS, 100, ReplayPreset.EARLIEST)) as stream:
        await stream.next()
        await stream.ask(fetch(ACCOUNTS, 100))
        await stream.next()
        await stream.ask(fetch(ACCOUNTS, 100))
        (deleted,) = await org.decode(await stream.next())
    assert deleted["ChangeEventHeader"]["changeType"] == "DELETE"
    assert deleted["ChangeEventHeader"]["recordIds"] == [row["id"] for row in made]


async def test_a_new_field_gives_a_new_schema(org: Org) -> None:
    """Events before and after a field was added are read with their own schemas."""
    await org.make("Account", Name="Before")
    field = {"FullName": "Account.Region__c", "Metadata": {"type": "Text", "length": 40}}
    assert (await org.http.post(f"{DATA}/tooling/sobjects/CustomField", json=field)).status_code == 201
    await org.make("Account", Name="After", Region__c="north")
    async with org.stream(fetch(ACCOUNTS, 2, ReplayPreset.EARLIEST)) as stream:
        response = await stream.next()
    before, after = await org.decode(response)
    assert ("Region__c" in before, after["Region__c"]) == (False, "north")
    assert response.events[0].event.schema_id != response.events[1].event.schema_id


async def test_channels_leave_out_what_is_not_selected_or_not_allowed(org: Org) -> None:
    """/data/ChangeEvents has the selected objects; without the right it is silent and the object's topic refused."""
    await org.put("settings", settings={"selected_entities": ["Account", "Contact"], "hidden_entities": ["Contact"]})
    await org.make("Contact", LastName="Hidden")
    await org.make("Lead", LastName="Not selected", Company="C")
    await org.make("Account", Name="Seen")
    async with org.stream(fetch(EVERYTHING, 9, ReplayPreset.EARLIEST)) as stream:
        seen = await org.decode(await stream.next())
    assert [event["ChangeEventHeader"]["entityName"] for event in seen] == ["Account"]
    async with org.stream(fetch("/data/ContactChangeEvent", 1)) as stream:
        assert await refusal_of(stream) == (grpc.StatusCode.PERMISSION_DENIED, "topic.meta.permission")


async def test_a_custom_channel_has_its_members_events(org: Org) -> None:
    """A declared channel has the objects that were added to it, and nothing else; bad names are refused."""
    made = [
        (
            "PlatformEventChannel",
            {"FullName": "Sales__chn", "Metadata": {"channelType": "data", "label": "Sales"}},
            201,
        ),
        ("PlatformEventChannel", {"FullName": "Sales__chn", "Metadata": {"channelType": "data"}}, 400),
        ("PlatformEventChannel", {"FullName": "Sales"}, 400),
        ("PlatformEventChannelMember", _member("Sales__chn", "ContactChangeEvent"), 201),
        ("PlatformEventChannelMember", _member("Sales__chn", "NopeChangeEvent"), 400),
        ("PlatformEventChannelMember", _member("Nope__chn", "ContactChangeEvent"), 400),
        ("PlatformEventChannelMember", _member("Sales__chn", "LeadChangeEvent", filterExpression="x"), 400),
    ]
    for name, body, status in made:
        answer = await org.http.post(f"{DATA}/tooling/sobjects/{name}", json=body)
        assert answer.status_code == status, answer.text
    await org.make("Account", Name="A")
    await org.make("Contact", LastName="C")
    async with org.stream(fetch("/data/Sales__chn", 9, ReplayPreset.EARLIEST)) as stream:
        (event,) = await org.decode(await stream.next())
    assert event["ChangeEventHeader"]["entityName"] == "Contact"
    topic = await org.stub.GetTopic(TopicRequest(topic_name="/data/Sales__chn"), metadata=org.metadata)
    assert (topic.can_subscribe, topic.schema_id) == (True, "")


def _member(channel: str, event: str, **more: str) -> dict[str, Any]:
    return {"FullName": f"{channel}_{event}", "Metadata": {"eventChannel": channel, "selectedEntity": event, **more}}
