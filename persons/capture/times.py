"""When an event happened (spec/ingestion.md section 2)."""

from datetime import UTC, datetime, timedelta

# What ClickHouse's DateTime64(6) can hold.
EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
_FUTURE_TOLERANCE = timedelta(hours=23)


def read(value: object) -> datetime | None:
    """An ISO 8601 text as a moment in UTC, naive meaning UTC; None when it is not one."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value.strip())
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def happened_at(
    *, timestamp: object, offset: object, sent_at: datetime | None, now: datetime
) -> tuple[datetime, str | None]:
    """The moment of an event, and a note where what was sent could not be used.

    ``sent_at`` is when the client says it sent the request: the difference to ``now`` is the error of its
    clock. Pass None where the clock is not to be corrected.
    """
    if timestamp is None:
        if isinstance(offset, int | float) and not isinstance(offset, bool):
            return _within_reach(now - timedelta(milliseconds=min(abs(offset), 3e12)), now)
        return now, None
    moment = read(timestamp)
    if moment is None:
        return now, f"timestamp {str(timestamp)[:64]!r} is not ISO 8601; the time of arrival was used"
    if sent_at is not None:
        try:
            moment = now + (moment - sent_at)
        except OverflowError:
            return now, "timestamp is out of range; the time of arrival was used"
    return _within_reach(moment, now)


def _within_reach(moment: datetime, now: datetime) -> tuple[datetime, str | None]:
    if moment < EARLIEST:
        return now, "timestamp is before the year 1900; the time of arrival was used"
    if moment > now + _FUTURE_TOLERANCE:
        return now, None
    return moment, None
