from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.fields.json import KT
from rest_framework.exceptions import MethodNotAllowed, NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from persons.api.answers.changes import BulkDeletion, EventDeletionPage
from persons.api.paging import counted_page
from persons.api.parameters.changes import (
    BulkDeletionParameters,
    DeleteByIdsParameters,
    DeletionParameters,
    DeletionStatusParameters,
    ResetParameters,
    check_whom,
)
from persons.api.parameters.door import Parameters
from persons.api.persons import by_id, person_of
from persons.api.views.writing import WritingViewSet
from persons.models import Actor, Deletion, Person, PersonDistinctId, known_as
from persons.openapi.operation import describe
from persons.writing.deletion import delete_persons
from persons.writing.past_events import delete_past_events
from persons.writing.reset import Reset, reset_distinct_ids

Find = Callable[[], Collection[int]]


class DeletingView(WritingViewSet):
    """The methods of persons that delete, and let what was deleted be used again."""

    @describe(DeletionParameters, status=202)
    def destroy(self, request: Request, person_id: str, **kwargs: Any) -> Response:
        """Delete a person.

        Its distinct ids are on hold from then on: what comes for them belongs to nobody who can be seen. Of a
        person that was deleted without its events these can be deleted later, by its uuid.
        """
        return self._delete_one(request, person_id, self.parameters(DeletionParameters, request))

    @describe(status=202)
    def delete_events(self, request: Request, person_id: str, **kwargs: Any) -> Response:
        """Delete the events of a person, who stays."""
        self.parameters(Parameters, request)
        return self._delete_one(request, person_id, DeletionParameters(delete_events=True, keep_person=True))

    def _delete_one(self, request: Request, person_id: str, asked: DeletionParameters) -> Response:
        named = by_id(person_id, "id")
        persons = self._persons().filter(**named)

        def act(by: Actor, now: datetime) -> Response:
            with transaction.atomic():
                gone = [named["uuid"]] if "uuid" in named else ()
                past = self._delete_past_events(asked, by, now, persons=gone)
                if not self._delete(lambda: _keys(persons), asked, by, now) and not past:
                    raise NotFound
            return Response(status=202)

        return self.write(request, act)

    @describe(
        DeleteByIdsParameters,
        status=202,
        example={"distinct_id": "somebody"},
        operation_id="persons_destroy_by_distinct_id",
    )
    def destroy_by_ids(self, request: Request, **kwargs: Any) -> Response:
        """Delete the one person with a distinct id, or with an email.

        With its events, also those of whoever had the distinct id before and was deleted without.
        """
        asked = self.parameters(DeleteByIdsParameters, request)
        persons = self._persons()
        if asked.distinct_id is not None:
            persons = persons.filter(known_as(self.project, asked.distinct_id))
        if asked.email is not None:
            persons = persons.annotate(email=KT("properties__email")).filter(email=asked.email)
        is_named = asked.distinct_id is not None or asked.email is not None
        distinct_ids = [asked.distinct_id] if asked.distinct_id is not None and asked.email is None else ()

        def act(by: Actor, now: datetime) -> Response:
            with transaction.atomic():
                past = self._delete_past_events(asked, by, now, distinct_ids=distinct_ids)

                def find() -> Collection[int]:
                    keys = _keys(persons[:2]) if is_named else []
                    if len(keys) != 1 and not (past and not keys):
                        raise _ask_otherwise(len(keys))
                    return keys

                self._delete(find, asked, by, now)
            return Response(status=202)

        return self.write(request, act)

    @describe(BulkDeletionParameters, BulkDeletion, status=202, example={"distinct_ids": ["somebody"]})
    def bulk_delete(self, request: Request, **kwargs: Any) -> Response:
        """Delete up to 1,000 persons, all or none.

        Can be repeated: who is gone already is not found. With `delete_events`, and by distinct ids or uuids,
        the events go as well of those who were deleted before without them.
        """
        asked = self.parameters(BulkDeletionParameters, request)
        check_whom(asked)
        names = list(dict.fromkeys(asked.distinct_ids or asked.ids or ()))

        def act(by: Actor, now: datetime) -> Response:
            found: dict[Any, int] = {}

            def find() -> Collection[int]:
                nonlocal found
                found = self._owners(names) if asked.distinct_ids else self._by_ids(names)
                return set(found.values())

            with transaction.atomic():
                past = self._delete_past_events(
                    asked,
                    by,
                    now,
                    distinct_ids=asked.distinct_ids or (),
                    persons=[each for each in asked.ids or () if not isinstance(each, int)],
                )
                count = self._delete(find, asked, by, now)
            missing = [each for each in names if each not in found]
            return Response(
                {
                    "persons_found": count,
                    "persons_deleted": 0 if asked.keep_person else count,
                    "persons_deleted_before": past,
                    "events_queued_for_deletion": asked.delete_events and bool(count or past),
                    "recordings_queued_for_deletion": False,
                    "deletion_errors": [],
                    "ids_not_found": [] if asked.distinct_ids else missing,
                    "distinct_ids_not_found": missing if asked.distinct_ids else [],
                },
                status=202,
            )

        return self.write(request, act)

    @describe(status=202)
    def delete_recordings(self, request: Request, person_id: str, **kwargs: Any) -> Response:
        """Delete the recordings of a person: there are none."""
        self.parameters(Parameters, request)

        def act(by: Actor, now: datetime) -> Response:
            person_of(self.project, person_id)
            return Response(status=202)

        return self.write(request, act)

    @describe(DeletionStatusParameters, EventDeletionPage, operation_id="persons_deletion_status_list")
    def deletion_status(self, request: Request, **kwargs: Any) -> Response:
        """What became of the events that were to be deleted."""
        asked = self.parameters(DeletionStatusParameters, request)
        deletions = Deletion.objects.filter(project=self.project, with_events=True).order_by("-pk")
        if asked.status != "all":
            deletions = deletions.filter(verified_at__isnull=asked.status == "pending")
        if asked.person_uuid is not None:
            deletions = deletions.filter(person_uuid=asked.person_uuid)
        return Response(counted_page(request, asked, deletions, _deletion_fields))

    @describe(ResetParameters, status=202)
    def reset_distinct_id(self, request: Request, **kwargs: Any) -> Response:
        """Let a deleted distinct id be used again.

        The person made from the events since the deletion becomes visible; if there were none, the next event
        makes one. Without effect on an id that is not on hold.
        """
        asked = self.parameters(ResetParameters, request)

        def act(by: Actor, now: datetime) -> Response:
            done = reset_distinct_ids(self.project.pk, [asked.distinct_id], by, now)
            if done[asked.distinct_id] is Reset.UNSEEN:
                raise NotFound("This distinct_id has never been seen in the project.")
            return Response(status=202)

        return self.write(request, act)

    def _delete(self, find: Find, asked: DeletionParameters, by: Actor, now: datetime) -> int:
        return delete_persons(
            self.project.pk,
            find,
            by,
            now,
            with_events=asked.delete_events,
            keep_persons=asked.keep_person,
        )

    def _delete_past_events(self, asked: DeletionParameters, by: Actor, now: datetime, **whose: Any) -> int:
        """The events of persons who are gone: none unless events are to be deleted."""
        return delete_past_events(self.project.pk, by, now, **whose) if asked.delete_events else 0

    def _persons(self) -> QuerySet[Person]:
        return Person.objects.filter(project=self.project)

    def _owners(self, distinct_ids: Collection[Any]) -> dict[Any, int]:
        """Whose the distinct ids are, of those that are somebody's."""
        owned = PersonDistinctId.objects.filter(project=self.project, person__isnull=False)
        return dict(owned.filter(distinct_id__in=distinct_ids).values_list("distinct_id", "person"))

    def _by_ids(self, ids: Collection[Any]) -> dict[Any, int]:
        """The keys of the persons with these integers and uuids, of those that are there."""
        by_key = self._persons().filter(pk__in=[each for each in ids if isinstance(each, int)])
        by_uuid = self._persons().filter(uuid__in=[each for each in ids if not isinstance(each, int)])
        return {key: key for key in _keys(by_key)} | dict(by_uuid.values_list("uuid", "pk"))


def _keys(persons: QuerySet[Person]) -> list[int]:
    return list(persons.values_list("pk", flat=True))


def _ask_otherwise(found: int) -> MethodNotAllowed:
    what = "More than one person matches" if found else "This names nobody"
    return MethodNotAllowed(
        "DELETE",
        detail=f"{what}. Use DELETE persons/?distinct_id=... for the one person with a distinct id, "
        "DELETE persons/:id/ for a person, or POST persons/bulk_delete/ for several.",
    )


def _deletion_fields(deletion: Deletion) -> dict[str, Any]:
    return {
        "person_uuid": deletion.person_uuid,
        "created_at": deletion.created_at,
        "status": "completed" if deletion.verified_at else "pending",
        "delete_verified_at": deletion.verified_at,
    }
