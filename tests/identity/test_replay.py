"""What a replay makes of a history that is not known whole, or settled later. All else: tests/history/."""

from typing import Any
from uuid import UUID

from persons.identity.replay import IdentityChange, Replay

PERSON, FORMER, OLDEST = (UUID(int=number) for number in (1, 2, 3))


def change(arrival: int, distinct_id: str, kind: str, **more: Any) -> IdentityChange:
    """At the moment of its arrival."""
    fields = {"person": str(PERSON), "other": "", "properties": {}, "event": "", "event_distinct_id": ""}
    return IdentityChange(
        timestamp=arrival,
        arrival=arrival,
        distinct_id=distinct_id,
        kind=kind,
        event_uuid=UUID(int=9),
        **{**fields, **more},
    )


def test_what_a_merge_that_is_not_known_would_have_brought_is_there() -> None:
    """As when the ids under which it was noted have been split off since."""
    replay = Replay(PERSON)
    known = change(5, "a", "merge", person=str(FORMER), other=str(OLDEST))
    replay.expect([known])
    replay.take([(1, 1, "a", 0, ({"x": 1, "y": 1}, None, None)), (2, 2, "b", 0, ({"y": 2}, None, None))])
    replay.catch_up(5)
    assert replay.properties == {"x": 1, "y": 2}
    replay.take([(6, 6, "a", 0, ({"y": 3}, None, None))])
    assert replay.properties == {"x": 1, "y": 3}


def test_a_split_takes_the_place_of_what_came_to_its_ids_before() -> None:
    replay = Replay(PERSON)
    replay.expect(
        [
            change(1, "b", "split", person=str(FORMER), properties={"x": 0, "y": 0}),
            change(2, "b", "merge", other=str(FORMER)),
            change(3, "a", "split", properties={"x": 0}),
            change(3, "b", "split"),
        ]
    )
    replay.catch_up(3)
    assert replay.properties == {"x": 0}
