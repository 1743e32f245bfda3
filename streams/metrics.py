"""Every metric of the roles, declared once with kind and meaning.

The vendors' HTTP metrics are in `connectors/metrics.py`. Labels are bounded: never an id, an e-mail, a tenant.
"""

from prometheus_client import Counter, Gauge, Histogram

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)

RECORDS_IN = Counter("sluiceway_records_in_total", "Records taken from the application's topic.", ["app"])
RECORDS_OUT = Counter("sluiceway_records_out_total", "Records committed to a topic.", ["app", "topic"])
DEAD_LETTERS = Counter("sluiceway_dead_letters_total", "Records sent to dlq.v1.", ["app", "stage", "error_class"])
LAG_RECORDS = Gauge(
    "sluiceway_lag_records", "Records between committed offset and end of the partition.", ["app", "partition"]
)
LAG_SECONDS = Gauge(
    "sluiceway_lag_seconds", "Age of the oldest record that is not committed; 0 when caught up.", ["app", "partition"]
)
SHARDS = Gauge("sluiceway_shards", "Partitions this process owns, by state.", ["app", "state"])
CHUNK_RECORDS = Histogram(
    "sluiceway_chunk_records", "Records in one chunk.", ["app"], buckets=(1, 3, 10, 30, 100, 300, 1000, 3000, 10000)
)
CHUNK_SECONDS = Histogram("sluiceway_chunk_seconds", "Time to compute one chunk.", ["app"], buckets=SECONDS)
COMMITS = Counter("sluiceway_commits_total", "Kafka transactions committed.", ["app"])
COMMIT_SECONDS = Histogram("sluiceway_commit_seconds", "Time of one Kafka transaction.", ["app"], buckets=SECONDS)
RESTORE_SECONDS = Histogram(
    "sluiceway_restore_seconds", "Time to take over one partition, state included.", ["app"], buckets=SECONDS
)
BREAKER_OPEN = Gauge("sluiceway_breaker_open", "1 while too many records fail and the application pauses.", ["app"])

UNREAD = Counter("sluiceway_unread_records_total", "Records of objects that no template reads.", ["vendor", "object"])
CHANGES = Counter("sluiceway_canonical_changes_total", "Canonical records written, by entity.", ["entity"])
CONFLICTS = Counter(
    "sluiceway_conflicts_total",
    "Fields on which systems newly disagree, by the policy that refused one; custom fields count as `custom`.",
    ["entity", "field", "policy"],
)
COMMANDS = Counter("sluiceway_commands_total", "Commands issued.", ["vendor", "object", "operation"])

SOURCE_RECORDS = Counter("sluiceway_source_records_total", "Records read from vendors.", ["vendor", "object"])
SOURCE_AGE_SECONDS = Gauge(
    "sluiceway_source_age_seconds", "Since the last successful read of the source furthest behind.", ["vendor"]
)
DELIVERIES = Counter("sluiceway_deliveries_total", "Outcomes of commands.", ["vendor", "object", "outcome"])
DELIVERY_SECONDS = Histogram(
    "sluiceway_delivery_seconds", "From a command's arrival to its delivery.", ["vendor", "object"], buckets=SECONDS
)
TODOS = Gauge(
    "sluiceway_todos", "Commands taken in and not delivered yet, by what they wait for.", ["vendor", "reason"]
)
QUOTA_REMAINING = Gauge(
    "sluiceway_quota_remaining", "Calls left in the tightest account of a window.", ["vendor", "window"]
)
CONNECTIONS_PAUSED = Gauge(
    "sluiceway_connections_paused", "Connections that wait for a person or a reset.", ["vendor", "reason"]
)

API_REQUESTS = Counter("sluiceway_api_requests_total", "Requests to the API, by answer.", ["operation", "status"])
API_SECONDS = Histogram(
    "sluiceway_api_seconds",
    "Time to answer a request to the API, waiting for its outcome included.",
    ["operation"],
    buckets=SECONDS,
)
WEBHOOKS = Counter("sluiceway_webhooks_total", "Webhook requests by outcome.", ["vendor", "outcome"])
WEBHOOK_SECONDS = Histogram("sluiceway_webhook_seconds", "Time to answer a webhook.", ["vendor"], buckets=SECONDS)
