"""The gRPC modules and the `.proto` they are made from."""

import subprocess
import sys
from pathlib import Path

import pytest

from connectors.pubsub_api import pubsub_api_pb2

ROOT = Path(__file__).parents[3]
FOLDER = Path("connectors/pubsub_api")


def test_generated_modules_match_the_proto(tmp_path: Path) -> None:
    """Making the modules anew gives the committed ones, byte for byte."""
    out = [f"--{kind}_out={tmp_path}" for kind in ("python", "pyi", "grpc_python")]
    proto = str(FOLDER / "pubsub_api.proto")
    subprocess.run([sys.executable, "-m", "grpc_tools.protoc", "-I.", *out, proto], cwd=ROOT, check=True)
    made = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*.py*"))
    assert len(made) == 3
    for path in made:
        assert (ROOT / path).read_bytes() == (tmp_path / path).read_bytes(), f"{path}: run `make proto`"


def test_types_of_the_stub_name_every_method() -> None:
    """The hand-written types know each method of the service, with its messages."""
    text = (ROOT / FOLDER / "pubsub_api_pb2_grpc.pyi").read_text()
    for method in pubsub_api_pb2.DESCRIPTOR.services_by_name["PubSub"].methods:
        kind = "StreamStream" if method.client_streaming else "UnaryUnary"
        sent, answered = method.input_type.name, method.output_type.name
        assert f"    {method.name}: {kind}MultiCallable[{sent}, {answered}]\n" in text
        assert f"def {method.name}(" in text


@pytest.mark.parametrize(
    ("message", "fields"),
    [
        ("TopicInfo", "topic_name 1 tenant_guid 2 can_publish 3 can_subscribe 4 schema_id 5 rpc_id 6"),
        ("SchemaInfo", "schema_json 1 schema_id 2 rpc_id 3"),
        ("FetchRequest", "topic_name 1 replay_preset 2 replay_id 3 num_requested 4 auth_refresh 5"),
        ("FetchResponse", "events 1 latest_replay_id 2 rpc_id 3 pending_num_requested 4"),
        ("ConsumerEvent", "event 1 replay_id 2"),
        ("ProducerEvent", "id 1 schema_id 2 payload 3 headers 4"),
        ("EventHeader", "key 1 value 2"),
        ("PublishRequest", "topic_name 1 events 2 auth_refresh 3"),
        ("PublishResponse", "results 1 schema_id 2 rpc_id 3"),
        ("PublishResult", "replay_id 1 error 2 correlation_key 3"),
        ("Error", "code 1 msg 2"),
        (
            "ManagedFetchRequest",
            "subscription_id 1 developer_name 2 num_requested 3 auth_refresh 4 commit_replay_id_request 5",
        ),
        (
            "ManagedFetchResponse",
            "events 1 latest_replay_id 2 rpc_id 3 pending_num_requested 4 commit_response 5",
        ),
        ("CommitReplayRequest", "commit_request_id 1 replay_id 2"),
        ("CommitReplayResponse", "commit_request_id 1 replay_id 2 error 3 process_time 4"),
    ],
)
def test_field_numbers_are_the_documented_ones(message: str, fields: str) -> None:
    """Names and numbers of each message are those of the vendor's guide."""
    known = pubsub_api_pb2.DESCRIPTOR.message_types_by_name[message].fields
    assert " ".join(f"{field.name} {field.number}" for field in known) == fields
