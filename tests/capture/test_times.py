from datetime import UTC, datetime, timedelta

import pytest

from persons.capture import times

NOW = datetime(2024, 3, 15, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-03-01T10:00:00Z", datetime(2024, 3, 1, 10, tzinfo=UTC)),
        ("2024-03-01T10:00:00.123456Z", datetime(2024, 3, 1, 10, 0, 0, 123456, UTC)),
        ("2024-03-01T10:00:00+02:00", datetime(2024, 3, 1, 8, tzinfo=UTC)),
        ("2024-03-01 10:00:00", datetime(2024, 3, 1, 10, tzinfo=UTC)),
        ("2024-03-01", datetime(2024, 3, 1, tzinfo=UTC)),
        ("  2024-03-01T10:00:00Z ", datetime(2024, 3, 1, 10, tzinfo=UTC)),
        ("yesterday", None),
        ("", None),
        ("2024-13-01", None),
        (1709287200, None),
        (True, None),
        (None, None),
        (["2024-03-01"], None),
        ("0001-01-01T00:00:00+23:59", None),
    ],
)
def test_a_moment_is_iso_8601_and_naive_means_utc(text: object, moment: datetime | None) -> None:
    assert times.read(text) == moment


def happened(
    timestamp: object = None, offset: object = None, sent_at: datetime | None = None
) -> tuple[datetime, str | None]:
    return times.happened_at(timestamp=timestamp, offset=offset, sent_at=sent_at, now=NOW)


def test_a_wrong_clock_is_corrected_by_when_the_client_says_it_sent_the_event() -> None:
    clock_ahead = NOW + timedelta(hours=5)
    happened_five_minutes_before_sending = (clock_ahead - timedelta(minutes=5)).isoformat()
    assert happened(happened_five_minutes_before_sending, sent_at=clock_ahead) == (
        NOW - timedelta(minutes=5),
        None,
    )


def test_without_a_timestamp_the_offset_counts_back_from_now() -> None:
    assert happened(offset=1500) == (NOW - timedelta(milliseconds=1500), None)
    assert happened() == (NOW, None)


def test_more_than_23_hours_in_the_future_means_now() -> None:
    assert happened((NOW + timedelta(hours=23)).isoformat()) == (NOW + timedelta(hours=23), None)
    assert happened((NOW + timedelta(hours=23, microseconds=1)).isoformat()) == (NOW, None)


@pytest.mark.parametrize("unusable", ["soon", 12, "1899-12-31T23:59:59Z", "0001-01-01T00:00:00Z", {}])
def test_a_timestamp_that_cannot_be_used_is_noted(unusable: object) -> None:
    moment, note = happened(unusable)
    assert moment == NOW
    assert note
    assert "time of arrival" in note
