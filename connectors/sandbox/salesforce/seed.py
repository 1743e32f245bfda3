"""What a new org holds: its organization and users, stages and statuses, the standard price book and four products."""

from decimal import Decimal

from connectors.sandbox.salesforce.changes import Record
from connectors.sandbox.salesforce.fields import stamp
from connectors.sandbox.salesforce.org import Unit
from connectors.sandbox.salesforce.rules import full_name

# ApiName, DefaultProbability, ForecastCategory, ForecastCategoryName, IsClosed, IsWon: the stages of a new org.
_STAGES = (
    ("Prospecting", 10, "Pipeline", "Pipeline", False, False),
    ("Qualification", 10, "Pipeline", "Pipeline", False, False),
    ("Needs Analysis", 20, "Pipeline", "Pipeline", False, False),
    ("Value Proposition", 50, "Pipeline", "Pipeline", False, False),
    ("Id. Decision Makers", 60, "Pipeline", "Pipeline", False, False),
    ("Perception Analysis", 70, "Pipeline", "Pipeline", False, False),
    ("Proposal/Price Quote", 75, "Pipeline", "Pipeline", False, False),
    ("Negotiation/Review", 90, "Pipeline", "Pipeline", False, False),
    ("Closed Won", 100, "Closed", "Closed", True, True),
    ("Closed Lost", 0, "Omitted", "Omitted", True, False),
)
_STATUSES = (
    ("Open - Not Contacted", True, False),
    ("Working - Contacted", False, False),
    ("Closed - Converted", False, True),
    ("Closed - Not Converted", False, False),
)
# Name, ProductCode, Family, list price.
_PRODUCTS = (
    ("Edge Gateway", "EDGE-GW", "Hardware", "1200.00"),
    ("Edge Sensor", "EDGE-SN", "Hardware", "89.50"),
    ("Platform Subscription", "PLAT-SUB", "Subscription", "300.00"),
    ("Onboarding Workshop", "SVC-ONB", "Service", "1500.00"),
)
_ZONE = "America/New_York"
INTEGRATION, SALES = "integration", "sales"


def username(account: str, kind: str = INTEGRATION) -> str:
    """Of the user that clients act as, or of the one who works in the org by hand."""
    return f"{kind}@{account}.example"


def furnish(unit: Unit) -> None:
    """Fill an empty org.

    The organization is its first record, so that the org's id follows from its pod alone.
    """
    org = unit.org
    _insert(
        unit,
        "Organization",
        Name=f"Sluiceway sandbox {org.name}",
        TimeZoneSidKey=_ZONE,
        DefaultLocaleSidKey="en_US",
        CurrencyIsoCode="USD",
        OrganizationType="Developer Edition",
        InstanceName="LOCAL",
        FiscalYearStartMonth=Decimal(1),
    )
    for kind, first, last in ((INTEGRATION, "Integration", "User"), (SALES, "Sales", "Rep")):
        _insert(
            unit,
            "User",
            Username=username(org.name, kind),
            FirstName=first,
            LastName=last,
            Email=username(org.name, kind),
            IsActive=True,
            TimeZoneSidKey=_ZONE,
            LocaleSidKey="en_US",
            LanguageLocaleKey="en_US",
        )
    for order, (name, probability, category, label, closed, won) in enumerate(_STAGES, start=1):
        _insert(
            unit,
            "OpportunityStage",
            MasterLabel=name,
            ApiName=name,
            IsActive=True,
            SortOrder=Decimal(order),
            IsClosed=closed,
            IsWon=won,
            ForecastCategory=category,
            ForecastCategoryName=label,
            DefaultProbability=Decimal(probability),
        )
    for order, (name, default, converted) in enumerate(_STATUSES, start=1):
        _insert(
            unit,
            "LeadStatus",
            MasterLabel=name,
            ApiName=name,
            SortOrder=Decimal(order),
            IsDefault=default,
            IsConverted=converted,
        )
    _catalogue(unit)


def _catalogue(unit: Unit) -> None:
    book = _insert(unit, "Pricebook2", Name="Standard Price Book", IsActive=True, IsStandard=True)
    for name, code, family, price in _PRODUCTS:
        product = _insert(unit, "Product2", Name=name, ProductCode=code, Family=family, IsActive=True)
        _insert(
            unit,
            "PricebookEntry",
            Name=name,
            ProductCode=code,
            Pricebook2Id=book["Id"],
            Product2Id=product["Id"],
            UnitPrice=Decimal(price),
            IsActive=True,
        )


def _insert(unit: Unit, name: str, **values: object) -> Record:
    """Insert past the API's rights: set-up objects cannot be written by callers."""
    base = unit.org.schema.addressed(name)
    record: Record = {field: False if base.fields[field].kind == "boolean" else None for field in base.fields}
    record |= values | {"Id": unit.org.next_id(base.prefix), "CreatedDate": stamp(unit.now)}
    if name == "User":
        record["Name"] = full_name(record)
    user = record["Id"] if name == "User" else next((found["Id"] for found in unit.scan("User")), None)
    record["CreatedById"] = record["LastModifiedById"] = user
    unit.put(name, record)
    return record
