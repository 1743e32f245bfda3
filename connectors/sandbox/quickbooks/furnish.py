"""What every new company has: accounts, terms, tax codes, classes, an item, its own data and preferences."""

from decimal import Decimal
from typing import Any

from connectors.sandbox.quickbooks.company import HOME_CURRENCY, Company, Entity
from connectors.sandbox.quickbooks.currency import FOREIGN
from connectors.sandbox.quickbooks.kinds import KINDS
from connectors.sandbox.quickbooks.sales import CUSTOM_FIELDS

# Ids follow the order: lines.py, sales.py and payments.py count on 4 (undeposited funds) and 5 (discounts).
ACCOUNTS = (
    ("Services", "Income", "ServiceFeeIncome", "Revenue"),
    ("Sales of Product Income", "Income", "SalesOfProductIncome", "Revenue"),
    ("Accounts Receivable (A/R)", "Accounts Receivable", "AccountsReceivable", "Asset"),
    ("Undeposited Funds", "Other Current Asset", "UndepositedFunds", "Asset"),
    ("Discounts given", "Income", "DiscountsRefundsGiven", "Revenue"),
    ("Cost of Goods Sold", "Cost of Goods Sold", "SuppliesMaterialsCogs", "Expense"),
    ("Inventory Asset", "Other Current Asset", "Inventory", "Asset"),
    ("Checking", "Bank", "Checking", "Asset"),
    ("Sales Tax Payable", "Other Current Liability", "SalesTaxPayable", "Liability"),
)
TERMS = (("Due on receipt", 0), ("Net 15", 15), ("Net 30", 30))
TAX_RATES = (("California", 8, "2"), ("Arizona", Decimal("5.6"), "3"))
CLASSES = ("Web", "Partner")
PAYMENT_METHODS = (("Cash", "NON_CREDIT_CARD"), ("Check", "NON_CREDIT_CARD"), ("Credit Card", "CREDIT_CARD"))


def furnish(company: Company) -> None:
    """Fill an empty company."""
    for name, type_, subtype, classification in ACCOUNTS:
        _add(
            company,
            "Account",
            Name=name,
            FullyQualifiedName=name,
            AccountType=type_,
            AccountSubType=subtype,
            Classification=classification,
            CurrentBalance=0,
            SubAccount=False,
            CurrencyRef=dict(HOME_CURRENCY),
        )
    for name, days in TERMS:
        _add(company, "Term", Name=name, Type="STANDARD", DueDays=days, DiscountDays=0)
    for name in CLASSES:
        _add(company, "Class", Name=name, FullyQualifiedName=name, SubClass=False)
    for name, type_ in PAYMENT_METHODS:
        _add(company, "PaymentMethod", Name=name, Type=type_)
    for id_, taxable in (("TAX", True), ("NON", False)):
        _add(company, "TaxCode", id_=id_, Name=id_, Description=id_, Taxable=taxable, TaxGroup=False)
    for name, percent, id_ in TAX_RATES:
        rate = company.insert(
            KINDS["TaxRate"], {"Active": True, "Name": name, "Description": name, "RateValue": percent}
        )
        part = {"TaxRateRef": {"value": rate["Id"], "name": name}, "TaxTypeApplicable": "TaxOnAmount", "TaxOrder": 0}
        rates = {"TaxRateDetail": [part]}
        _add(
            company,
            "TaxCode",
            id_=id_,
            Name=name,
            Description=name,
            Taxable=True,
            TaxGroup=True,
            SalesTaxRateList=rates,
        )
    for code, name in FOREIGN:
        _add(company, "CompanyCurrency", Code=code, Name=name)
    income = {"value": "1", "name": "Services"}
    _add(
        company,
        "Item",
        Name="Services",
        FullyQualifiedName="Services",
        Type="Service",
        UnitPrice=0,
        PurchaseCost=0,
        Taxable=False,
        TrackQtyOnHand=False,
        IncomeAccountRef=income,
    )
    company.insert(KINDS["CompanyInfo"], _company_info(company), id_="1")
    company.insert(KINDS["Preferences"], _preferences(), id_="1")
    company.changes.clear()


def shown_preferences(company: Company, stored: Entity) -> Entity:
    """The preferences with what the admin's switches say."""
    forms = {**stored["SalesFormsPrefs"], "CustomTxnNumbers": company.settings["custom_txn_numbers"]}
    accounting = dict(stored["AccountingInfoPrefs"])
    if company.settings["book_close_date"]:
        accounting["BookCloseDate"] = company.settings["book_close_date"]
    currency = {**stored["CurrencyPrefs"], "MultiCurrencyEnabled": company.settings["multi_currency"]}
    return {**stored, "SalesFormsPrefs": forms, "AccountingInfoPrefs": accounting, "CurrencyPrefs": currency}


def _add(company: Company, kind: str, *, id_: str | None = None, **properties: Any) -> None:
    company.insert(KINDS[kind], {"Active": True, **properties}, id_=id_)


def _company_info(company: Company) -> Entity:
    name = f"Sandbox Company {company.account}"
    address = {
        "Id": "1",
        "Line1": "123 Sierra Way",
        "City": "San Pablo",
        "CountrySubDivisionCode": "CA",
        "PostalCode": "87999",
        "Country": "USA",
    }
    return {
        "CompanyName": name,
        "LegalName": name,
        "CompanyAddr": address,
        "CustomerCommunicationAddr": address,
        "LegalAddr": address,
        "Email": {"Address": f"{company.account}@company.example"},
        "CompanyStartDate": "2024-01-01",
        "FiscalYearStartMonth": "January",
        "Country": "US",
        "SupportedLanguages": "en",
        "NameValue": [
            {"Name": "SubscriptionStatus", "Value": "PAID"},
            {"Name": "OfferingSku", "Value": "QuickBooks Online Plus"},
            {"Name": "ItemCategoriesFeature", "Value": "true"},
        ],
    }


def _preferences() -> Entity:
    uses = [
        {"Name": f"SalesFormsPrefs.UseSalesCustom{id_}", "Type": "BooleanType", "BooleanValue": True}
        for id_ in CUSTOM_FIELDS
    ]
    labels = [
        {"Name": f"SalesFormsPrefs.SalesCustomName{id_}", "Type": "StringType", "StringValue": name}
        for id_, name in CUSTOM_FIELDS.items()
    ]
    return {
        "AccountingInfoPrefs": {
            "ClassTrackingPerTxn": True,
            "ClassTrackingPerTxnLine": True,
            "TrackDepartments": True,
            "UseAccountNumbers": False,
        },
        "ProductAndServicesPrefs": {"ForSales": True, "ForPurchase": True, "QuantityOnHand": True},
        "SalesFormsPrefs": {
            "AllowDeposit": True,
            "AllowDiscount": True,
            "AllowServiceDate": True,
            "AllowShipping": False,
            "AutoApplyCredit": False,
            "AutoApplyPayments": False,
            "DefaultTerms": {"value": "3"},
            "CustomField": [{"CustomField": uses}, {"CustomField": labels}],
        },
        "TaxPrefs": {"UsingSalesTax": True, "PartnerTaxEnabled": False},
        "CurrencyPrefs": {"MultiCurrencyEnabled": False, "HomeCurrency": {"value": HOME_CURRENCY["value"]}},
        "EmailMessagesPrefs": {},
        "OtherPrefs": {"NameValue": [{"Name": "SalesFormsPrefs.DefaultItem", "Value": "1"}]},
        "ReportPrefs": {"ReportBasis": "Accrual", "CalcAgingReportFromTxnDate": False},
        "TimeTrackingPrefs": {"UseServices": False, "BillCustomers": False, "WorkWeekStartDate": "Monday"},
        "VendorAndPurchasesPrefs": {"TrackingByCustomer": False, "BillableExpenseTracking": False},
    }
