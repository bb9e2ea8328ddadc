from datetime import UTC, datetime


def in_utc(moment: datetime) -> datetime:
    """A moment of a result. Over HTTP the driver leaves out the time zone, which is UTC everywhere."""
    return moment.replace(tzinfo=moment.tzinfo or UTC)
