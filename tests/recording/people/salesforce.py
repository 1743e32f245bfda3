"""A salesperson: a lead that is converted, an account with its contact, an opportunity with two lines that is won.

And what is entered twice, merged, deleted and taken back.
"""

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


async def tidy(site: Site, buyer: Buyer, other: Buyer, third: Buyer) -> AsyncIterator[None]:
    """Enter the buyer's company and person once more and merge them; delete others, and take some of that back.

    The `third` shares a mailbox with a relative.
    """
    same = {"FirstName": buyer.given, "LastName": buyer.family, "Email": buyer.email}
    account = await _create(site, "Account", Name=f"{buyer.company}, Inc.", Phone=buyer.phone)
    contact = await _create(site, "Contact", **same, AccountId=account)
    person = {"LastName": other.family, "Email": other.email}
    shop = await _create(site, "Account", Name=other.company, Phone=other.phone)
    clerk = await _create(site, "Contact", FirstName=other.given, **person, AccountId=shop)
    lost = await _create(site, "Lead", FirstName=third.family, LastName=third.given, Company=third.company)
    yield
    home = {"LastName": third.family, "Email": third.email}
    await _create(site, "Contact", **home, FirstName=third.given, Title="Buyer")
    await _create(site, "Contact", **home, FirstName="Quincy", Title="Owner")
    await _update(site, "Contact", contact, Title="Purchasing")
    yield
    await site.call("DELETE", f"{DATA}/sobjects/Contact/{clerk}")
    await site.call("DELETE", f"{DATA}/sobjects/Lead/{lost}")
    yield
    await _soap(site, f"<urn:undelete><urn:ids>{clerk}</urn:ids></urn:undelete>")
    sale = {"StageName": "Prospecting", "CloseDate": "2026-03-01", "AccountId": shop}
    open_ = await _create(site, "Opportunity", Name=f"{other.company}: renewal", **sale)
    mistaken = await _create(site, "Opportunity", Name=f"{other.company}: typo", **sale)
    for _ in range(7):
        yield  # until the buyer has what is merged
    main = await _one(site, f"SELECT AccountId FROM Contact WHERE Email = '{buyer.email}' AND Id != '{contact}'")  # noqa: S608
    first = await _one(site, f"SELECT Id FROM Contact WHERE Email = '{buyer.email}' AND Id != '{contact}'")  # noqa: S608
    await _merge(site, "Contact", *((first, contact) if buyer.number % 2 else (contact, first)), buyer)
    await _update(site, "Opportunity", mistaken, StageName="Closed Won")
    yield
    await _merge(site, "Account", *((main, account) if buyer.number % 2 else (account, main)), buyer)
    await site.call("DELETE", f"{DATA}/sobjects/Opportunity/{open_}")
    yield
    await site.call("DELETE", f"{DATA}/sobjects/Opportunity/{mistaken}")
    yield
    await site.call("DELETE", f"{DATA}/sobjects/Account/{shop}")  # with its contact
    yield
    await _soap(site, f"<urn:undelete><urn:ids>{shop}</urn:ids></urn:undelete>")
    yield
    await _update(site, "Contact", clerk, Title="Clerk")


async def _merge(site: Site, object_type: str, master: str, loser: str, buyer: Buyer) -> None:
    """Merge two records of a buyer; who merges chooses the values, here those of the buyer."""
    name = f"<urn:Name>{buyer.company}</urn:Name>" if object_type == "Account" else "<urn:Title>Head</urn:Title>"
    kept = f"<urn:masterRecord xsi:type='urn:{object_type}'><urn:Id>{master}</urn:Id>{name}</urn:masterRecord>"
    request = f"<urn:request>{kept}<urn:recordToMergeIds>{loser}</urn:recordToMergeIds></urn:request>"
    await _soap(site, f"<urn:merge>{request}</urn:merge>")


async def _soap(site: Site, call: str) -> None:
    namespaces = (
        'xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:urn="urn:partner.soap.sforce.com" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    )
    session = (
        f"<urn:SessionHeader><urn:sessionId>{site.credentials['access_token']}</urn:sessionId></urn:SessionHeader>"
    )
    envelope = (
        f"<soapenv:Envelope {namespaces}><soapenv:Header>{session}</soapenv:Header>"
        f"<soapenv:Body>{call}</soapenv:Body></soapenv:Envelope>"
    )
    headers = {"Content-Type": "text/xml; charset=UTF-8", "SOAPAction": '""'}
    await site.clock.sleep(1)
    answer = await site.http.post("/services/Soap/u/67.0", content=envelope, headers=headers)
    if not answer.is_success or "<success>true" not in answer.text:
        raise AssertionError(f"{call}: {answer.status_code} {answer.text}")


async def _create(site: Site, object_type: str, **fields: Any) -> str:
    return str((await site.call("POST", f"{DATA}/sobjects/{object_type}", json=fields))["id"])


async def _update(site: Site, object_type: str, record_id: str, **fields: Any) -> None:
    await site.call("PATCH", f"{DATA}/sobjects/{object_type}/{record_id}", json=fields)


async def _one(site: Site, soql: str) -> str:
    return str((await site.call("GET", f"{DATA}/query", params={"q": soql}))["records"][0][soql.split()[1]])
