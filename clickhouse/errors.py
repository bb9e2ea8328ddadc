"""What can go wrong between us and ClickHouse. HTTP statuses are given in one place, persons/errors.py."""


class ClickHouseError(Exception):
    """ClickHouse answered with an error: the statement or its data are at fault."""


class ClickHouseUnavailable(ClickHouseError):
    """ClickHouse cannot be reached or refuses to work now. Trying again later is right."""


class SchemaFromTheFuture(ClickHouseError):
    """The data was written by a newer release than this one."""
