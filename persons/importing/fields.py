"""What single fields of exported rows mean, whichever service or database wrote them."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from persons.importing.rows import BadRow, read_json

# What ClickHouse's DateTime64(6) can hold.
_EARLIEST, _LATEST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2299, 1, 1, tzinfo=UTC)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# From here on a number cannot be seconds, or milliseconds, of this age.
_MILLISECONDS_FROM, _MICROSECONDS_FROM = 10**11, 10**14


def moment(value: object, name: str) -> datetime:
    """A time: ISO 8601, with a space or a T, naive meaning UTC; or a number since 1970, in seconds,
    milliseconds or microseconds, whichever is a time of this age. Raises BadRow."""
    try:
        found = _moment(value)
    except (ValueError, OverflowError):
        found = None
    if found is None:
        raise BadRow(f"{name} {str(value)[:64]!r} is not a time in ISO 8601")
    if not _EARLIEST <= found < _LATEST:
        raise BadRow(f"{name} {str(value)[:64]!r} is not between the years 1900 and 2298")
    return found


def _moment(value: object) -> datetime | None:
    if isinstance(value, str):
        value = datetime.fromisoformat(value.strip())
    if isinstance(value, datetime):
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    unit = 1 if abs(value) >= _MICROSECONDS_FROM else 1_000 if abs(value) >= _MILLISECONDS_FROM else 1_000_000
    return _EPOCH + timedelta(microseconds=round(value * unit))


def identifier(value: object, name: str) -> UUID:
    """A uuid, as text or as its bytes. Raises BadRow."""
    try:
        return UUID(bytes=value) if isinstance(value, bytes) and len(value) == 16 else UUID(_text(value))
    except (ValueError, AttributeError):
        raise BadRow(f"{name} {str(value)[:64]!r} is not a uuid") from None


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def document(value: object, name: str) -> dict[str, Any]:
    """An object, or an object as JSON text; an empty one where there is nothing. Raises BadRow."""
    if value is None or value in ("", b""):
        return {}
    if isinstance(value, str | bytes):
        try:
            value = read_json(value)
        except ValueError as error:
            raise BadRow(f"{name} is not JSON: {error}") from None
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadRow(f"{name} must be an object")
    return value
