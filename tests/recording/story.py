"""What happens at all vendors while buyers buy, and what our sources and fetchers tell of it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import suppress

from connectors.ports import Raw
from tests.recording.buyers import Buyer
from tests.recording.company import Company
from tests.recording.people import pardot, quickbooks, salesforce, shopify, stripe, woocommerce

SNAPSHOT = "OpportunitySnapshot"
Told = tuple[str, Raw]
"""A vendor and a record of its."""


async def tell(company: Company, buyers: Sequence[Buyer]) -> list[Told]:
    """Let all these buyers buy everywhere at once, and return the records in the order in which they were read.

    The snapshots of opportunities, which are only read when asked for, come last.
    """
    webhooks: list[Raw] = []
    acts = [act for buyer in buyers for act in _acts(company, buyer, webhooks)]
    while acts:
        for account in company.accounts.values():
            await account.sign_in()
        acts = [act for act in acts if await _goes_on(act)]
        company.records += [("shopify", raw) for raw in webhooks]
        webhooks.clear()
        await company.read()
    won = dict.fromkeys(raw.remote_id for vendor, raw in company.records if (vendor, raw.object) == _OPPORTUNITY)
    company.records += [("salesforce", raw) for raw in await company.fetch("salesforce", SNAPSHOT, list(won))]
    return company.records


_OPPORTUNITY = ("salesforce", "Opportunity")


def _acts(company: Company, buyer: Buyer, webhooks: list[Raw]) -> list[AsyncIterator[None]]:
    at = company.accounts
    return [
        salesforce.act(at["salesforce"], buyer),
        pardot.act(at["pardot"], buyer),
        quickbooks.act(at["quickbooks"], buyer),
        woocommerce.act(at["woocommerce"], buyer),
        shopify.act(at["shopify"], buyer, webhooks),
        stripe.act(at["stripe"], buyer),
    ]


async def _goes_on(act: AsyncIterator[None]) -> bool:
    with suppress(StopAsyncIteration):
        await anext(act)
        return True
    return False
