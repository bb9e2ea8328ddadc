"""The endpoints that SDKs send events to."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from django.db import IntegrityError
from django.http.request import UnreadablePostError
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from persons.capture import described
from persons.capture.compression import MAX_BODY_BYTES
from persons.capture.decoding import Payload, decoded
from persons.capture.events import accepted
from persons.capture.protocol_v1 import decoded_v1, results
from persons.errors import PayloadTooLarge, invalid
from persons.identity.values import Note
from persons.models import Project
from persons.openapi.operation import describe
from persons.writing.missing import missing_model
from persons.writing.take import take

MAX_EVENTS = 10_000


class UnknownToken(APIException):
    """401: no project takes events with this token."""

    status_code = 401
    default_type = "authentication_error"
    default_code = "authentication_failed"


class _OpenView(APIView):
    authentication_classes = ()
    permission_classes = ()


class CaptureView(_OpenView):
    """Takes events: ``{"status": "Ok"}`` once they can no longer be lost.

    Some events of a batch may be refused while the others are taken; ``refused`` says which and why
    (``stored`` true: the event was taken, only something about it was not done). A beacon, which nobody
    reads the answer of, gets 204.
    """

    @describe(described.Batch, described.Taken, tag="capture", operation_id="capture_batch_create")
    def post(self, request: Request) -> Response:
        """Send events.

        Takes every form that PostHog's SDKs have sent over the years, compressed or not; so do `/capture/`,
        `/track/`, `/engage/`, `/e/`, `/i/v0/e/` and `/i/v0/ai/batch/`. Some events of a batch may be refused
        while the others are taken. With `?beacon=1` the answer is 204.
        """
        return self._capture(request, _body(request))

    @extend_schema(exclude=True)
    def get(self, request: Request) -> Response:
        """Events in the query string's ``data``, as tracking pixels send them."""
        return self._capture(request, urlencode({"data": request.query_params.get("data", "")}).encode())

    def _capture(self, request: Request, body: bytes) -> Response:
        query = request.query_params
        payload = decoded(
            body,
            compression=_encoding(request) or query.get("compression", ""),
            token=query.get("api_key") or query.get("token"),
        )
        notes = _taken(payload)
        if sum(not note.stored for note in notes) == len(payload.events):
            raise _nothing_taken(payload, notes)
        if query.get("beacon") == "1":
            return Response(status=204)
        return Response({"status": "Ok", **({"refused": _refused(notes)} if notes else {})})


class CaptureV1View(_OpenView):
    """``/i/v1/analytics/events``: the answer says of each event what became of it."""

    @describe(described.BatchV1, described.TakenV1, tag="capture", operation_id="capture_v1_create")
    def post(self, request: Request) -> Response:
        """Send events, in the form of the newest SDKs.

        The project's token comes as `Authorization: Bearer phc_...`.
        """
        payload = decoded_v1(_body(request), request.headers)
        return Response({"results": results(payload.events, _taken(payload))})


def _taken(payload: Payload) -> list[Note]:
    """Take what can be taken; returns what was not done, in the order of the batch."""
    now = datetime.now(UTC)
    project_id = _project_id(payload.token)
    if len(payload.events) > MAX_EVENTS:
        raise invalid("batch", f"A batch may have {MAX_EVENTS} events at most.")
    batch = accepted(payload, now)
    try:
        notes = batch.notes + take(project_id, batch.events, now)
    except IntegrityError as error:
        if missing_model(error) is not Project:
            raise
        raise UnknownToken("The project of this token has been deleted.") from error
    return sorted(notes, key=lambda note: note.index)


def _encoding(request: Request) -> str:
    return request.headers.get("Content-Encoding", "").strip().lower()


def _body(request: Request) -> bytes:
    length = request.META.get("CONTENT_LENGTH") or "0"
    if length.isdecimal() and int(length) > MAX_BODY_BYTES:
        raise PayloadTooLarge(f"The body may have {MAX_BODY_BYTES} bytes at most.")
    try:
        return request._request.body
    except UnreadablePostError as error:
        raise invalid(None, "The body ended too early.") from error


def _project_id(token: object) -> int:
    if token is None:
        raise UnknownToken("The project token is missing. Send it as `api_key`.")
    if not isinstance(token, str) or "\x00" in token:
        raise UnknownToken("The project token must be a text.")
    if token.startswith("phx_"):
        raise UnknownToken("This is a personal API key. Events are sent with the project token (phc_...).")
    found = Project.objects.filter(api_token=token).values_list("pk", flat=True).first()
    if found is None:
        raise UnknownToken("No project has this token.")
    return found


def _refused(notes: Sequence[Note]) -> list[dict[str, Any]]:
    return [
        {"index": note.index, "uuid": str(note.uuid), "reason": note.reason, "stored": note.stored}
        for note in notes
    ]


def _nothing_taken(payload: Payload, notes: Sequence[Note]) -> APIException:
    attr = f"batch.{notes[0].index}" if len(payload.events) > 1 else None
    return invalid(attr, f"No event was taken: {notes[0].reason}.")
