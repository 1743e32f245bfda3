"""The standard objects of a fresh org (Object Reference for the Salesforce Platform), reduced to the served fields."""

from connectors.sandbox.salesforce.declaring import (
    address,
    derived,
    flags,
    kind_of,
    long_text,
    picklist,
    reference,
    standard_object,
    text,
)
from connectors.sandbox.salesforce.fields import Field
from connectors.sandbox.salesforce.objects import Child, Schema, SObject


def _account() -> SObject:
    return standard_object(
        "Account",
        "001",
        derived("MasterRecordId", "reference", refers="Account"),
        text("Name", required=True),
        *[picklist(name) for name in ("Type", "Industry", "Rating", "AccountSource")],
        reference("ParentId", "Account"),
        *address("Billing"),
        *address("Shipping"),
        *kind_of("phone", "Phone", "Fax", length=40),
        text("AccountNumber", 40),
        *kind_of("url", "Website", length=255),
        *kind_of("currency", "AnnualRevenue", scale=0),
        *kind_of("int", "NumberOfEmployees", scale=0),
        long_text("Description"),
        reference("OwnerId", "User"),
        children=(
            Child("Contacts", "Contact", "AccountId"),
            Child("Opportunities", "Opportunity", "AccountId"),
            Child("ChildAccounts", "Account", "ParentId"),
        ),
    )


def _person() -> list[Field]:
    return [
        text("LastName", 80, required=True),
        text("FirstName", 40),
        picklist("Salutation"),
        derived("Name", "string", length=121),
    ]


def _contact() -> SObject:
    return standard_object(
        "Contact",
        "003",
        derived("MasterRecordId", "reference", refers="Contact"),
        *_person(),
        reference("AccountId", "Account"),
        *address("Mailing"),
        *address("Other"),
        *kind_of("phone", "Phone", "MobilePhone", "HomePhone", "Fax", length=40),
        *kind_of("email", "Email", length=80),
        text("Title", 128),
        text("Department", 80),
        picklist("LeadSource"),
        *kind_of("date", "Birthdate"),
        *flags("HasOptedOutOfEmail", "DoNotCall"),
        long_text("Description"),
        reference("OwnerId", "User"),
        children=(Child("OpportunityContactRoles", "OpportunityContactRole", "ContactId"),),
    )


def _lead() -> SObject:
    return standard_object(
        "Lead",
        "00Q",
        derived("MasterRecordId", "reference", refers="Lead"),
        *_person(),
        text("Title", 128),
        text("Company", required=True),
        *address(""),
        *kind_of("phone", "Phone", "MobilePhone", "Fax", length=40),
        *kind_of("email", "Email", length=80),
        *kind_of("url", "Website", length=255),
        long_text("Description"),
        picklist("LeadSource"),
        picklist("Status", required=True, default="Open - Not Contacted"),
        picklist("Industry"),
        picklist("Rating"),
        *kind_of("currency", "AnnualRevenue", scale=0),
        *kind_of("int", "NumberOfEmployees", scale=0),
        reference("OwnerId", "User"),
        *flags("HasOptedOutOfEmail", "DoNotCall"),
        derived("IsConverted", "boolean"),
        derived("ConvertedDate", "date"),
        derived("ConvertedAccountId", "reference", refers="Account"),
        derived("ConvertedContactId", "reference", refers="Contact"),
        derived("ConvertedOpportunityId", "reference", refers="Opportunity"),
        *flags("IsUnreadByOwner", default=True),
    )


def _opportunity() -> SObject:
    return standard_object(
        "Opportunity",
        "006",
        reference("AccountId", "Account"),
        text("Name", 120, required=True),
        long_text("Description"),
        picklist("StageName", required=True),
        *kind_of("currency", "Amount"),
        *kind_of("percent", "Probability", scale=0),
        Field("CloseDate", "date", required=True),
        picklist("Type"),
        text("NextStep"),
        picklist("LeadSource"),
        derived("IsClosed", "boolean"),
        derived("IsWon", "boolean"),
        derived("ForecastCategory", "picklist", length=40),
        picklist("ForecastCategoryName"),
        reference("CampaignId", "Campaign"),
        derived("HasOpportunityLineItem", "boolean"),
        reference("Pricebook2Id", "Pricebook2"),
        reference("OwnerId", "User"),
        derived("FiscalQuarter", "int", scale=0),
        derived("FiscalYear", "int", scale=0),
        children=(
            Child("OpportunityLineItems", "OpportunityLineItem", "OpportunityId"),
            Child("OpportunityContactRoles", "OpportunityContactRole", "OpportunityId"),
        ),
    )


def _line_item() -> SObject:
    return standard_object(
        "OpportunityLineItem",
        "00k",
        reference("OpportunityId", "Opportunity", required=True, fixed=True),
        *kind_of("int", "SortOrder", scale=0),
        reference("PricebookEntryId", "PricebookEntry", fixed=True),
        reference("Product2Id", "Product2", fixed=True),
        derived("ProductCode", "string", length=255),
        derived("Name", "string", length=376),
        Field("Quantity", "double", required=True),
        *kind_of("currency", "TotalPrice", "UnitPrice"),
        derived("ListPrice", "currency"),
        *kind_of("date", "ServiceDate"),
        text("Description"),
    )


def _contact_role() -> SObject:
    return standard_object(
        "OpportunityContactRole",
        "00K",
        reference("OpportunityId", "Opportunity", required=True, fixed=True),
        reference("ContactId", "Contact", required=True),
        picklist("Role"),
        *flags("IsPrimary"),
    )


def _catalogue() -> list[SObject]:
    product = standard_object(
        "Product2",
        "01t",
        text("Name", required=True),
        text("ProductCode"),
        long_text("Description", 4_000),
        *flags("IsActive"),
        picklist("Family"),
        text("StockKeepingUnit", 180),
        text("QuantityUnitOfMeasure"),
        text("ExternalId"),
        children=(Child("PricebookEntries", "PricebookEntry", "Product2Id"),),
    )
    book = standard_object(
        "Pricebook2",
        "01s",
        text("Name", required=True),
        text("Description"),
        *flags("IsActive"),
        derived("IsStandard", "boolean"),
        children=(Child("PricebookEntries", "PricebookEntry", "Pricebook2Id"),),
    )
    entry = standard_object(
        "PricebookEntry",
        "01u",
        derived("Name", "string", length=255),
        reference("Pricebook2Id", "Pricebook2", required=True, fixed=True),
        reference("Product2Id", "Product2", required=True, fixed=True),
        Field("UnitPrice", "currency", required=True),
        *flags("IsActive", "UseStandardPrice"),
        derived("ProductCode", "string", length=255),
    )
    return [product, book, entry]


def _set_up() -> list[SObject]:
    user = standard_object(
        "User",
        "005",
        text("Username", 80),
        *_person(),
        *kind_of("email", "Email", length=128),
        *flags("IsActive", default=True),
        *[picklist(name) for name in ("TimeZoneSidKey", "LocaleSidKey", "LanguageLocaleKey")],
        write=False,
    )
    organization = standard_object(
        "Organization",
        "00D",
        text("Name", 80),
        *[picklist(name) for name in ("TimeZoneSidKey", "DefaultLocaleSidKey", "CurrencyIsoCode", "OrganizationType")],
        text("InstanceName", 5),
        *kind_of("int", "FiscalYearStartMonth", scale=0),
        *flags("IsSandbox"),
        write=False,
    )
    stage = standard_object(
        "OpportunityStage",
        "01J",
        text("MasterLabel"),
        text("ApiName"),
        *flags("IsActive", default=True),
        *kind_of("int", "SortOrder", scale=0),
        *flags("IsClosed", "IsWon"),
        *[picklist(name) for name in ("ForecastCategory", "ForecastCategoryName")],
        *kind_of("percent", "DefaultProbability", scale=0),
        write=False,
    )
    status = standard_object(
        "LeadStatus",
        "01J",
        text("MasterLabel"),
        text("ApiName"),
        *kind_of("int", "SortOrder", scale=0),
        *flags("IsDefault", "IsConverted"),
        write=False,
    )
    return [user, organization, stage, status]


def _campaign() -> SObject:
    return standard_object(
        "Campaign",
        "701",
        text("Name", 80, required=True),
        *[picklist(name) for name in ("Type", "Status")],
        *kind_of("date", "StartDate", "EndDate"),
        *kind_of("currency", "BudgetedCost", "ActualCost", "ExpectedRevenue", scale=0),
        *flags("IsActive"),
        long_text("Description"),
        reference("OwnerId", "User"),
        children=(
            Child("Opportunities", "Opportunity", "CampaignId"),
            Child("CampaignMembers", "CampaignMember", "CampaignId"),
        ),
    )


def _campaign_member() -> SObject:
    return standard_object(
        "CampaignMember",
        "00v",
        reference("CampaignId", "Campaign", required=True, fixed=True),
        reference("LeadId", "Lead"),
        reference("ContactId", "Contact"),
        picklist("Status", default="Sent"),
        *flags("HasResponded"),
    )


def _seeded_custom_fields() -> dict[str, list[Field]]:
    """The custom fields that an administrator adds for the write-back, and two of a company's own."""
    return {
        "Opportunity": [
            *(text(f"Sluiceway_Invoice_{part}__c") for part in ("Id", "Number", "Status")),
            *kind_of("double", "Sluiceway_Invoice_Total__c", "Sluiceway_Invoice_Balance__c"),
            *kind_of("date", "Sluiceway_Paid_On__c"),
            text("Project_Code__c"),
            text("Sales_Rep_ID__c"),
        ],
        "Account": [
            Field("Sluiceway_Id__c", "string", length=255, external=True, unique=True),
            *kind_of("double", "Sluiceway_Lifetime_Value__c", "Sluiceway_Open_Balance__c"),
            *kind_of("date", "Sluiceway_Last_Payment_On__c"),
            text("QuickBooks_Customer_Id__c"),
            text("Customer_Tier__c"),
        ],
        "Contact": [
            Field("Sluiceway_Id__c", "string", length=255, external=True),
            text("Subscription_Plan__c"),
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
            _campaign_member(),
        ]
    )
    for name, fields in _seeded_custom_fields().items():
        for field in fields:
            schema.addressed(name).add(field)
    return schema
