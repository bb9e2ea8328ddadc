"""Time zones that are not all alike, and date ranges in them."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from clickhouse.query.dates import DateRange, Interval, resolve_date_range

NEW_YORK = "America/New_York"
BERLIN = "Europe/Berlin"
KATHMANDU = "Asia/Kathmandu"
SANTIAGO = "America/Santiago"
HAVANA = "America/Havana"
APIA = "Pacific/Apia"
LORD_HOWE = "Australia/Lord_Howe"
# The worked example's: Friday 15 March 2024, 14:20:00 in New York.
NOW = datetime(2024, 3, 15, 18, 20, tzinfo=UTC)


def resolve(
    date_from: str | None = None,
    date_to: str | None = None,
    *,
    timezone: str = NEW_YORK,
    now: datetime = NOW,
    interval: Interval = "day",
    explicit_date: bool = False,
    earliest: datetime | None = None,
) -> DateRange:
    return resolve_date_range(
        date_from,
        date_to,
        timezone=timezone,
        now=now,
        interval=interval,
        explicit_date=explicit_date,
        earliest_event=lambda: earliest,
    )


def local(moment: datetime, timezone: str = NEW_YORK) -> str:
    """What clocks show, without what is all zeros: 2024-03-15 14:20."""
    text = moment.astimezone(ZoneInfo(timezone)).replace(tzinfo=None).isoformat(" ")
    return text.removesuffix(":00").removesuffix(" 00:00")
