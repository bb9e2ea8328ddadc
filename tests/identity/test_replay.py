"""What a replay makes of a history of which a part is not known. All else: tests/history/."""

from uuid import UUID

from persons.identity.replay import IdentityChange, Replay

PERSON, FORMER, OLDEST = (UUID(int=number) for number in (1, 2, 3))


def test_what_a_merge_that_is_not_known_would_have_brought_is_there() -> None:
    """As when the ids under which it was noted have been split off since."""
    replay = Replay(PERSON)
    known = IdentityChange(
        timestamp=5,
        arrival=5,
        distinct_id="a",
        kind="merge",
        person=str(FORMER),
        other=str(OLDEST),
        properties={},
        event="$identify",
        event_uuid=UUID(int=9),
        event_distinct_id="gone",
    )
    replay.expect([known])
    replay.take([(1, 1, "a", ({"x": 1, "y": 1}, None, None)), (2, 2, "b", ({"y": 2}, None, None))])
    replay.catch_up(5)
    assert replay.properties == {"x": 1, "y": 2}
    replay.take([(6, 6, "a", ({"y": 3}, None, None))])
    assert replay.properties == {"x": 1, "y": 3}
