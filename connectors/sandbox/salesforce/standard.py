"""The standard objects of a fresh org (Object Reference for the Salesforce Platform), reduced to the served fields."""

from connectors.sandbox.salesforce.fields import Field
from connectors.sandbox.salesforce.objects import Child, Schema, SObject


def _text(name: str, length: int = 255, *, required: bool = False, unique: bool = False) -> Field:
    return Field(name, "string", length=length, required=required, unique=unique)


def _long(name: str, length: int = 32_000) -> Field:
    return Field(name, "textarea", length=length)


def _pick(name: str, *, required: bool = False, default: str | None = None) -> Field:
    return Field(name, "picklist", length=255, required=required, default=default)


def _kind(kind: str, *names: str, length: int = 0, scale: int = 2) -> list[Field]:
    return [Field(name, kind, length=length, scale=scale) for name in names]


def _flags(*names: str, default: bool = False) -> list[Field]:
    return [Field(name, "boolean", default=default) for name in names]


def _to(name: str, refers: str, relation: str | None = None, *, required: bool = False, fixed: bool = False) -> Field:
    relation = relation or name.removesuffix("Id")
    return Field(name, "reference", refers=refers, relation=relation, required=required, update=not fixed)


def _derived(name: str, kind: str, *, length: int = 0, refers: str | None = None, scale: int = 2) -> Field:
    relation = name.removesuffix("Id") if refers else None
    return Field(name, kind, length=length, scale=scale, create=False, update=False, refers=refers, relation=relation)


def _address(prefix: str) -> list[Field]:
    parts = {"Street": 255, "City": 40, "State": 80, "PostalCode": 20, "Country": 80}
    return [_text(prefix + part, length) for part, length in parts.items()]


def _system() -> list[Field]:
    return [
        _derived("IsDeleted", "boolean"),
        _derived("CreatedDate", "datetime"),
        _derived("CreatedById", "reference", refers="User"),
        _derived("LastModifiedDate", "datetime"),
        _derived("LastModifiedById", "reference", refers="User"),
        _derived("SystemModstamp", "datetime"),
    ]


def _object(name: str, prefix: str, *fields: Field, children: tuple[Child, ...] = (), write: bool = True) -> SObject:
    return SObject(name, prefix, [_derived("Id", "id"), *fields, *_system()], children, write=write)


def _account() -> SObject:
    return _object(
        "Account",
        "001",
        _text("Name", required=True),
        *[_pick(name) for name in ("Type", "Industry", "Rating", "AccountSource")],
        _to("ParentId", "Account"),
        *_address("Billing"),
        *_address("Shipping"),
        *_kind("phone", "Phone", "Fax", length=40),
        _text("AccountNumber", 40),
        *_kind("url", "Website", length=255),
        *_kind("currency", "AnnualRevenue", scale=0),
        *_kind("int", "NumberOfEmployees", scale=0),
        _long("Description"),
        _to("OwnerId", "User"),
        children=(
            Child("Contacts", "Contact", "AccountId"),
            Child("Opportunities", "Opportunity", "AccountId"),
            Child("ChildAccounts", "Account", "ParentId"),
        ),
    )


def _person() -> list[Field]:
    return [
        _text("LastName", 80, required=True),
        _text("FirstName", 40),
        _pick("Salutation"),
        _derived("Name", "string", length=121),
    ]


def _contact() -> SObject:
    return _object(
        "Contact",
        "003",
        *_person(),
        _to("AccountId", "Account"),
        *_address("Mailing"),
        *_address("Other"),
        *_kind("phone", "Phone", "MobilePhone", "HomePhone", "Fax", length=40),
        *_kind("email", "Email", length=80),
        _text("Title", 128),
        _text("Department", 80),
        _pick("LeadSource"),
        *_kind("date", "Birthdate"),
        *_flags("HasOptedOutOfEmail", "DoNotCall"),
        _long("Description"),
        _to("OwnerId", "User"),
        children=(Child("OpportunityContactRoles", "OpportunityContactRole", "ContactId"),),
    )


def _lead() -> SObject:
    return _object(
        "Lead",
        "00Q",
        *_person(),
        _text("Title", 128),
        _text("Company", required=True),
        *_address(""),
        *_kind("phone", "Phone", "MobilePhone", "Fax", length=40),
        *_kind("email", "Email", length=80),
        *_kind("url", "Website", length=255),
        _long("Description"),
        _pick("LeadSource"),
        _pick("Status", required=True, default="Open - Not Contacted"),
        _pick("Industry"),
        _pick("Rating"),
        *_kind("currency", "AnnualRevenue", scale=0),
        *_kind("int", "NumberOfEmployees", scale=0),
        _to("OwnerId", "User"),
        *_flags("HasOptedOutOfEmail", "DoNotCall"),
        _derived("IsConverted", "boolean"),
        _derived("ConvertedDate", "date"),
        _derived("ConvertedAccountId", "reference", refers="Account"),
        _derived("ConvertedContactId", "reference", refers="Contact"),
        _derived("ConvertedOpportunityId", "reference", refers="Opportunity"),
        *_flags("IsUnreadByOwner", default=True),
    )


def _opportunity() -> SObject:
    return _object(
        "Opportunity",
        "006",
        _to("AccountId", "Account"),
        _text("Name", 120, required=True),
        _long("Description"),
        _pick("StageName", required=True),
        *_kind("currency", "Amount"),
        *_kind("percent", "Probability", scale=0),
        Field("CloseDate", "date", required=True),
        _pick("Type"),
        _text("NextStep"),
        _pick("LeadSource"),
        _derived("IsClosed", "boolean"),
        _derived("IsWon", "boolean"),
        _derived("ForecastCategory", "picklist", length=40),
        _pick("ForecastCategoryName"),
        _to("CampaignId", "Campaign"),
        _derived("HasOpportunityLineItem", "boolean"),
        _to("Pricebook2Id", "Pricebook2"),
        _to("OwnerId", "User"),
        _derived("FiscalQuarter", "int", scale=0),
        _derived("FiscalYear", "int", scale=0),
        children=(
            Child("OpportunityLineItems", "OpportunityLineItem", "OpportunityId"),
            Child("OpportunityContactRoles", "OpportunityContactRole", "OpportunityId"),
        ),
    )


def _line_item() -> SObject:
    return _object(
        "OpportunityLineItem",
        "00k",
        _to("OpportunityId", "Opportunity", required=True, fixed=True),
        *_kind("int", "SortOrder", scale=0),
        _to("PricebookEntryId", "PricebookEntry", fixed=True),
        _to("Product2Id", "Product2", fixed=True),
        _derived("ProductCode", "string", length=255),
        _derived("Name", "string", length=376),
        Field("Quantity", "double", required=True),
        *_kind("currency", "TotalPrice", "UnitPrice"),
        _derived("ListPrice", "currency"),
        *_kind("date", "ServiceDate"),
        _text("Description"),
    )


def _contact_role() -> SObject:
    return _object(
        "OpportunityContactRole",
        "00K",
        _to("OpportunityId", "Opportunity", required=True, fixed=True),
        _to("ContactId", "Contact", required=True),
        _pick("Role"),
        *_flags("IsPrimary"),
    )


def _catalogue() -> list[SObject]:
    product = _object(
        "Product2",
        "01t",
        _text("Name", required=True),
        _text("ProductCode"),
        _long("Description", 4_000),
        *_flags("IsActive"),
        _pick("Family"),
        _text("StockKeepingUnit", 180),
        _text("QuantityUnitOfMeasure"),
        _text("ExternalId"),
        children=(Child("PricebookEntries", "PricebookEntry", "Product2Id"),),
    )
    book = _object(
        "Pricebook2",
        "01s",
        _text("Name", required=True),
        _text("Description"),
        *_flags("IsActive"),
        _derived("IsStandard", "boolean"),
        children=(Child("PricebookEntries", "PricebookEntry", "Pricebook2Id"),),
    )
    entry = _object(
        "PricebookEntry",
        "01u",
        _derived("Name", "string", length=255),
        _to("Pricebook2Id", "Pricebook2", required=True, fixed=True),
        _to("Product2Id", "Product2", required=True, fixed=True),
        Field("UnitPrice", "currency", required=True),
        *_flags("IsActive", "UseStandardPrice"),
        _derived("ProductCode", "string", length=255),
    )
    return [product, book, entry]


def _set_up() -> list[SObject]:
    user = _object(
        "User",
        "005",
        _text("Username", 80),
        *_person(),
        *_kind("email", "Email", length=128),
        *_flags("IsActive", default=True),
        *[_pick(name) for name in ("TimeZoneSidKey", "LocaleSidKey", "LanguageLocaleKey")],
        write=False,
    )
    organization = _object(
        "Organization",
        "00D",
        _text("Name", 80),
        *[_pick(name) for name in ("TimeZoneSidKey", "DefaultLocaleSidKey", "CurrencyIsoCode", "OrganizationType")],
        _text("InstanceName", 5),
        *_kind("int", "FiscalYearStartMonth", scale=0),
        *_flags("IsSandbox"),
        write=False,
    )
    stage = _object(
        "OpportunityStage",
        "01J",
        _text("MasterLabel"),
        _text("ApiName"),
        *_flags("IsActive", default=True),
        *_kind("int", "SortOrder", scale=0),
        *_flags("IsClosed", "IsWon"),
        *[_pick(name) for name in ("ForecastCategory", "ForecastCategoryName")],
        *_kind("percent", "DefaultProbability", scale=0),
        write=False,
    )
    status = _object(
        "LeadStatus",
        "01J",
        _text("MasterLabel"),
        _text("ApiName"),
        *_kind("int", "SortOrder", scale=0),
        *_flags("IsDefault", "IsConverted"),
        write=False,
    )
    return [user, organization, stage, status]


def _campaign() -> SObject:
    return _object(
        "Campaign",
        "701",
        _text("Name", 80, required=True),
        *[_pick(name) for name in ("Type", "Status")],
        *_kind("date", "StartDate", "EndDate"),
        *_kind("currency", "BudgetedCost", "ActualCost", "ExpectedRevenue", scale=0),
        *_flags("IsActive"),
        _long("Description"),
        _to("OwnerId", "User"),
        children=(Child("Opportunities", "Opportunity", "CampaignId"),),
    )


def _seeded_custom_fields() -> dict[str, list[Field]]:
    """The custom fields that an administrator adds for the write-back, and two of a company's own."""
    return {
        "Opportunity": [
            *(_text(f"Sluiceway_Invoice_{part}__c") for part in ("Id", "Number", "Status")),
            *_kind("double", "Sluiceway_Invoice_Total__c", "Sluiceway_Invoice_Balance__c"),
            *_kind("date", "Sluiceway_Paid_On__c"),
            _text("Project_Code__c"),
            _text("Sales_Rep_ID__c"),
        ],
        "Account": [
            Field("Sluiceway_Id__c", "string", length=255, external=True, unique=True),
            *_kind("double", "Sluiceway_Lifetime_Value__c", "Sluiceway_Open_Balance__c"),
            *_kind("date", "Sluiceway_Last_Payment_On__c"),
            _text("QuickBooks_Customer_Id__c"),
            _text("Customer_Tier__c"),
        ],
        "Contact": [
            Field("Sluiceway_Id__c", "string", length=255, external=True),
            _text("Subscription_Plan__c"),
        ],
    }


def fresh_schema() -> Schema:
    """Return the objects of a new org, with the seeded custom fields."""
    schema = Schema(
        [
            _account(),
            _contact(),
            _lead(),
            _opportunity(),
            _line_item(),
            _contact_role(),
            *_catalogue(),
            *_set_up(),
            _campaign(),
        ]
    )
    for name, fields in _seeded_custom_fields().items():
        for field in fields:
            schema.addressed(name).add(field)
    return schema
