"""From PostgreSQL to ClickHouse: exactly once, in batches, as soon as a transaction commits."""
