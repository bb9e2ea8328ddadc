"""The ClickHouse schema: numbered SQL files, and what applies them."""
