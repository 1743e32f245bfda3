"""The entities: which properties they have, which can be queried, and how they behave.

Source: developer.intuit.com API reference; property lists also as python-quickbooks sends them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

COMMON = "Id SyncToken MetaData domain sparse status CustomField CurrencyRef"
TIMES = "MetaData.CreateTime:time MetaData.LastUpdatedTime:time"
SALE = (
    "AllowIPNPayment AllowOnlineACHPayment AllowOnlineCreditCardPayment AllowOnlinePayment ApplyTaxAfterDiscount "
    "AutoDocNumber Balance BillAddr BillEmail BillEmailBcc BillEmailCc ClassRef CreditCardPayment CustomerMemo "
    "CustomerRef DeliveryInfo DepartmentRef Deposit DepositToAccountRef DocNumber DueDate EInvoiceStatus EmailStatus "
    "ExchangeRate FreeFormAddress GlobalTaxCalculation HomeBalance HomeTotalAmt InvoiceLink Line LinkedTxn "
    "PaymentMethodRef PaymentRefNum PaymentType PrintStatus PrivateNote RecurDataRef RemainingCredit SalesTermRef "
    "ShipAddr ShipDate ShipFromAddr ShipMethodRef TaxExemptionRef TotalAmt TrackingNum TransactionLocationType "
    "TxnDate TxnSource TxnStatus TxnTaxDetail ProjectRef"
)
PERSON = (
    "Active AcctNum AlternatePhone Balance BillAddr CompanyName DisplayName FamilyName Fax FullyQualifiedName "
    "GivenName MiddleName Mobile Notes OtherContactInfo PrimaryEmailAddr PrimaryPhone PrintOnCheckName Suffix "
    "Title WebAddr"
)
PERSON_QUERY = (
    "Id:id DisplayName:text GivenName:text MiddleName:text FamilyName:text Suffix:text Title:text CompanyName:text "
    "PrintOnCheckName:text FullyQualifiedName:text Active:bool Balance:number PrimaryEmailAddr:text "
) + TIMES
SALE_QUERY = (
    "Id:id DocNumber:text TxnDate:date DueDate:date CustomerRef:ref SalesTermRef:ref TotalAmt:number Balance:number "
    "PaymentRefNum:text EmailStatus:text PrintStatus:text ShipDate:date "
) + TIMES
NAMED_QUERY = f"Id:id Name:text FullyQualifiedName:text Active:bool ParentRef:ref {TIMES}"


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """One entity type. `counter` names the id sequence it shares; `transaction` tells it from a list entity."""

    name: str
    counter: str
    properties: frozenset[str]
    query: Mapping[str, tuple[str, str]]
    transaction: bool = False
    writable: bool = True
    announced: bool = False
    """Changes are sent as webhooks."""
    in_cdc: bool = True

    @property
    def has_active(self) -> bool:
        """Inactive ones are left out of queries that do not ask for them."""
        return "active" in self.query


def _kind(
    name: str,
    counter: str,
    properties: str,
    query: str,
    *,
    transaction: bool = False,
    writable: bool = True,
    announced: bool = False,
    in_cdc: bool = True,
) -> Kind:
    pairs = (entry.split(":") for entry in query.split())
    return Kind(
        name=name,
        counter=counter,
        properties=frozenset(f"{COMMON} {properties}".split()),
        query={path.lower(): (path, type_) for path, type_ in pairs},
        transaction=transaction,
        writable=writable,
        announced=announced,
        in_cdc=in_cdc,
    )


_ALL = (
    _kind(
        "Customer",
        "names",
        f"{PERSON} ARAccountRef BalanceWithJobs BillWithParent CustomerTypeRef DefaultTaxCodeRef IsProject Job Level "
        "OpenBalanceDate ParentRef PaymentMethodRef PreferredDeliveryMethod PrimaryTaxIdentifier ResaleNum "
        "SalesTermRef ShipAddr Taxable TaxExemptionReasonId ClientEntityId V4IDPseudonym",
        f"{PERSON_QUERY} Job:bool ParentRef:ref BalanceWithJobs:number Taxable:bool",
        announced=True,
    ),
    _kind(
        "Vendor",
        "names",
        f"{PERSON} APAccountRef BillRate CostRate TaxIdentifier TaxReportingBasis TermRef Vendor1099 ShipAddr "
        "VendorPaymentBankDetail V4IDPseudonym",
        PERSON_QUERY,
        announced=True,
    ),
    _kind(
        "Employee",
        "names",
        f"{PERSON} BillRate BillableTime BirthDate CostRate EmailAddress EmployeeNumber EmployeeType Gender HiredDate "
        "Organization PrimaryAddr ReleasedDate SSN V4IDPseudonym",
        PERSON_QUERY,
        announced=True,
    ),
    _kind(
        "Item",
        "items",
        "AbatementRate Active AssetAccountRef ClassRef Description ExpenseAccountRef FullyQualifiedName "
        "IncomeAccountRef InvStartDate ItemCategoryType Level Name ParentRef PrefVendorRef PurchaseCost PurchaseDesc "
        "PurchaseTaxCodeRef PurchaseTaxIncluded QtyOnHand ReorderPoint ReverseChargeRate SalesTaxCodeRef "
        "SalesTaxIncluded ServiceType Sku SubItem Taxable TaxClassificationRef TrackQtyOnHand Type UnitPrice",
        f"{NAMED_QUERY} Type:text Sku:text UnitPrice:number QtyOnHand:number Taxable:bool Description:text",
        announced=True,
    ),
    _kind("Invoice", "transactions", SALE, SALE_QUERY, transaction=True, announced=True),
    _kind("SalesReceipt", "transactions", SALE, SALE_QUERY, transaction=True, announced=True),
    _kind("CreditMemo", "transactions", SALE, SALE_QUERY, transaction=True, announced=True),
    _kind("RefundReceipt", "transactions", f"{SALE} CheckPayment", SALE_QUERY, transaction=True, announced=True),
    _kind(
        "Estimate",
        "transactions",
        f"{SALE} AcceptedBy AcceptedDate ExpirationDate",
        f"{SALE_QUERY} TxnStatus:text ExpirationDate:date AcceptedDate:date",
        transaction=True,
        announced=True,
    ),
    _kind(
        "Deposit",
        "transactions",
        "CashBack DepartmentRef DepositToAccountRef DocNumber ExchangeRate GlobalTaxCalculation HomeTotalAmt Line "
        "PrivateNote TotalAmt TxnDate TxnSource TxnStatus TxnTaxDetail",
        f"Id:id TxnDate:date TotalAmt:number DepositToAccountRef:ref {TIMES}",
        transaction=True,
        announced=True,
    ),
    _kind(
        "Payment",
        "transactions",
        "ARAccountRef CreditCardPayment CustomerRef DepositToAccountRef ExchangeRate Line LinkedTxn PaymentMethodRef "
        "PaymentRefNum PrivateNote ProcessPayment TaxExemptionRef TotalAmt TransactionLocationType TxnDate TxnSource "
        "TxnStatus UnappliedAmt",
        f"Id:id TxnDate:date CustomerRef:ref TotalAmt:number UnappliedAmt:number PaymentRefNum:text {TIMES}",
        transaction=True,
        announced=True,
    ),
    _kind("Class", "classes", "Active FullyQualifiedName Name ParentRef SubClass", NAMED_QUERY, announced=True),
    _kind(
        "Department",
        "departments",
        "Active FullyQualifiedName Name ParentRef SubDepartment",
        NAMED_QUERY,
        announced=True,
    ),
    _kind(
        "Term",
        "terms",
        "Active DayOfMonthDue DiscountDayOfMonth DiscountDays DiscountPercent DueDays DueNextMonthDays Name Type",
        f"Id:id Name:text Active:bool DueDays:number Type:text {TIMES}",
        announced=True,
    ),
    _kind(
        "PaymentMethod",
        "payment methods",
        "Active Name Type",
        f"Id:id Name:text Active:bool Type:text {TIMES}",
        announced=True,
    ),
    _kind(
        "TaxCode",
        "tax codes",
        "Active Description Name PurchaseTaxRateList SalesTaxRateList TaxGroup Taxable",
        f"Id:id Name:text Active:bool Taxable:bool Description:text {TIMES}",
        writable=False,
        in_cdc=False,
    ),
    _kind(
        "TaxRate",
        "tax rates",
        "Active AgencyRef Description DisplayType EffectiveTaxRate Name RateValue SpecialTaxType TaxReturnLineRef",
        f"Id:id Name:text Active:bool RateValue:number {TIMES}",
        writable=False,
        in_cdc=False,
    ),
    _kind("CompanyCurrency", "currencies", "Active Code Name", f"Id:id Code:text Name:text Active:bool {TIMES}"),
    _kind(
        "Account",
        "accounts",
        "AccountSubType AccountType AcctNum Active Classification CurrentBalance CurrentBalanceWithSubAccounts "
        "Description FullyQualifiedName Name ParentRef SubAccount TaxCodeRef",
        f"{NAMED_QUERY} AccountType:text AccountSubType:text Classification:text AcctNum:text CurrentBalance:number",
        announced=True,
    ),
    _kind(
        "CompanyInfo",
        "company",
        "CompanyAddr CompanyName CompanyStartDate Country CustomerCommunicationAddr Email EmployerId "
        "FiscalYearStartMonth LegalAddr LegalName NameValue PrimaryPhone SupportedLanguages WebAddr",
        f"Id:id CompanyName:text {TIMES}",
    ),
    _kind(
        "Preferences",
        "preferences",
        "AccountingInfoPrefs CurrencyPrefs EmailMessagesPrefs OtherPrefs ProductAndServicesPrefs ReportPrefs "
        "SalesFormsPrefs TaxPrefs TimeTrackingPrefs VendorAndPurchasesPrefs",
        f"Id:id {TIMES}",
        announced=True,
    ),
)
KINDS: Mapping[str, Kind] = {kind.name: kind for kind in _ALL}
BY_PATH: Mapping[str, Kind] = {kind.name.lower(): kind for kind in _ALL}
