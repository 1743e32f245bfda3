"""Sample records for backfills: contacts, four to an account, and opportunities of one or two lines."""

from datetime import timedelta
from random import Random

from connectors.sandbox.salesforce import records
from connectors.sandbox.salesforce.org import Unit

_FIRST = ("Ada", "Benedikt", "Chiara", "Dmitri", "Élodie", "Farid", "Grace", "Hiroshi")
_LAST = ("Okafor", "Lindqvist", "Moreau", "Nakamura", "O'Brien", "Petrov", "Quiroga", "Schäfer")
_OBJECTS = ("Account", "Contact", "Opportunity", "OpportunityLineItem", "OpportunityContactRole")
_CONTACTS, _DEAL_EVERY = 4, 4
_TRADES = ("Logistics", "Foods", "Robotics", "Textiles", "Energy", "Optics")


def make(unit: Unit, size: int, seed: int) -> dict[str, int]:
    """Make `size` contacts with what belongs to them, the same for the same seed; returns counts by object."""
    maker = _Maker(unit, seed)
    for number in range(0, size, _CONTACTS):
        maker.account(number // _CONTACTS, min(_CONTACTS, size - number))
        unit.commit()
    return maker.made


class _Maker:
    def __init__(self, unit: Unit, seed: int) -> None:
        self._unit = unit
        self._seed = seed
        self._random = Random(seed)  # noqa: S311 - repeatable on purpose
        self._stages = [row["ApiName"] for row in unit.scan("OpportunityStage")]
        self._prices = [row["Id"] for row in unit.scan("PricebookEntry")]
        self.made: dict[str, int] = dict.fromkeys(_OBJECTS, 0)

    def account(self, number: int, contacts: int) -> None:
        """One account with so many contacts; every fourth has an opportunity."""
        mark = f"{self._seed}-{number}"
        company = f"{self._random.choice(_LAST)} {self._random.choice(_TRADES)} {mark}"
        account = self._create("Account", Name=company, BillingCountry="United States")
        people = [self._contact(account, f"{mark}-{person}") for person in range(contacts)]
        if number % _DEAL_EVERY == 0:
            self._deal(account, company, people[0])

    def _contact(self, account: str, mark: str) -> str:
        first, last = self._random.choice(_FIRST), self._random.choice(_LAST)
        email = f"{first}.{last}.{mark}@example.com".lower().replace("'", "")
        return self._create("Contact", FirstName=first, LastName=last, Email=email, AccountId=account)

    def _deal(self, account: str, company: str, contact: str) -> None:
        closes = (self._unit.now + timedelta(days=self._random.randrange(-60, 60))).date().isoformat()
        stage = self._random.choice(self._stages)
        deal = self._create("Opportunity", Name=f"{company} deal", StageName=stage, CloseDate=closes, AccountId=account)
        for price in self._random.sample(self._prices, self._random.randint(1, 2)):
            quantity, each = self._random.randint(1, 20), self._random.randint(10, 2000)
            line = {"PricebookEntryId": price, "Quantity": quantity, "UnitPrice": each}
            self._create("OpportunityLineItem", OpportunityId=deal, **line)
        self._create("OpportunityContactRole", OpportunityId=deal, ContactId=contact, IsPrimary=True)

    def _create(self, name: str, **values: object) -> str:
        self.made[name] += 1
        return records.create(self._unit, self._unit.org.schema.addressed(name), values)
