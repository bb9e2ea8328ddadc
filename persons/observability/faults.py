"""Errors as logs may have them: what they are and where. What they say may be somebody's property."""

import re
import traceback
from collections.abc import Iterator
from types import TracebackType

_CLICKHOUSE_CODE = re.compile(r"\bCode: (\d+)")
_ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]


def name_of(error: BaseException) -> str:
    """The kind of an error, with PostgreSQL's or ClickHouse's number: ``DataError (22P02)``."""
    number = getattr(error.__cause__ or error, "sqlstate", None)
    if number is None and (match := _CLICKHOUSE_CODE.search(str(error))):
        number = match[1]
    return f"{type(error).__name__} ({number})" if number else type(error).__name__


def traceback_without_values(exc_info: _ExcInfo) -> str:
    """The whole chain of an error, oldest first: the lines of code, and the names of the errors."""
    parts = [
        "".join([*traceback.format_tb(error.__traceback__), name_of(error)]) for error in _chain(exc_info[1])
    ]
    return "\n\nwhich led to\n\n".join(reversed(parts))


def whole_traceback(exc_info: _ExcInfo) -> str:
    """The same with what the errors say."""
    return "".join(traceback.format_exception(*exc_info)).rstrip()


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
