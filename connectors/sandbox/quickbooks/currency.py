"""Money in several currencies: whose, at what rate, and what it is worth at home.

Source: developer.intuit.com, "Manage multiple currencies". Off in a new company; switch `multi_currency` turns it on.
"""

from decimal import Decimal

from connectors.sandbox.quickbooks.company import HOME_CURRENCY, Company, Entity, cents, day, number
from connectors.sandbox.quickbooks.fault import QboError, missing

RATE = "ExchangeRate"
"""Stored rates, under `CODE/date`; not an entity of the query language here."""
FOREIGN = (("EUR", "Euro"), ("GBP", "British Pound Sterling"), ("CAD", "Canadian Dollar"))


def own_currency(company: Company, entity: Entity, old: Entity | None) -> None:
    """Complete the currency of a person, firm or account, which never changes. Raises 2500 and 6000."""
    entity["CurrencyRef"] = _known(company, entity.get("CurrencyRef"))
    if old is not None and old.get("CurrencyRef", HOME_CURRENCY)["value"] != entity["CurrencyRef"]["value"]:
        raise QboError("6000", "The currency cannot be changed once it is set", "CurrencyRef")


def deal_currency(company: Company, transaction: Entity, customer: Entity | None) -> None:
    """Complete a transaction's currency, which is its customer's, and its rate. Raises 2020, 2500 and 6000."""
    several = company.settings["multi_currency"]
    if several and "CurrencyRef" not in transaction:
        raise missing("CurrencyRef")
    transaction["CurrencyRef"] = _known(company, transaction.get("CurrencyRef"))
    if not several:
        return
    code = transaction["CurrencyRef"]["value"]
    if customer is not None and customer["CurrencyRef"]["value"] != code:
        detail = "Business Validation Error: the currency of the transaction is not the currency of the customer"
        raise QboError("6000", detail, "CurrencyRef")
    if code == HOME_CURRENCY["value"]:
        transaction["ExchangeRate"] = 1
        return
    given = transaction.get("ExchangeRate")
    # python-quickbooks sends 1 where nothing was set.
    rate = number(given, "ExchangeRate") if given not in (None, 1) else rate_of(company, code, transaction["TxnDate"])
    if rate <= 0:
        raise QboError("6000", "The exchange rate must be greater than 0", "ExchangeRate")
    transaction["ExchangeRate"] = rate


def at_home(company: Company, transaction: Entity) -> None:
    """Fill in what a transaction is worth in the company's own currency."""
    if not company.settings["multi_currency"]:
        return
    rate = Decimal(transaction["ExchangeRate"])
    for foreign, home in (("TotalAmt", "HomeTotalAmt"), ("Balance", "HomeBalance")):
        if foreign in transaction:
            transaction[home] = cents(Decimal(transaction[foreign]) * rate)


def rate_of(company: Company, code: str, on: str) -> Decimal:
    """Home units per unit of a currency: the latest rate stored up to a day, 1 without one."""
    dated = [rate for rate in company.all(RATE) if rate["SourceCurrencyCode"] == code and rate["AsOfDate"] <= on]
    return Decimal(max(dated, key=lambda rate: str(rate["AsOfDate"]))["Rate"]) if dated else Decimal(1)


def shown_rate(company: Company, code: str | None, on: str | None) -> Entity:
    """Answer `GET exchangerate`. Raises 2020, 2500 and 5030."""
    _several(company)
    if not code:
        raise missing("sourcecurrencycode")
    currency = _known(company, {"value": code.upper()})["value"]
    date = day(on or company.today(), "asofdate").isoformat()
    return _rate(company, currency, date, rate_of(company, currency, date))


def set_rate(company: Company, sent: Entity) -> Entity:
    """Store a rate; the key is currency and day, there is no Id. Raises 2010, 2020, 2500, 5030 and 6000."""
    _several(company)
    for name in ("SourceCurrencyCode", "AsOfDate", "Rate"):
        if name not in sent:
            raise missing(name)
    currency = _known(company, {"value": str(sent["SourceCurrencyCode"]).upper()})["value"]
    date = day(sent["AsOfDate"], "AsOfDate").isoformat()
    rate = number(sent["Rate"], "Rate")
    if rate <= 0:
        raise QboError("6000", "The exchange rate must be greater than 0", "Rate")
    stored = _rate(company, currency, date, rate)
    company.ctx.database.put(company.account, RATE, f"{currency}/{date}", stored)
    return stored


def _rate(company: Company, currency: str, date: str, rate: Decimal) -> Entity:
    return {
        "SourceCurrencyCode": currency,
        "TargetCurrencyCode": HOME_CURRENCY["value"],
        "Rate": rate,
        "AsOfDate": date,
        "MetaData": {"LastUpdatedTime": company.stamp()},
    }


def _several(company: Company) -> None:
    if not company.settings["multi_currency"]:
        raise QboError("5030", "Feature Not Supported Error: Multi Currency should be enabled")


def _known(company: Company, sent: Entity | None) -> dict[str, str]:
    code = str((sent or HOME_CURRENCY).get("value", HOME_CURRENCY["value"]))
    if code == HOME_CURRENCY["value"]:
        return dict(HOME_CURRENCY)
    if not company.settings["multi_currency"]:
        raise QboError("6000", "Business Validation Error: Multi Currency should be enabled", "CurrencyRef")
    for currency in company.find("CompanyCurrency", "Code", code):
        if currency["Active"]:
            return {"value": code, "name": currency["Name"]}
    raise QboError("2500", f"Invalid Reference Id : Currency element id {code} not found", "CurrencyRef")
