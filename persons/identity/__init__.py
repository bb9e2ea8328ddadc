"""The rules of who is who: property updates, merges, refused ids. Pure functions on plain values."""

from persons.identity.listing import listing
from persons.identity.merges import MAX_DISTINCT_ID_LENGTH, json_text
from persons.identity.people import person_uuid
from persons.identity.process import is_personless, mentioned_ids, merge_ids, process
from persons.identity.properties import NO_UPDATE_EVENTS, same_json
from persons.identity.undo import delete, release, split, split_uuid
from persons.identity.values import (
    Elsewhere,
    Event,
    Known,
    Listed,
    Mapping,
    Note,
    Outcome,
    Person,
    RefusedMerge,
    StoredEvent,
    Tombstone,
)

__all__ = [
    "MAX_DISTINCT_ID_LENGTH",
    "NO_UPDATE_EVENTS",
    "Elsewhere",
    "Event",
    "Known",
    "Listed",
    "Mapping",
    "Note",
    "Outcome",
    "Person",
    "RefusedMerge",
    "StoredEvent",
    "Tombstone",
    "delete",
    "is_personless",
    "json_text",
    "listing",
    "mentioned_ids",
    "merge_ids",
    "person_uuid",
    "process",
    "release",
    "same_json",
    "split",
    "split_uuid",
]
