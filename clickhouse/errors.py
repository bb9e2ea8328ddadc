"""What can go wrong between us and ClickHouse. HTTP statuses are given in one place,
persons/api/errors.py."""


class ClickHouseError(Exception):
    """ClickHouse answered with an error: the statement or its data are at fault."""


class ClickHouseUnavailable(ClickHouseError):
    """ClickHouse cannot be reached or refuses to work now. Trying again later is right."""


class QueryTimeout(ClickHouseError):
    """The statement took longer than it may, and was cut off. The same one would again."""


class QueryTooLarge(ClickHouseError):
    """The statement needs more memory, or reads more, than it may. The same one would again."""


class InvalidPattern(ClickHouseError):
    """A regular expression in the statement does not compile."""


class SchemaFromTheFuture(ClickHouseError):
    """The data was written by a newer release than this one."""
