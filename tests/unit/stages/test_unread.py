"""Vendors that are read before anybody has written templates for them."""

from connectors.kafka.codec import Codec
from streams.stages.mapping import Templates
from streams.stages.pipeline import Pipeline
from tests.unit.stages.kit import Company


def test_records_of_a_vendor_without_templates_are_passed_over_and_counted(codec: Codec, templates: Templates) -> None:
    """They are neither dead letters nor commands, whatever they are; what happens to them is told."""
    unread: list[tuple[str, str]] = []
    none = Templates([templates.named("salesforce/account")])
    company = Company(Pipeline(codec, none, lambda vendor, object_type: unread.append((vendor, object_type))))
    company.connect()
    assert company.record("stripe", "invoice", {"id": "in_1"}, "1", remote_id="in_1") == []
    assert company.record("stripe", "customer", {}, "1", remote_id="cus_1", hint=True) == []
    assert company.record("woocommerce", "order", {}, "1", remote_id="7", deleted=True) == []
    assert unread == [("stripe", "invoice"), ("stripe", "customer"), ("woocommerce", "order")]
    assert company.emits == []
