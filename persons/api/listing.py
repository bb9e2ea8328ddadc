"""Pages of persons, newest first (spec/posthog-behaviour.md section 11, "List")."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from django.db.models import QuerySet
from django.db.models.fields.json import KT
from rest_framework.request import Request

from clickhouse.persons import count_persons, persons_page
from clickhouse.query.persons import PersonsQuery
from persons.api.actors import person_fields, persons_by_uuid, with_distinct_ids
from persons.api.paging import page_url
from persons.api.parameters.persons import PersonsParameters
from persons.api.stores import clickhouse
from persons.models import Person, Project


class Found(NamedTuple):
    """A page of persons, whether there is another one, and how many persons all pages have if asked for."""

    persons: Sequence[Any]
    more: bool
    total: int | None


def persons_by_ids(project: Project, asked: PersonsParameters) -> QuerySet[Any]:
    """The persons with a distinct id or an email address, or all there are: PostgreSQL has the indexes."""
    persons: QuerySet[Any] = Person.objects.filter(project=project).order_by("-created_at", "-pk")
    if asked.distinct_id is not None:
        persons = persons.filter(mappings__distinct_id=asked.distinct_id)
    if asked.email is not None:
        persons = persons.annotate(email=KT("properties__email")).filter(email=asked.email)
    return with_distinct_ids(persons)


def by_ids(project: Project, asked: PersonsParameters) -> Found:
    """A page of those."""
    persons = persons_by_ids(project, asked)
    # One more than the page: whether there is a next one.
    found = list(persons[asked.offset : asked.offset + asked.limit + 1])
    total = persons.count() if asked.include_total else None
    return Found(found[: asked.limit], len(found) > asked.limit, total)


def by_filter(project: Project, query: PersonsQuery, *, include_total: bool) -> Found:
    """The persons of whom a filter holds: ClickHouse knows them a moment later than PostgreSQL does."""
    store = clickhouse()
    uuids = persons_page(store, query)
    by_uuid = persons_by_uuid(project, uuids[: query.limit])
    total = count_persons(store, query.project_id, query.filter) if include_total else None
    page = [by_uuid[uuid] for uuid in uuids[: query.limit] if uuid in by_uuid]
    return Found(page, len(uuids) > query.limit, total)


def list_answer(request: Request, project: Project, found: Found, page: PersonsParameters) -> dict[str, Any]:
    """The page as JSON. `count` is there when it was asked for."""
    following, preceding = page.offset + page.limit, max(page.offset - page.limit, 0)
    answer = {
        "results": [person_fields(project, person) for person in found.persons],
        "next": page_url(request, offset=following) if found.more else None,
        "previous": page_url(request, offset=preceding) if page.offset else None,
    }
    return answer if found.total is None else {"count": found.total, **answer}
