"""What `/_metrics` tells Prometheus (docs/observability.md lists them)."""

from prometheus_client import Counter, Histogram

# From a page out of a cache to a question that runs into its limit.
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

requests = Counter(
    "persons_requests",
    "Requests that have been answered. Whatever came for no path of ours is of the endpoint 'unknown'.",
    ["endpoint", "method", "status"],
)
request_seconds = Histogram(
    "persons_request_seconds",
    "How long requests took, streams to their end.",
    ["endpoint"],
    buckets=_SECONDS,
)
statement_seconds = Histogram(
    "persons_clickhouse_seconds",
    "How long statements took in ClickHouse, by the endpoint or thread that asked.",
    ["kind"],
    buckets=_SECONDS,
)
statement_errors = Counter(
    "persons_clickhouse_errors", "Statements that ClickHouse did not finish.", ["kind", "error"]
)
read_rows = Counter(
    "persons_clickhouse_read_rows", "Rows that ClickHouse read; of streams unknown.", ["kind"]
)
read_bytes = Counter("persons_clickhouse_read_bytes", "Bytes that ClickHouse read, uncompressed.", ["kind"])
flushed_rows = Histogram(
    "persons_flush_rows",
    "How many rows a batch took from the outbox to ClickHouse.",
    buckets=(1, 10, 100, 1_000, 10_000, 50_000, 100_000),
)
identity_conflicts = Counter(
    "persons_identity_conflicts",
    "Changes of who is who that did not go smoothly: 'overtaken' by another transaction and tried again, "
    "or a 'refused_merge' of two identified persons.",
    ["kind"],
)
