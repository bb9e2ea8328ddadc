from datetime import datetime
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from persons.api.answers.stored import Success
from persons.api.parameters.changes import (
    DeletePropertyParameters,
    PartialUpdateParameters,
    SplitParameters,
    UpdateParameters,
    UpdatePropertyParameters,
    check_what_goes,
)
from persons.api.persons import person_of
from persons.api.views.writing import WritingViewSet
from persons.errors import invalid
from persons.models import Actor
from persons.openapi.operation import describe
from persons.writing.split import NotOnThisPerson, split_all_but, split_off
from persons.writing.update import NotUpdated, update_person


class ChangingView(WritingViewSet):
    """The methods of persons that change properties and distinct ids."""

    @describe(UpdateParameters, status=202)
    def update(self, request: Request, person_id: str, **kwargs: Any) -> Response:
        """Set properties of a person."""
        asked = self.parameters(UpdateParameters, request)
        answer = Response(status=202)
        return self._update(request, person_id, {"$set": asked.properties}, answer, "properties")

    @describe(PartialUpdateParameters, status=202, example={"properties": {"plan": "pro"}})
    def partial_update(self, request: Request, person_id: str, **kwargs: Any) -> Response:
        """Set properties of a person: the same as PUT."""
        return self.update(request, person_id)

    @describe(UpdatePropertyParameters, status=202)
    def update_property(self, request: Request, person_id: str, **kwargs: Any) -> Response:
        """Set one property of a person."""
        asked = self.parameters(UpdatePropertyParameters, request)
        answer = Response(status=202)
        return self._update(request, person_id, {"$set": {asked.key: asked.value}}, answer, "value")

    @describe(DeletePropertyParameters, Success, status=201)
    def delete_property(self, request: Request, person_id: str, **kwargs: Any) -> Response:
        """Remove one property of a person."""
        asked = self.parameters(DeletePropertyParameters, request)
        answer = Response({"success": True}, status=201)
        return self._update(request, person_id, {"$unset": [asked.unset]}, answer, "$unset")

    def _update(
        self, request: Request, person_id: str, update: dict[str, Any], answer: Response, attr: str
    ) -> Response:
        def act(by: Actor, now: datetime) -> Response:
            try:
                update_person(self.project.pk, person_of(self.project, person_id).pk, update, by, now)
            except NotUpdated as error:
                raise invalid(attr, str(error)) from error
            return answer

        return self.write(request, act)

    @describe(SplitParameters, Success, status=201, example={"main_distinct_id": "somebody"})
    def split(self, request: Request, person_id: str, **kwargs: Any) -> Response:
        """Undo a merge: distinct ids of a person become persons of their own.

        Each takes its events along, also past ones. The person keeps its properties; the new ones have none.
        """
        asked = self.parameters(SplitParameters, request)
        check_what_goes(asked)

        def act(by: Actor, now: datetime) -> Response:
            key = person_of(self.project, person_id).pk
            try:
                if asked.distinct_ids_to_split is not None:
                    split_off(self.project.pk, key, asked.distinct_ids_to_split, by, now)
                else:
                    split_all_but(self.project.pk, key, asked.main_distinct_id, by, now)
            except NotOnThisPerson as error:
                kept = asked.main_distinct_id is not None
                raise invalid("main_distinct_id" if kept else "distinct_ids_to_split", str(error)) from error
            return Response({"success": True}, status=201)

        return self.write(request, act)
