"""Trends and stickiness as they are asked for, and what their answers say."""

from typing import Any

from tests.api.helpers import actors_of, event

MAY = {"date_from": "2021-05-01", "date_to": "2021-05-31"}
V: dict[str, Any] = {"entity_id": "V", "entity_type": "events"}
ASKED: dict[str, Any] = {**V, **MAY}
STICKY: dict[str, Any] = {**ASKED, "stickiness_days": 1}


def values_of(answer: Any) -> dict[str, Any]:
    """The numbers of a trend's people by their first distinct id, in the order of the answer."""
    assert answer.status_code == 200, answer.content
    people = actors_of(answer.json())
    found = {actor["distinct_ids"][0]: actor["value_at_data_point"] for actor in people}
    assert len(found) == len(people)
    return found


def viewed(who: str, day: int = 2, hour: int = 10, name: str = "V", /, **properties: Any) -> dict[str, Any]:
    return event(name, who, f"2021-05-{day:02}T{hour:02}:00:00Z", properties=properties)


FIRST_V = {"id": "V", "order": 1, "properties": [{"key": "browser", "value": "Chrome"}]}
SECOND_V = {"id": "V", "order": 2, "math": "sum", "math_property": "amount"}
W = {"id": "W", "order": 0}
SERIES = {"events": [FIRST_V, SECOND_V, W], **MAY}
