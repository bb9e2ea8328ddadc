"""Distinct ids and uuids in portions that fit into one statement."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple
from uuid import UUID

# Values travel in the URL of a statement, where a server takes a megabyte.
_MOST_BYTES = 60_000
MOST_IDS = 2_000


class Ids(NamedTuple):
    """Distinct ids, and of each the generation that is meant."""

    distinct_ids: list[str]
    generations: list[int]


def portions(distinct_ids: Sequence[str], generations: Sequence[int]) -> Iterator[Ids]:
    """As many at a time as fit into one statement."""
    portion, size = Ids([], []), 0
    for distinct_id, generation in zip(distinct_ids, generations, strict=True):
        length = len(distinct_id.encode()) + 30
        if portion.distinct_ids and (len(portion.distinct_ids) == MOST_IDS or size + length > _MOST_BYTES):
            yield portion
            portion, size = Ids([], []), 0
        portion.distinct_ids.append(distinct_id)
        portion.generations.append(generation)
        size += length
    if portion.distinct_ids:
        yield portion


def all_at_once(distinct_ids: Sequence[str], generations: Sequence[int]) -> Ids | None:
    """All of them, if they fit into one statement: more than MOST_IDS never do."""
    first = next(portions(distinct_ids, generations), Ids([], []))
    return first if len(first.distinct_ids) == len(distinct_ids) else None


def uuid_portions(uuids: Iterable[UUID]) -> Iterator[list[UUID]]:
    """As many at a time as fit into one statement."""
    every = list(uuids)
    for start in range(0, len(every), MOST_IDS):
        yield every[start : start + MOST_IDS]
