"""The served objects of API v5: their fields, and what callers may do with them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

INT, TEXT, EMAIL, FLAG, TIME, DATE, NUMBER = "int", "text", "email", "flag", "time", "date", "number"


@dataclass(frozen=True, slots=True)
class Object:
    """One object.

    Attributes:
        name: Its place in URLs, kebab-case plural.
        fields: Name to kind.
        writable: Fields that a create or update may set.
        fixed: Those of `writable` that only a create may set.
        required: Fields that a create must set.
        filters: Fields that a query may filter by, and with which comparisons: `=`, `<>` for ranges.
        parents: Relations in `fields` by dots: step to (object, id field).
        binned: Whether deleting is reversible and `deleted=` may be asked.
        creates, changes: Whether callers may create; update and delete.
    """

    name: str
    fields: Mapping[str, str]
    writable: frozenset[str] = frozenset()
    fixed: frozenset[str] = frozenset()
    required: tuple[str, ...] = ()
    filters: Mapping[str, str] = field(default_factory=dict)
    parents: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    binned: bool = True
    creates: bool = True
    changes: bool = True


def _kinds(**names: str) -> dict[str, str]:
    return {name: kind for kind, listed in names.items() for name in listed.split()}


_STAMPS = {"createdAt": TIME, "updatedAt": TIME, "createdById": INT, "updatedById": INT}
_RANGES = {"id": "=<>", "createdAt": "<>", "updatedAt": "<>"}

_PROSPECT_WRITABLE = _kinds(
    email="email",
    text="firstName lastName salutation company website jobTitle department country addressOne addressTwo city state "
    "territory zip phone fax source annualRevenue employees industry yearsInBusiness comments notes",
    int="score campaignId profileId assignedToId userId prospectAccountId",
    flag="isDoNotEmail isDoNotCall doNotSell isReviewed isStarred optedOut",
)
PROSPECTS = Object(
    "prospects",
    fields={
        "id": INT,
        **_PROSPECT_WRITABLE,
        **_kinds(
            text="grade recentInteraction firstReferrerUrl firstReferrerType firstReferrerQuery sourceParameter "
            "campaignParameter mediumParameter contentParameter termParameter emailBouncedReason "
            "convertedFromObjectName convertedFromObjectType salesforceId salesforceContactId salesforceLeadId "
            "salesforceAccountId salesforceCampaignId salesforceOwnerId salesforceUrl",
            int="lifecycleStageId",
            time="lastActivityAt firstActivityAt firstAssignedAt emailBouncedAt convertedAt salesforceLastSync",
            flag="isEmailHardBounced isDeleted",
        ),
        **_STAMPS,
    },
    writable=frozenset(_PROSPECT_WRITABLE),
    required=("email",),
    filters={
        **_RANGES,
        "email": "=",
        "lastActivityAt": "<>",
        "assignedToId": "=",
        "salesforceId": "=",
        "campaignId": "=",
    },
    parents={"campaign": ("campaigns", "campaignId")},
)
LISTS = Object(
    "lists",
    fields={
        **_kinds(int="id folderId campaignId", text="name title description"),
        **_kinds(flag="isPublic isDynamic isCrmVisible isDeleted"),
        **_STAMPS,
    },
    writable=frozenset(["name", "title", "description", "isPublic", "isDynamic", "folderId", "campaignId"]),
    fixed=frozenset({"isDynamic"}),
    required=("name",),
    filters={**_RANGES, "name": "="},
    parents={"campaign": ("campaigns", "campaignId")},
)
MEMBERSHIPS = Object(
    "list-memberships",
    fields={**_kinds(int="id listId prospectId", flag="optedOut isDeleted"), **_STAMPS},
    writable=frozenset({"listId", "prospectId", "optedOut"}),
    fixed=frozenset({"listId", "prospectId"}),
    required=("listId", "prospectId"),
    filters={**_RANGES, "listId": "=", "prospectId": "="},
    parents={"list": ("lists", "listId"), "prospect": ("prospects", "prospectId")},
)
CAMPAIGNS = Object(
    "campaigns",
    fields={
        **_kinds(int="id folderId parentCampaignId", text="name salesforceId", number="cost", flag="isDeleted"),
        **_STAMPS,
    },
    filters={**_RANGES, "name": "=", "salesforceId": "="},
    creates=False,
    changes=False,
)
ACTIVITIES = Object(
    "visitor-activities",
    fields={
        **_kinds(
            int="id type prospectId visitorId visitId campaignId emailId emailTemplateId listEmailId formId "
            "formHandlerId landingPageId fileId customRedirectId opportunityId visitorPageViewId paidSearchAdId "
            "siteSearchQueryId multivariateTestVariationId",
            text="typeName details",
        ),
        "createdAt": TIME,
        "updatedAt": TIME,
    },
    filters={**_RANGES, "type": "=", "prospectId": "=", "campaignId": "=", "emailId": "="},
    parents={"prospect": ("prospects", "prospectId"), "campaign": ("campaigns", "campaignId")},
    binned=False,
    creates=False,
    changes=False,
)
CUSTOM_FIELDS = Object(
    "custom-fields",
    fields={
        **_kinds(int="id", text="name fieldId type salesforceId"),
        **_kinds(flag="isRequired isRecordMultipleResponses isUseValues isAnalyticsSynced"),
        **_STAMPS,
    },
    writable=frozenset({"name", "fieldId", "type"}),
    required=("name", "fieldId", "type"),
    filters=_RANGES,
    binned=False,
    changes=False,
)
OBJECTS = {found.name: found for found in (PROSPECTS, LISTS, MEMBERSHIPS, CAMPAIGNS, ACTIVITIES, CUSTOM_FIELDS)}

# The kinds of prospect custom fields ("Custom Field" object, type) that are served, and how their values are kept.
CUSTOM_KINDS = {"Text": TEXT, "Textarea": TEXT, "Dropdown": TEXT, "Number": NUMBER, "Date": DATE, "Checkbox": TEXT}
