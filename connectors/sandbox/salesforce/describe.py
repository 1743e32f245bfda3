"""Describe results: what an object's fields are and may do."""

from typing import Any

from connectors.sandbox.salesforce.fields import NUMBERS, TEXTS, Field
from connectors.sandbox.salesforce.objects import SObject
from connectors.sandbox.salesforce.org import Unit

_SOAP = {
    "boolean": "xsd:boolean",
    "int": "xsd:int",
    "date": "xsd:date",
    "datetime": "xsd:dateTime",
    "id": "tns:ID",
    "reference": "tns:ID",
}
_DIGITS = 18
_LONGEST_FILTERED = 255
# Picklists whose values are records: object and field, and where the values are.
_LISTED = {("Opportunity", "StageName"): "OpportunityStage", ("Lead", "Status"): "LeadStatus"}


def describe_all(unit: Unit, version: str) -> dict[str, Any]:
    """The answer of `sobjects/`."""
    found = [summary(base, version) for base in unit.org.schema]
    return {"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": found}


def summary(base: SObject, version: str) -> dict[str, Any]:
    """An object as `sobjects/` lists it."""
    url = f"/services/data/v{version}/sobjects/{base.name}"
    return {
        "name": base.name,
        "label": base.name,
        "labelPlural": f"{base.name}s",
        "keyPrefix": base.prefix,
        "custom": base.custom,
        "createable": base.write,
        "updateable": base.write,
        "deletable": base.write,
        "queryable": True,
        "retrieveable": True,
        "replicateable": True,
        "urls": {"sobject": url, "describe": f"{url}/describe", "rowTemplate": f"{url}/{{ID}}"},
    }


def describe(unit: Unit, base: SObject, version: str) -> dict[str, Any]:
    """The answer of `sobjects/X/describe`."""
    children = [
        {"childSObject": child.child, "field": child.field, "relationshipName": child.name}
        for child in base.children.values()
    ]
    fields = [_field(unit, base, field) for field in base.fields.values()]
    return {**summary(base, version), "fields": fields, "childRelationships": children, "recordTypeInfos": []}


def _field(unit: Unit, base: SObject, field: Field) -> dict[str, Any]:
    number = field.kind in NUMBERS
    short = field.kind != "textarea" or field.length <= _LONGEST_FILTERED
    return {
        "name": field.name,
        "label": field.name.removesuffix("__c").replace("_", " "),
        "type": field.kind,
        "soapType": _SOAP.get(field.kind, "xsd:double" if number else "xsd:string"),
        "length": _DIGITS if field.kind in {"id", "reference"} else field.length,
        "precision": _DIGITS if number else 0,
        "scale": field.scale if number else 0,
        "nillable": not field.required and field.kind not in {"boolean", "id"},
        "createable": base.write and field.create,
        "updateable": base.write and field.update,
        "defaultedOnCreate": field.default is not None or field.kind == "boolean" or field.name == "OwnerId",
        "defaultValue": field.default,
        "calculated": False,
        "custom": field.custom,
        "externalId": field.external,
        "idLookup": field.external or field.kind == "id",
        "unique": field.unique,
        "caseSensitive": False,
        "filterable": short,
        "sortable": short,
        "nameField": field.name == "Name",
        "referenceTo": [field.refers] if field.refers else [],
        "relationshipName": field.relation,
        "restrictedPicklist": field.kind == "picklist" and (base.name, field.name) in _LISTED,
        "picklistValues": _values(unit, base, field) if field.kind in TEXTS else [],
    }


def _values(unit: Unit, base: SObject, field: Field) -> list[dict[str, Any]]:
    listed = _LISTED.get((base.name, field.name))
    names = [row["ApiName"] for row in unit.scan(listed)] if listed else list(field.values)
    return [{"active": True, "defaultValue": False, "label": name, "value": name} for name in names]
