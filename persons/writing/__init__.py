"""The transactions that change who is who, each with the outbox rows that tell ClickHouse."""
