"""Sales tax: the amount that was sent, else what the transaction's tax code asks for."""

from decimal import Decimal

from connectors.sandbox.quickbooks.company import Company, Entity, cents, number


def taxed(company: Company, detail: Entity, taxable: Decimal, *, fresh: bool) -> Entity:
    """Complete a TxnTaxDetail; `fresh` tells that the request sent it. Raises 2010, 2500 and 610.

    A TotalTax that was sent is kept. Without one, or 0 as python-quickbooks sends it, the rates of TxnTaxCodeRef are
    taken of the lines marked TAX.
    """
    done = dict(detail)
    code = company.reference(done, "TxnTaxCodeRef", "TaxCode")
    sent = cents(number(done.get("TotalTax", 0), "TxnTaxDetail.TotalTax"))
    if code is None or (fresh and sent):
        return {**done, "TotalTax": sent}
    lines = [_line(company, rate["TaxRateRef"], taxable) for rate in _rates(code)]
    return {**done, "TotalTax": sum((line["Amount"] for line in lines), cents(Decimal(0))), "TaxLine": lines}


def _rates(code: Entity) -> list[Entity]:
    rates: list[Entity] = code.get("SalesTaxRateList", {}).get("TaxRateDetail", [])
    return rates


def _line(company: Company, ref: Entity, taxable: Decimal) -> Entity:
    percent = Decimal(company.require("TaxRate", ref["value"])["RateValue"])
    part = {"TaxRateRef": ref, "PercentBased": True, "TaxPercent": percent, "NetAmountTaxable": cents(taxable)}
    return {"Amount": cents(taxable * percent / 100), "DetailType": "TaxLineDetail", "TaxLineDetail": part}
