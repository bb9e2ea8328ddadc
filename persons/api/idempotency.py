"""A request that is sent again because its answer got lost does nothing a second time, and is answered alike.

The answer is stored in the transaction that did what was asked: there is one if and only if it was done.
"""

import hashlib
from collections.abc import Callable

import orjson
from django.db import transaction
from django.db.models.functions import Now
from rest_framework.request import Request
from rest_framework.response import Response

from persons.api.parameters.door import raw_parameters
from persons.errors import invalid
from persons.models import IdempotentAnswer, Project
from persons.models.idempotency import KEPT_FOR
from persons.writing.statements import hold_project

HEADER = "Idempotency-Key"
_MOST_CHARACTERS = 255
# As the OpenAPI description has it.
PARAMETER = {
    "name": HEADER,
    "in": "header",
    "description": "A text of your choice, a new one for each thing to be done. Sent again with the same "
    "one, a request is done once and answered the same, with the header `Idempotent-Replayed: true`, for "
    f"{KEPT_FOR.days} days.",
    "schema": {"type": "string", "minLength": 1, "maxLength": _MOST_CHARACTERS},
    "example": "4c1f7f0e-delete-user-1",
}


def once(request: Request, project: Project, act: Callable[[], Response]) -> Response:
    """What ``act`` answers, or what it answered when the request's Idempotency-Key came before.

    What is refused is not remembered. Raises a 400 when the key came with another request.
    """
    key = request.headers.get(HEADER)
    if key is None:
        return act()
    if not key or len(key) > _MOST_CHARACTERS or not key.isprintable():
        raise invalid(HEADER, f"Must be a text of 1 to {_MOST_CHARACTERS} characters.")
    fingerprint = _fingerprint(request)
    with transaction.atomic():
        hold_project(project.pk)
        _forget_old_answers()
        answer = IdempotentAnswer(project=project, key=key, fingerprint=fingerprint, status=0, body="")
        # Waits for a request with this key that is being answered right now.
        IdempotentAnswer.objects.bulk_create([answer], ignore_conflicts=True)
        stored = IdempotentAnswer.objects.get(project=project, key=key)
        if stored.fingerprint != fingerprint:
            raise invalid(HEADER, "This key came with another request.", code="idempotency_key_reused")
        if stored.status:
            body, headers = orjson.loads(stored.body), {"Idempotent-Replayed": "true"}
            return Response(body, status=stored.status, headers=headers)
        response = act()
        stored.status, stored.body = response.status_code, orjson.dumps(response.data).decode()
        stored.save(update_fields=["status", "body"])
    return response


def _forget_old_answers() -> None:
    # Those that another request forgets right now are left to it.
    old = IdempotentAnswer.objects.filter(created_at__lt=Now() - KEPT_FOR)
    IdempotentAnswer.objects.filter(pk__in=old.select_for_update(skip_locked=True).values("pk")).delete()


def _fingerprint(request: Request) -> str:
    asked = {name: value for name, value in raw_parameters(request).items() if name != "personal_api_key"}
    # With its trailing slash, which the request may leave out (persons/api/middleware.py).
    document = [request.method, request.path_info, asked]
    return hashlib.sha256(orjson.dumps(document, option=orjson.OPT_SORT_KEYS)).hexdigest()
