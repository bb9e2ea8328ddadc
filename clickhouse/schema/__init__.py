"""The ClickHouse schema: numbered SQL files, and what applies them, on one server or on a cluster."""
