"""Mapping templates: vendor JSON to canonical drafts and canonical records to vendor bodies, by CEL expressions."""

from streams.stages.mapping.errors import TemplateError
from streams.stages.mapping.inbound import Draft
from streams.stages.mapping.model import Ref
from streams.stages.mapping.templates import SHIPPED, Templates, check

__all__ = ["SHIPPED", "Draft", "Ref", "TemplateError", "Templates", "check"]
