"""Sample records for backfills: accounts, each with a contact and an opportunity of one or two lines."""

from datetime import timedelta
from random import Random

from connectors.sandbox.salesforce import records
from connectors.sandbox.salesforce.org import Unit

_FIRST = ("Ada", "Benedikt", "Chiara", "Dmitri", "Élodie", "Farid", "Grace", "Hiroshi")
_LAST = ("Okafor", "Lindqvist", "Moreau", "Nakamura", "O'Brien", "Petrov", "Quiroga", "Schäfer")
_TRADES = ("Logistics", "Foods", "Robotics", "Textiles", "Energy", "Optics")


def make(unit: Unit, size: int, seed: int) -> dict[str, int]:
    """Make `size` accounts with what belongs to them, the same for the same seed; returns counts by object."""
    random = Random(seed)  # noqa: S311 - repeatable on purpose
    stages = [row["ApiName"] for row in unit.scan("OpportunityStage")]
    prices = [row["Id"] for row in unit.scan("PricebookEntry")]
    made = dict.fromkeys(("Account", "Contact", "Opportunity", "OpportunityLineItem", "OpportunityContactRole"), 0)

    def create(name: str, **values: object) -> str:
        made[name] += 1
        return records.create(unit, unit.org.schema.addressed(name), values)

    for number in range(size):
        first, last = random.choice(_FIRST), random.choice(_LAST)
        mark = f"{seed}-{number}"
        company = f"{last} {random.choice(_TRADES)} {mark}"
        account = create("Account", Name=company, BillingCountry="United States")
        email = f"{first}.{last}.{mark}@example.com".lower().replace("'", "")
        contact = create("Contact", FirstName=first, LastName=last, Email=email, AccountId=account)
        closes = (unit.now + timedelta(days=random.randrange(-60, 60))).date().isoformat()
        stage = random.choice(stages)
        deal = create("Opportunity", Name=f"{company} deal", StageName=stage, CloseDate=closes, AccountId=account)
        for price in random.sample(prices, random.randint(1, 2)):
            line = {"PricebookEntryId": price, "Quantity": random.randint(1, 20), "UnitPrice": random.randint(10, 2000)}
            create("OpportunityLineItem", OpportunityId=deal, **line)
        create("OpportunityContactRole", OpportunityId=deal, ContactId=contact, IsPrimary=True)
        unit.commit()
    return made
