import uuid
from typing import Any

from django.db.models.fields.json import KT
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from persons.api.actors import known_ids_first, person_fields, with_distinct_ids
from persons.api.paging import page_url
from persons.api.parameters.door import Parameters
from persons.api.parameters.persons import ListParameters
from persons.api.views.base import ProjectViewSet
from persons.errors import invalid
from persons.models import Person


class PersonsView(ProjectViewSet):
    """``/api/projects/:project_id/persons/``"""

    scope_object = "person"

    def list(self, request: Request, **kwargs: Any) -> Response:
        asked = self.parameters(ListParameters, request)
        persons = Person.objects.filter(project=self.project).order_by("-created_at", "-pk")
        if asked.distinct_id is not None:
            persons = persons.filter(mappings__distinct_id=asked.distinct_id)
        if asked.email is not None:
            persons = persons.annotate(email=KT("properties__email")).filter(email=asked.email)
        # One more than the page: whether there is a next one.
        found = list(with_distinct_ids(persons)[asked.offset : asked.offset + asked.limit + 1])
        preceding = max(asked.offset - asked.limit, 0)
        return Response(
            {
                "results": [person_fields(self.project, person) for person in found[: asked.limit]],
                "next": page_url(request, offset=asked.offset + asked.limit)
                if len(found) > asked.limit
                else None,
                "previous": page_url(request, offset=preceding) if asked.offset else None,
            }
        )

    def retrieve(self, request: Request, person_id: str, **kwargs: Any) -> Response:
        self.parameters(Parameters, request)
        persons = with_distinct_ids(Person.objects.filter(project=self.project), limit=None)
        person = persons.filter(**_by(person_id)).first()
        if person is None:
            raise NotFound
        fields = person_fields(self.project, person)
        return Response({**fields, "distinct_ids": known_ids_first(fields["distinct_ids"])})


def _by(person_id: str) -> dict[str, Any]:
    if person_id.isascii() and person_id.isdecimal() and len(person_id) <= 18:
        return {"pk": int(person_id)}
    try:
        return {"uuid": uuid.UUID(person_id)}
    except ValueError as error:
        raise invalid(
            "id",
            "The ID provided does not look like a personID. If you are using a distinctId, please use "
            "/persons?distinct_id=X instead.",
        ) from error
