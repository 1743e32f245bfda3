"""Objects that are read before anybody has written a template for them."""

from connectors.kafka.codec import Codec
from streams.stages.mapping import Templates
from streams.stages.pipeline import Pipeline
from tests.unit.stages.kit import ACCOUNT, CONTACT, Company

VENDORS = ("stripe", "stripe", "woocommerce", "salesforce")


def test_records_that_no_template_reads_are_passed_over_and_counted(codec: Codec, templates: Templates) -> None:
    """They are neither dead letters nor commands, whatever they are; other objects of the vendor are taken in."""
    unread: list[tuple[str, str]] = []
    none = Templates([templates.named("salesforce/account")])
    company = Company(Pipeline(codec, none, lambda vendor, object_type: unread.append((vendor, object_type))))
    company.connect()
    assert company.record("stripe", "invoice", {"id": "in_1"}, "1", remote_id="in_1") == []
    assert company.record("stripe", "customer", {}, "1", remote_id="cus_1", hint=True) == []
    assert company.record("woocommerce", "order", {}, "1", remote_id="7", deleted=True) == []
    assert company.record("salesforce", "Contact", CONTACT, "1") == []
    assert unread == list(zip(VENDORS, ("invoice", "customer", "order", "Contact"), strict=True))
    assert company.emits == []
    company.record("salesforce", "Account", ACCOUNT, "1")
    assert company.only("party")["name"] == "Acme, Inc."
