"""Lists of persons, by pages and as a whole (spec/posthog-behaviour.md section 11, "List")."""

import heapq
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import BooleanField, F, Func, Q, QuerySet, Value
from django.db.models.fields.json import KT
from django.db.models.lookups import Exact, GreaterThan, LessThan
from rest_framework.request import Request

from clickhouse.persons import count_persons, persons_page
from clickhouse.query.persons import PersonsQuery
from persons.api.actors import in_columns, persons_by_uuid, with_distinct_ids
from persons.api.cursors import Place, cursor_after
from persons.api.paging import page_url
from persons.api.parameters.person_fields import pick
from persons.api.parameters.persons import ListParameters, PersonsParameters, Times
from persons.api.rows import AT_ONCE, rows
from persons.api.settled import settled_until
from persons.models import Person, PersonDistinctId, PersonTombstone, Project, known_as
from persons.stores import clickhouse


class Found(NamedTuple):
    """A page of rows; where it ends, if there is another one; how many rows all pages have, if asked for; and
    until when all changes are in the list, if it is about changes."""

    rows: Sequence[dict[str, Any]]
    end: Place | None
    total: int | None
    complete_until: datetime | None = None


@dataclass(frozen=True)
class Listing:
    """The list that PostgreSQL makes, by its indexes, after a place if there is one.

    `until`: what changed later is left to the next time, if the list is about changes.
    """

    project: Project
    asked: ListParameters
    times: Times
    place: Place | None
    until: datetime | None

    def persons(self) -> QuerySet[Any]:
        """Those who are there, in no order."""
        asked, times = self.asked, self.times
        persons: QuerySet[Any] = self._within(Person.objects.filter(project=self.project), "updated_at")
        if asked.distinct_id is not None:
            persons = persons.filter(known_as(self.project, asked.distinct_id))
        if asked.email is not None:
            persons = persons.filter(_has_email(asked.email))
        if asked.key_identifier is not None:
            persons = persons.filter(self._is_known_by(asked.key_identifier))
        if asked.id is not None:
            persons = persons.filter(pk__in=asked.id)
        if asked.uuid is not None:
            persons = persons.filter(uuid__in=asked.uuid)
        if asked.is_identified is not None:
            persons = persons.filter(is_identified=asked.is_identified)
        if times.last_seen_after is not None:
            persons = persons.filter(last_seen_at__gte=times.last_seen_after)
        return persons.exclude(last_seen_at=None) if asked.order.field == "last_seen_at" else persons

    def _is_known_by(self, identifier: str) -> Q:
        """Persons with a distinct id or an email. Two lookups by index: a join would repeat rows."""
        owners = PersonDistinctId.objects.filter(project=self.project, distinct_id=identifier)
        ids = [each for each in owners.values_list("person_id", flat=True) if each is not None]
        return Q(pk__in=ids) | _has_email(identifier)

    def tombstones(self) -> QuerySet[Any]:
        """Those who are no more, in no order."""
        gone = PersonTombstone.objects.filter(project=self.project)
        return self._within(gone, "deleted_at") if self.asked.include_deleted else gone.none()

    def _within(self, found: QuerySet[Any], at: str) -> QuerySet[Any]:
        bounds = {"gte": self.times.updated_after, "lt": self.times.updated_before}
        for bound, moment in (*bounds.items(), ("lt", self.until)):
            if moment is not None:
                found = found.filter(**{f"{at}__{bound}": moment})
        return found

    def count(self) -> int:
        """How many there are on all pages."""
        return self.persons().count() + self.tombstones().count()

    def page(self, offset: int, end: int) -> Iterator[Any]:
        """Persons and tombstones in the order of the list, from a number to another one."""
        return self._merged(self._persons_from(offset, end), self._tombstones_in_order()[:end])

    def whole(self, offset: int, most: int) -> Iterator[Any]:
        """The same, however many there are. To be exhausted within a transaction: the persons of one moment,
        in portions."""
        persons = self._persons_in_order()[offset : offset + most].iterator(AT_ONCE)
        if not self.asked.include_deleted:
            return persons
        return islice(self._merged(persons, self._tombstones_in_order().iterator(AT_ONCE)), most)

    def place_of(self, found: Any) -> Place:
        """What orders a person or a tombstone."""
        if isinstance(found, PersonTombstone):
            return Place(found.deleted_at, found.key)
        return Place(getattr(found, self.asked.order.field), found.pk)

    def _persons_in_order(self) -> QuerySet[Any, Any]:
        ordered = self._in_order(self.persons(), self.asked.order.field, "pk")
        return in_columns(with_distinct_ids(ordered))

    def _persons_from(self, offset: int, end: int) -> QuerySet[Any, Any]:
        if not offset:
            return self._persons_in_order()[:end]
        # PostgreSQL would look up the distinct ids of everybody before the page as well.
        page = self._in_order(self.persons(), self.asked.order.field, "pk").values("pk")[offset:end]
        persons: QuerySet[Any] = Person.objects.filter(pk__in=page)
        return in_columns(with_distinct_ids(self._ordered(persons, self.asked.order.field, "pk")))

    def _tombstones_in_order(self) -> QuerySet[Any]:
        return self._in_order(self.tombstones(), "deleted_at", "key")

    def _in_order(self, found: QuerySet[Any], at: str, key: str) -> QuerySet[Any]:
        if self.place is not None:
            beyond = LessThan if self.asked.order.descending else GreaterThan
            own, place = _pair(F(at), F(key)), _pair(Value(self.place.at), Value(self.place.key))
            found = found.filter(beyond(own, place))
        return self._ordered(found, at, key)

    def _ordered(self, found: QuerySet[Any], at: str, key: str) -> QuerySet[Any]:
        sign = "-" if self.asked.order.descending else ""
        return found.order_by(f"{sign}{at}", f"{sign}{key}")

    def _merged(self, persons: Iterable[Any], tombstones: Iterable[Any]) -> Iterator[Any]:
        descending = self.asked.order.descending
        return heapq.merge(persons, tombstones, key=self.place_of, reverse=descending)


def _has_email(email: str) -> Q:
    return Q(Exact(KT("properties__email"), email))


def _pair(*parts: Any) -> Func:
    """Two values compared as one: so an index finds where a page begins, however many rows are equal."""
    return Func(*parts, template="(%(expressions)s)", output_field=BooleanField())


def listing(project: Project, asked: ListParameters, times: Times, place: Place | None) -> Listing:
    """The list that is asked for."""
    return Listing(project, asked, times, place, settled_until() if asked.is_about_changes else None)


def page_of(wanted: Listing) -> Found:
    """A page of it."""
    asked = wanted.asked
    # One more than the page: whether there is a next one.
    found = list(islice(wanted.page(asked.offset, asked.offset + asked.limit + 1), asked.limit + 1))
    page = found[: asked.limit]
    return Found(
        list(rows(wanted.project, page, with_deleted=asked.include_deleted)),
        wanted.place_of(page[-1]) if len(found) > asked.limit else None,
        wanted.count() if asked.include_total else None,
        wanted.until,
    )


@contextmanager
def all_of(wanted: Listing) -> Iterator[Iterable[dict[str, Any]]]:
    """All rows from the first page on, in a transaction."""
    asked = wanted.asked
    with transaction.atomic():
        found = wanted.whole(asked.offset, asked.most)
        with closing(rows(wanted.project, found, with_deleted=asked.include_deleted)) as made:
            yield made


def by_filter(project: Project, query: PersonsQuery, *, include_total: bool) -> Found:
    """The persons of whom a filter holds: ClickHouse knows them a moment later than PostgreSQL does."""
    store = clickhouse()
    found = persons_page(store, query)
    page = found[: query.limit]
    by_uuid = persons_by_uuid(project, [each.uuid for each in page])
    total = count_persons(store, query.project_id, query.filter) if include_total else None
    persons = [by_uuid[each.uuid] for each in page if each.uuid in by_uuid]
    end = Place(page[-1].created_at, page[-1].key) if len(found) > query.limit else None
    return Found(list(rows(project, persons)), end, total)


def list_answer(request: Request, found: Found, asked: PersonsParameters, made_for: str) -> dict[str, Any]:
    """The page as JSON. `count` is there when it was asked for."""
    following, preceding = asked.offset + asked.limit, max(asked.offset - asked.limit, 0)
    cursor = None if found.end is None else cursor_after(found.end, made_for)
    if cursor is None:
        next_url = None
    else:
        next_url = (
            page_url(request, cursor=cursor) if asked.goes_by_cursor else page_url(request, offset=following)
        )
    answer: dict[str, Any] = {
        "results": [pick(row, asked.fields) for row in found.rows] if asked.fields else found.rows,
        "next": next_url,
        "previous": page_url(request, offset=preceding) if asked.offset else None,
        "next_cursor": cursor,
    }
    if found.complete_until is not None:
        answer["complete_until"] = found.complete_until
    return answer if found.total is None else {"count": found.total, **answer}
