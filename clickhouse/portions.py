"""Distinct ids and uuids in portions that fit into one statement."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, TypeVar

# Values travel in the URL of a statement, where a server takes a megabyte.
_MOST_BYTES = 60_000
# What stands around each distinct id, the numbers that go with it included.
_BYTES_BESIDE = 30
MOST_IDS = 2_000

_Each = TypeVar("_Each")


class Ids(NamedTuple):
    """Distinct ids, and of each the generation that is meant."""

    distinct_ids: list[str]
    generations: list[int]


def slices(distinct_ids: Sequence[str]) -> Iterator[slice]:
    """As many at a time as fit into one statement."""
    start = size = 0
    for place, distinct_id in enumerate(distinct_ids):
        length = len(distinct_id.encode()) + _BYTES_BESIDE
        if place > start and (place - start == MOST_IDS or size + length > _MOST_BYTES):
            yield slice(start, place)
            start, size = place, 0
        size += length
    if distinct_ids:
        yield slice(start, len(distinct_ids))


def portions(distinct_ids: Sequence[str], generations: Sequence[int]) -> Iterator[Ids]:
    """The same with their generations."""
    for part in slices(distinct_ids):
        yield Ids([*distinct_ids[part]], [*generations[part]])


def all_at_once(distinct_ids: Sequence[str], generations: Sequence[int]) -> Ids | None:
    """All of them, if they fit into one statement: more than MOST_IDS never do."""
    first = next(portions(distinct_ids, generations), Ids([], []))
    return first if len(first.distinct_ids) == len(distinct_ids) else None


def by_number(values: Iterable[_Each]) -> Iterator[list[_Each]]:
    """Values of a fixed length, such as uuids: as many at a time as fit into one statement."""
    every = list(values)
    for start in range(0, len(every), MOST_IDS):
        yield every[start : start + MOST_IDS]
