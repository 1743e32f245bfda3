"""The objects of API v5 by name. Fields as the guide's object pages and the connectors in the wild name them."""

from connectors.sandbox.pardot.objects import define

_BY = "createdById>users updatedById>users"
_STAMPS = f"createdAt@ updatedAt@ {_BY}"
_PLACED = "campaignId>campaigns folderId>folders trackerDomainId>tracker-domains"
_UTM = "sourceParameter campaignParameter mediumParameter contentParameter termParameter"
_SENT = " ".join(
    f"{part}.{name}"
    for part in ("senderOptions", "replyToOptions")
    for name in ("type", "address", "name", "userId#", "prospectCustomFieldId#", "accountCustomFieldId#")
)

PROSPECTS = define(
    "prospects",
    "id# email firstName lastName salutation company website jobTitle department country addressOne addressTwo city "
    "state territory zip phone fax source annualRevenue employees industry yearsInBusiness comments notes score# grade "
    "campaignId>campaigns profileId# lifecycleStageId>lifecycle-stages assignedToId>users userId# "
    "prospectAccountId>prospect-accounts isDoNotEmail? isDoNotCall? doNotSell? isReviewed? isStarred? optedOut? "
    "isEmailHardBounced? emailBouncedAt@ emailBouncedReason recentInteraction firstReferrerUrl firstReferrerType "
    f"firstReferrerQuery {_UTM} convertedFromObjectName convertedFromObjectType convertedAt@ lastActivityAt@ "
    "firstActivityAt@ firstAssignedAt@ salesforceId salesforceContactId salesforceLeadId salesforceAccountId "
    f"salesforceCampaignId salesforceOwnerId salesforceUrl salesforceLastSync@ isDeleted? {_STAMPS}",
    can="CUT",
    required="email",
    given_by_us="grade lifecycleStageId isEmailHardBounced emailBouncedAt emailBouncedReason recentInteraction "
    f"firstReferrerUrl firstReferrerType firstReferrerQuery {_UTM} convertedFromObjectName convertedFromObjectType "
    "convertedAt lastActivityAt firstActivityAt firstAssignedAt salesforceId salesforceContactId salesforceLeadId "
    "salesforceAccountId salesforceCampaignId salesforceOwnerId salesforceUrl salesforceLastSync",
)
LISTS = define(
    "lists",
    "id# name title description isPublic? isDynamic? isCrmVisible? folderId>folders campaignId>campaigns isDeleted? "
    f"{_STAMPS}",
    can="CUT",
    fixed="isDynamic",
    given_by_us="isCrmVisible",
)
MEMBERSHIPS = define(
    "list-memberships",
    f"id# listId>lists prospectId>prospects optedOut? isDeleted? {_STAMPS}",
    can="CU",
    required="listId prospectId",
    fixed="listId prospectId",
)
CAMPAIGNS = define(
    "campaigns",
    f"id# name cost% folderId>folders parentCampaignId>campaigns salesforceId isDeleted? {_STAMPS}",
    can="T",
)
ACTIVITIES = define(
    "visitor-activities",
    "id# type# typeName details prospectId>prospects visitorId>visitors visitId>visits campaignId>campaigns "
    "emailId>emails emailTemplateId>email-templates listEmailId>list-emails formId>forms formHandlerId>form-handlers "
    "landingPageId>landing-pages fileId>files customRedirectId>custom-redirects opportunityId>opportunities "
    "visitorPageViewId>visitor-page-views paidSearchAdId# siteSearchQueryId# multivariateTestVariationId# "
    "createdAt@ updatedAt@",
)
VISITORS = define(
    "visitors",
    "id# prospectId>prospects pageViewCount# isIdentified? doNotSell? hostname ipAddress campaignId>campaigns "
    f"{_UTM} isDeleted? createdAt@ updatedAt@",
)
VISITS = define(
    "visits",
    "id# visitorId>visitors prospectId>prospects visitorPageViewCount# firstVisitorPageViewAt@ lastVisitorPageViewAt@ "
    f"durationInSeconds# {_UTM} createdAt@ updatedAt@",
)
STAGES = define("lifecycle-stages", "id# name isLocked? position# matchType isDeleted? createdAt@ updatedAt@")
HISTORIES = define(
    "lifecycle-histories",
    "id# prospectId>prospects previousStageId>lifecycle-stages nextStageId>lifecycle-stages secondsElapsed# createdAt@",
)
OPPORTUNITIES = define(
    "opportunities",
    f"id# name value% probability# stage status type campaignId>campaigns closedAt@ salesforceId isDeleted? {_STAMPS}",
    can="T",
)
CUSTOM_FIELDS = define(
    "custom-fields",
    "id# name fieldId type salesforceId isRequired? isRecordMultipleResponses? isUseValues? isAnalyticsSynced? "
    f"{_STAMPS}",
    can="CUT",
    required="name fieldId type",
    fixed="fieldId type",
    given_by_us="salesforceId isAnalyticsSynced",
)
TAGS = define("tags", f"id# name objectCount# {_STAMPS}", can="CU", given_by_us="objectCount")
TAGGED = define("tagged-objects", "id# tagId>tags objectType objectId# createdAt@ createdById>users")
USERS = define(
    "users",
    "id# email username firstName lastName jobTitle role roleName salesforceId tagReplacementLanguage isDeleted? "
    f"{_STAMPS}",
    can="T",
)
_OTHERS = (
    define(
        "prospect-accounts",
        "id# name salesforceId annualRevenue billingAddressOne billingAddressTwo billingCity billingCountry "
        "billingState billingZip description employees fax industry number ownership phone rating shippingAddressOne "
        "shippingAddressTwo shippingCity shippingCountry shippingState shippingZip sic site tickerSymbol type website "
        f"assignedToId>users isDeleted? {_STAMPS}",
        unfiltered="updatedAt",
    ),
    define(
        "visitor-page-views",
        "id# url title visitorId>visitors campaignId>campaigns visitId>visits durationInSeconds# salesforceId "
        "createdAt@",
    ),
    define(
        "engagement-studio-programs",
        "id# name status description businessHours+ prospectsMultipleEntry+ schedule+ scheduleCreatedById>users "
        f"recipientListIds+ suppressionListIds+ salesforceId folderId>folders isDeleted? {_STAMPS}",
    ),
    define(
        "emails",
        "id# name type subject sentAt@ clientType isOperational? prospectId>prospects listId>lists "
        f"listEmailId>list-emails emailTemplateId>email-templates {_PLACED} {_SENT} createdById>users",
        can="CT",
    ),
    define(
        "list-emails",
        "id# name subject isPaused? isSent? isOperational? sentAt@ clientType emailTemplateId>email-templates "
        f"{_PLACED} {_SENT} isDeleted? {_STAMPS}",
        can="CT",
    ),
    define(
        "email-templates",
        "id# name subject type isOneToOneEmail? isListEmail? isAutoresponderEmail? isDripEmail? htmlMessage "
        "textMessage "
        f"{_PLACED} {_SENT} isDeleted? {_STAMPS}",
        can="CUT",
    ),
    define(
        "forms",
        "id# name layoutTemplateId>layout-templates salesforceId isUseRedirectLocation? isAlwaysDisplay? isCookieless? "
        "isCaptchaEnabled? showNotProspect? embedCode submitButtonText beforeFormContent afterFormContent "
        "thankYouContent thankYouCode redirectLocation fontSize fontFamily fontColor labelAlignment radioAlignment "
        f"checkboxAlignment requiredCharacter {_PLACED} isDeleted? {_STAMPS}",
        can="CUT",
    ),
    define(
        "form-fields",
        "id# formId>forms prospectApiFieldId type dataFormat sortOrder# hasDependents? hasProgressives? hasValues? "
        "label errorMessage cssClasses isRequired? isAlwaysDisplay? isMaintainInitialValue? isDoNotPrefill? "
        f"{_STAMPS}",
        can="CT",
    ),
    define(
        "form-handlers",
        "id# name isDataForwarded? successLocation errorLocation isAlwaysEmail? isCookieless? salesforceId embedCode "
        f"{_PLACED} isDeleted? {_STAMPS}",
        can="CUT",
    ),
    define(
        "form-handler-fields",
        "id# name formHandlerId>form-handlers dataFormat prospectApiFieldId isMaintainInitialValue? errorMessage "
        "isRequired? createdAt@ createdById>users",
        can="CU",
    ),
    define(
        "landing-pages",
        "id# name salesforceId layoutType layoutTableBorder# isUseRedirectLocation? bitlyIsPersonalized? bitlyShortUrl "
        "url vanityUrl vanityUrlPath formId>forms layoutTemplateId>layout-templates title description isDoNotIndex? "
        f"redirectLocation archiveDate@ {_PLACED} isDeleted? {_STAMPS}",
        can="CT",
    ),
    define(
        "layout-templates",
        "id# name layoutContent siteSearchContent formContent isIncludeDefaultCss? folderId>folders isDeleted? "
        f"{_STAMPS}",
        can="CUT",
    ),
    define(
        "files",
        "id# name salesforceId vanityUrl vanityUrlPath url size# isTracked? bitlyIsPersonalized? bitlyShortUrl "
        f"{_PLACED} {_STAMPS}",
        can="T",
    ),
    define("folders", f"id# name parentFolderId>folders path usePermissions? {_STAMPS}"),
    define("folder-contents", f"id# folderId>folders folderRef objectType objectId# objectName objectRef {_STAMPS}"),
    define(
        "custom-redirects",
        "id# name url destinationUrl vanityUrl vanityUrlPath trackedUrl salesforceId bitlyIsPersonalized? "
        "bitlyShortUrl "
        f"gaSource gaMedium gaTerm gaContent gaCampaign {_PLACED} isDeleted? {_STAMPS}",
        can="CUT",
        required="name destinationUrl",
    ),
    define(
        "tracker-domains",
        "id# domain isPrimary? defaultCampaignId>campaigns httpsStatus sslStatus sslStatusDetails "
        f"sslRequestedById>users validationStatus validatedAt@ vanityUrlStatus trackingCode isDeleted? {_STAMPS}",
    ),
    define(
        "dynamic-contents",
        "id# name basedOnProspectApiFieldId embedCode embedUrl basedOn tagReplacementLanguage "
        f"{_PLACED} isDeleted? {_STAMPS}",
        can="CT",
    ),
    define(
        "dynamic-content-variations",
        "id# dynamicContentId>dynamic-contents comparison operator value1 value2 content",
        can="C",
    ),
)
_MAIN = (PROSPECTS, LISTS, MEMBERSHIPS, CAMPAIGNS, ACTIVITIES, VISITORS, VISITS, STAGES, HISTORIES)
OBJECTS = {found.name: found for found in (*_MAIN, OPPORTUNITIES, CUSTOM_FIELDS, TAGS, TAGGED, USERS, *_OTHERS)}

EXTERNAL_ACTIVITIES = define(
    "external-activities",
    "id# extension type email prospectId>prospects value activityDate@ createdAt@",
    can="C",
    required="extension type email",
)
EXPORTS = define(
    "exports",
    f"id# object status state isExpired? procedure+ fields+ resultRefs+ maxFileSizeBytes# {_STAMPS}",
)
IMPORTS = define(
    "imports",
    "id# operation object status isExpired? batchesRef createdCount# updatedCount# errorCount# errorsRef origin "
    f"{_STAMPS}",
)
BULK_ACTIONS = define(
    "bulk-actions",
    "id# object bulkAction status origin count# percentComplete# processedCount# errorCount# errorsRef fileName "
    f"{_STAMPS}",
)
JOBS = {found.name: found for found in (EXTERNAL_ACTIVITIES, EXPORTS, IMPORTS, BULK_ACTIONS)}
