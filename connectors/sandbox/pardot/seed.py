"""What a new business unit holds, and sample records for backfills."""

from datetime import UTC, datetime, timedelta
from random import Random

from connectors.sandbox.pardot.catalogue import (
    ACTIVITIES,
    CAMPAIGNS,
    CUSTOM_FIELDS,
    LISTS,
    MEMBERSHIPS,
    OBJECTS,
    PROSPECTS,
    STAGES,
    USERS,
)
from connectors.sandbox.pardot.unit import Unit
from connectors.sandbox.pardot.values import written

# fieldId and type: what an administrator adds for the sink, and one of a company's own.
_CUSTOM = (
    ("Sluiceway_Id__c", "Text"),
    ("Lifetime_Value__c", "Number"),
    ("Last_Payment_Amount__c", "Number"),
    ("Last_Payment_On__c", "Date"),
    ("Open_Balance__c", "Number"),
    ("Last_Invoice_Number__c", "Text"),
    ("Subscription_Plan__c", "Dropdown"),
)
_USERS = (("admin", "Administrator"), ("api", "Integration"), ("sales", "Sales"))
_CAMPAIGNS = ("Website Tracking", "Spring Webinar")
_LISTS = ("Customers", "Newsletter")
_STAGES = ("Prospect", "Marketing Qualified Lead", "Sales Accepted", "Opportunity", "Won")
# type and typeName of the visitor activities that samples have: an e-mail sent, opened, clicked, a form filled in.
_ACTIVITIES = ((6, "Email"), (11, "Email"), (1, "Email"), (4, "Form"))
_FIRST = ("Ada", "Benedikt", "Chiara", "Dmitri", "Élodie", "Farid", "Grace", "Hiroshi")
_LAST = ("Okafor", "Lindqvist", "Moreau", "Nakamura", "OBrien", "Petrov", "Quiroga", "Schäfer")
_LONG_AGO = datetime(2025, 1, 1, tzinfo=UTC)


def furnish(unit: Unit) -> None:
    """Fill an empty business unit."""
    for name, role in _USERS:
        email = f"{name}@{unit.account.lower()}.example"
        unit.add(USERS, {"email": email, "username": email, "firstName": name.title(), "roleName": role})
    for field_id, kind in _CUSTOM:
        name = field_id.removesuffix("__c").replace("_", " ")
        unit.add(CUSTOM_FIELDS, {"name": name, "fieldId": field_id, "type": kind})
    for name in _CAMPAIGNS:
        unit.add(CAMPAIGNS, {"name": name, "cost": 0})
    for name in _LISTS:
        unit.add(LISTS, {"name": name, "title": name})
    for position, name in enumerate(_STAGES, start=1):
        unit.add(STAGES, {"name": name, "position": position, "matchType": "all"})
    unit.add(OBJECTS["folders"], {"name": "Uncategorized", "path": "Uncategorized"})
    unit.add(OBJECTS["tracker-domains"], {"domain": f"go.{unit.account.lower()}.example", "isPrimary": True})
    program = {"name": "Nurture customers", "status": "Running", "recipientListIds": [1], "suppressionListIds": []}
    unit.add(OBJECTS["engagement-studio-programs"], program)


def samples(unit: Unit, size: int, seed: int) -> dict[str, int]:
    """Make `size` prospects with an activity each, every other on a list; the same for the same seed.

    They are made now, as an import would make them: what reads changes comes upon them.
    """
    random = Random(seed)  # noqa: S311 - repeatable on purpose
    joined = 0
    for number in range(size):
        first, last = random.choice(_FIRST), random.choice(_LAST)
        email = f"{first}.{last}.{seed}-{number}@example.com".lower().replace("é", "e").replace("ä", "a")
        kind, kind_name = random.choice(_ACTIVITIES)
        acted = written(_LONG_AGO + timedelta(minutes=random.randrange(100_000)))
        values = {"email": email, "firstName": first, "lastName": last, "score": random.randrange(100)}
        prospect = unit.add(PROSPECTS, {**values, "campaignId": 1, "lastActivityAt": acted})
        activity = {"type": kind, "typeName": kind_name, "details": "Sample", "campaignId": 1}
        unit.add(ACTIVITIES, {**activity, "prospectId": prospect["id"]})
        if number % 2 == 0:
            joined += 1
            unit.add(MEMBERSHIPS, {"listId": 2, "prospectId": prospect["id"]})
    return {PROSPECTS.name: size, ACTIVITIES.name: size, MEMBERSHIPS.name: joined}
