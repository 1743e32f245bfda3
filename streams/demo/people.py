"""What people of the company do, each with the tool they would use: none of these clients is ours."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, TypeVar

import httpx
import requests
from intuitlib.client import AuthClient
from quickbooks import QuickBooks
from quickbooks.exceptions import QuickbooksException
from quickbooks.objects import Customer, Invoice, Payment, PaymentLine
from simple_salesforce.api import Salesforce
from simple_salesforce.format import format_soql

from streams.demo.company import Company

API_VERSION = "67.0"
THROTTLED = "ThrottleExceeded"
PATIENCE = 60

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Deal:
    """Ids of what the salesperson made."""

    account: str
    contact: str
    opportunity: str


class Marketer:
    """Works in Pardot, over plain HTTP: there is no community client of its API v5 to be installed."""

    def __init__(self, company: Company) -> None:
        known = company.credentials["pardot"]
        self._http = httpx.Client(
            base_url=f"{known['base_url']}/api/v5/objects",
            headers={
                "Authorization": f"Bearer {known['access_token']}",
                "Pardot-Business-Unit-Id": known["business_unit_id"],
            },
        )

    def close(self) -> None:
        """Hang up."""
        self._http.close()

    def sign_up(self, email: str, first: str, last: str) -> int:
        """Create the prospect a web form would create; return its id."""
        prospect = {"email": email, "firstName": first, "lastName": last, "source": "Web form"}
        made = self._http.post("/prospects", params={"fields": "id"}, json=prospect)
        return int(made.raise_for_status().json()["id"])

    def look_up(self, email: str) -> list[dict[str, Any]]:
        """Return all prospects with this address."""
        fields = "id,email,Lifetime_Value__c,Last_Payment_On__c,Last_Payment_Amount__c,Open_Balance__c"
        found = self._http.get("/prospects", params={"fields": fields, "email": email})
        return list(found.raise_for_status().json()["values"])


class Salesperson:
    """Works in Salesforce with simple-salesforce."""

    def __init__(self, company: Company) -> None:
        known = company.credentials["salesforce"]
        self._session = session = requests.Session()
        session.trust_env = False  # a CA bundle in the environment would win over `verify`
        session.verify = known["ca_file"]
        # Its attributes are the org's objects, which no type can know.
        self._client: Any = Salesforce(
            session_id=known["access_token"], instance_url=known["https_url"], session=session, version=API_VERSION
        )

    def close(self) -> None:
        """Hang up."""
        self._session.close()

    def open_deal(self, company: str, email: str, first: str, last: str, lines: dict[str, int]) -> Deal:
        """Create account, contact and an opportunity with one line per product code and quantity."""
        client = self._client
        account = client.Account.create({"Name": company, "Industry": "Manufacturing"})["id"]
        contact = {"FirstName": first, "LastName": last, "Email": email, "AccountId": account}
        contact_id = client.Contact.create(contact)["id"]
        book = client.query("SELECT Id FROM Pricebook2 WHERE IsStandard = true")["records"][0]["Id"]
        opportunity = client.Opportunity.create(
            {
                "Name": f"{company}: edge rollout",
                "AccountId": account,
                "StageName": "Negotiation/Review",
                "CloseDate": date.today().isoformat(),  # noqa: DTZ011  a person's calendar
                "LeadSource": "Web",
                "Pricebook2Id": book,
            }
        )["id"]
        for code, quantity in lines.items():
            entry = self._price(code)
            client.OpportunityLineItem.create(
                {
                    "OpportunityId": opportunity,
                    "PricebookEntryId": entry["Id"],
                    "Quantity": quantity,
                    "UnitPrice": entry["UnitPrice"],
                }
            )
        client.OpportunityContactRole.create(
            {"OpportunityId": opportunity, "ContactId": contact_id, "Role": "Decision Maker", "IsPrimary": True}
        )
        return Deal(account, contact_id, opportunity)

    def _price(self, code: str) -> dict[str, Any]:
        query = (
            "SELECT Id, UnitPrice FROM PricebookEntry WHERE Product2.ProductCode = {} AND Pricebook2.IsStandard = true"
        )
        return dict(self._client.query(format_soql(query, code))["records"][0])

    def win(self, deal: Deal) -> None:
        """Close the opportunity Won."""
        self._client.Opportunity.update(deal.opportunity, {"StageName": "Closed Won"})

    def opportunity(self, deal: Deal) -> dict[str, Any]:
        """Read the opportunity."""
        return dict(self._client.Opportunity.get(deal.opportunity))

    def account(self, deal: Deal) -> dict[str, Any]:
        """Read the account."""
        return dict(self._client.Account.get(deal.account))


class Bookkeeper:
    """Works in QuickBooks with python-quickbooks, which is told of another host by a class attribute.

    It insists on https, so `REQUESTS_CA_BUNDLE` must name the sandbox's authority.
    """

    def __init__(self, company: Company) -> None:
        known = company.credentials["quickbooks"]
        QuickBooks.api_url_v3 = known["api_url"].replace(known["base_url"], known["https_url"])
        discovery = f"{known['https_url']}/.well-known/openid_sandbox_configuration"
        auth = AuthClient(
            known["client_id"],
            known["client_secret"],
            "https://app.example/callback",
            discovery,
            access_token=known["access_token"],
        )
        self._auth = auth
        self._client = QuickBooks(auth_client=auth, company_id=known["realm"], minorversion=75)

    def close(self) -> None:
        """Hang up."""
        self._client.session.close()
        self._auth.close()

    def customers(self, name: str) -> list[Customer]:
        """Return the customers of that display name."""
        return _patiently(lambda: list(Customer.filter(DisplayName=name, qb=self._client)))

    def invoices(self, customer: Customer) -> list[Invoice]:
        """Return the customer's invoices."""
        return _patiently(lambda: list(Invoice.filter(CustomerRef=customer.Id, qb=self._client)))

    def invoice(self, invoice_id: str) -> Invoice:
        """Return one invoice."""
        return _patiently(lambda: Invoice.get(invoice_id, qb=self._client))

    def take_payment(self, invoice: Invoice) -> Payment:
        """Receive the invoice's full balance."""
        line = PaymentLine()
        line.Amount = invoice.Balance
        line.LinkedTxn = [invoice.to_linked_txn()]
        payment = Payment()
        payment.CustomerRef = invoice.CustomerRef
        payment.TotalAmt = invoice.Balance
        payment.Line = [line]
        return _patiently(lambda: payment.save(qb=self._client))


def _patiently(ask: Callable[[], T]) -> T:
    """Return QuickBooks' answer; the client does not wait by itself when QuickBooks says that we ask too often."""
    for _ in range(PATIENCE):
        try:
            return ask()
        except QuickbooksException as error:
            if THROTTLED not in str(error):
                raise
        time.sleep(1.0)
    return ask()


def money(value: Any) -> Decimal:
    """Return an amount as the client gives it, to the cent."""
    return Decimal(str(value)).quantize(Decimal("0.01"))
