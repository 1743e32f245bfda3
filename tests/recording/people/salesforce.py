"""A salesperson: a lead that is converted, an account with its contact, an opportunity with two lines that is won."""

from collections.abc import AsyncIterator
from typing import Any

from tests.recording.buyers import Buyer
from tests.recording.company import Site

DATA = "/services/data/v67.0"


async def act(site: Site, buyer: Buyer) -> AsyncIterator[None]:
    """Do one thing after the other."""
    person = {"FirstName": buyer.given, "LastName": buyer.family, "Email": buyer.email, "Phone": buyer.phone}
    lead = await _create(site, "Lead", **person, Company=buyer.company, LeadSource="Web", Industry="Retail")
    yield
    await _update(site, "Lead", lead, Status="Working - Contacted", Street=buyer.street, City=buyer.town)
    yield
    made = await site.call(
        "POST", "/services/apexrest/convert-lead", json={"leadId": lead, "convertedStatus": "Closed - Converted"}
    )
    yield
    place = {"Street": f"{buyer.street}\r\nSuite 5", "City": buyer.town, "State": buyer.state, "PostalCode": buyer.zip}
    billing = {f"Billing{name}": value for name, value in place.items()}
    website = f"https://www.{buyer.domain}"
    await _update(site, "Account", made["accountId"], **billing, BillingCountry="United States", Website=website)
    mailing = {f"Mailing{name}": value for name, value in place.items()}
    await _update(site, "Contact", made["contactId"], **mailing, MobilePhone="", HasOptedOutOfEmail=False)
    yield
    opportunity = made["opportunityId"]
    for code, quantity in (("EDGE-GW", 2), ("SVC-ONB", 1)):
        entry = await _one(site, f"SELECT Id FROM PricebookEntry WHERE Product2.ProductCode = '{code}'")  # noqa: S608
        line = {"OpportunityId": opportunity, "PricebookEntryId": entry, "Quantity": quantity}
        await _create(site, "OpportunityLineItem", **line, UnitPrice=float(buyer.cents(100, 900)))
    yield
    await _update(site, "Opportunity", opportunity, Name=f"{buyer.company}: rollout", CloseDate="2026-03-01")
    yield
    await _update(site, "Opportunity", opportunity, StageName="Closed Won")
    yield
    await _update(site, "Account", made["accountId"], Industry="Manufacturing")
    yield
    await _update(site, "Contact", made["contactId"], Title="Head of Purchasing", Department=str(buyer.number))


async def _create(site: Site, object_type: str, **fields: Any) -> str:
    return str((await site.call("POST", f"{DATA}/sobjects/{object_type}", json=fields))["id"])


async def _update(site: Site, object_type: str, record_id: str, **fields: Any) -> None:
    await site.call("PATCH", f"{DATA}/sobjects/{object_type}/{record_id}", json=fields)


async def _one(site: Site, soql: str) -> str:
    return str((await site.call("GET", f"{DATA}/query", params={"q": soql}))["records"][0]["Id"])
