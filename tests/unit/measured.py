"""What a metric says, whatever others of the process say: gauges of tests that are over may be without their clock."""

from prometheus_client import REGISTRY


def measured(sample: str, **labels: str) -> float:
    """Return a sample's value, 0 if there is none yet."""
    families = REGISTRY.restricted_registry([sample]).collect()
    return next((one.value for family in families for one in family.samples if one.labels == labels), 0)
