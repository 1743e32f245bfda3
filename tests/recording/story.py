"""What happens at all vendors while buyers buy, and what our sources and fetchers tell of it."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress

from connectors.ports import Raw
from tests.recording.buyers import Buyer
from tests.recording.company import Company
from tests.recording.people import pardot, quickbooks, salesforce, shopify, stripe, woocommerce

SNAPSHOT = "OpportunitySnapshot"
Told = tuple[str, Raw]
"""A vendor and a record of its."""


Trio = tuple[Buyer, Buyer, Buyer]
"""A buyer whose records are there twice, and two who buy little or nothing, whose records come and go."""


async def tell(company: Company, buyers: Sequence[Buyer], trios: Sequence[Trio] = ()) -> list[Told]:
    """Let all these buyers buy everywhere at once, and return the records in the order in which they were read.

    Beside that somebody tidies up: duplicates are merged, others deleted, some of that is taken back. The snapshots of
    opportunities, which are only read when asked for, come last.
    """
    webhooks: dict[str, list[Raw]] = {"shopify": [], "quickbooks": []}
    acts = [act for buyer in buyers for act in _acts(company, buyer, webhooks)]
    acts += [act for trio in trios for act in _tidied(company, *trio, webhooks)]
    while acts:
        for account in company.accounts.values():
            await account.sign_in()
        acts = [act for act in acts if await _goes_on(act)]
        for vendor, raws in webhooks.items():
            for raw in raws:
                fetched = await company.fetch(vendor, raw.object, [raw.remote_id]) if raw.hint else []
                company.records += [(vendor, told) for told in (raw, *fetched)]
            raws.clear()
        await company.read()
    won = dict.fromkeys(raw.remote_id for vendor, raw in company.records if (vendor, raw.object) == _OPPORTUNITY)
    company.records += [("salesforce", raw) for raw in await company.fetch("salesforce", SNAPSHOT, list(won))]
    return company.records


_OPPORTUNITY = ("salesforce", "Opportunity")


def _acts(company: Company, buyer: Buyer, webhooks: Mapping[str, list[Raw]]) -> list[AsyncIterator[None]]:
    at = company.accounts
    return [
        salesforce.act(at["salesforce"], buyer),
        pardot.act(at["pardot"], buyer),
        quickbooks.act(at["quickbooks"], buyer),
        woocommerce.act(at["woocommerce"], buyer),
        shopify.act(at["shopify"], buyer, webhooks["shopify"]),
        stripe.act(at["stripe"], buyer),
    ]


def _tidied(
    company: Company, buyer: Buyer, other: Buyer, third: Buyer, webhooks: Mapping[str, list[Raw]]
) -> list[AsyncIterator[None]]:
    at = company.accounts
    return [
        salesforce.tidy(at["salesforce"], buyer, other, third),
        pardot.tidy(at["pardot"], other, third),
        quickbooks.tidy(at["quickbooks"], buyer, other, webhooks["quickbooks"]),
        woocommerce.tidy(at["woocommerce"], other, third),
        shopify.tidy(at["shopify"], other, third, webhooks["shopify"]),
        stripe.tidy(at["stripe"], other, third),
    ]


async def _goes_on(act: AsyncIterator[None]) -> bool:
    with suppress(StopAsyncIteration):
        await anext(act)
        return True
    return False
