"""What a streaming source reads, and how: the connection's settings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from connectors import accounts
from connectors.ports import Account
from connectors.salesforce.objects import POLLED
from connectors.salesforce.records import columns_of

OVERLAP_SECONDS = 300.0
POLL_SECONDS = 60.0
SWEEP_SECONDS = 3600.0
PARTS = "OpportunityLineItem,OpportunityContactRole"
CHANNEL = "ChangeEvents"
TOPICS = "/data/"


@dataclass(frozen=True, slots=True)
class Plan:
    """The settings.

    Attributes:
        where: names the connection.
        streamed: objects whose changes come as events, parents first.
        polled: objects that have none.
        columns: what is read of each.
        overlap: how late a transaction may commit, and how much clocks may differ.
        start: nothing older is read.
        poll: seconds between two looks at a polled object.
        sweep: seconds between two looks for what events did not tell.
        topic: of the events.
        daily_calls: of which a share goes into reading what events name.
    """

    where: str
    streamed: Sequence[str]
    polled: Sequence[str]
    columns: Mapping[str, Sequence[str]]
    overlap: timedelta
    start: datetime | None
    poll: float
    sweep: float
    topic: str
    daily_calls: float

    @property
    def objects(self) -> Sequence[str]:
        """All that is read, in order."""
        return (*self.streamed, *self.polled)


def plan_of(account: Account, daily_calls: float) -> Plan:
    """Read the settings.

    Raises:
        FatalError: one is wrong; the message names it.
    """
    streamed = accounts.names(account, "objects", POLLED)
    polled = tuple(name for name in accounts.names(account, "polled", PARTS) if name not in streamed)
    return Plan(
        accounts.where(account),
        streamed,
        polled,
        {name: columns_of(account, name) for name in (*streamed, *polled)},
        timedelta(seconds=accounts.number(account, "overlap_seconds", OVERLAP_SECONDS)),
        accounts.instant(account, "start_at"),
        accounts.number(account, "poll_seconds", POLL_SECONDS, minimum=1),
        accounts.number(account, "sweep_seconds", SWEEP_SECONDS, minimum=1),
        TOPICS + accounts.text(account, "channel", CHANNEL),
        daily_calls,
    )


def topic_of(object_type: str) -> str:
    """Return the topic of one object's events: `/data/AccountChangeEvent`, `/data/Plan__ChangeEvent`."""
    return f"{TOPICS}{object_type.removesuffix('c') if object_type.endswith('__c') else object_type}ChangeEvent"
