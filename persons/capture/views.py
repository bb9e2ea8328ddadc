"""The endpoints that SDKs send events to."""

from datetime import UTC, datetime

from django.db import IntegrityError
from django.http.request import RawPostDataException
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from persons.capture.decoding import MAX_BODY_BYTES, decoded
from persons.capture.events import accepted
from persons.capture.store import take
from persons.errors import PayloadTooLarge, invalid
from persons.identity.values import Note
from persons.models import Project

MAX_EVENTS = 10_000


class UnknownToken(APIException):
    """401: no project takes events with this token."""

    status_code = 401
    default_type = "authentication_error"
    default_code = "authentication_failed"


class CaptureView(APIView):
    """Takes events: ``{"status": "Ok"}`` once they can no longer be lost.

    Some events of a batch may be refused while the others are taken; ``refused`` says which and why
    (``stored`` true: the event was taken, only something about it was not done).
    """

    authentication_classes = ()
    permission_classes = ()

    def post(self, request: Request) -> Response:
        now = datetime.now(UTC)
        payload = decoded(
            _body(request),
            content_encoding=request.headers.get("Content-Encoding", "").strip().lower(),
            compression=request.query_params.get("compression", ""),
            token=request.query_params.get("api_key") or request.query_params.get("token"),
        )
        project_id = _project_id(payload.token)
        if len(payload.events) > MAX_EVENTS:
            raise invalid("batch", f"A batch may have {MAX_EVENTS} events at most.")
        batch = accepted(payload, now)
        try:
            notes = batch.notes + take(project_id, batch.events, now)
        except IntegrityError as error:
            raise UnknownToken("The project of this token has been deleted.") from error
        return _answer(notes, len(payload.events))


def _body(request: Request) -> bytes:
    length = request.META.get("CONTENT_LENGTH") or "0"
    if length.isdecimal() and int(length) > MAX_BODY_BYTES:
        raise PayloadTooLarge(f"The body may have {MAX_BODY_BYTES} bytes at most.")
    try:
        return request._request.body
    except RawPostDataException as error:
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


def _answer(notes: list[Note], sent: int) -> Response:
    refused = [
        {"index": note.index, "uuid": str(note.uuid), "reason": note.reason, "stored": note.stored}
        for note in sorted(notes, key=lambda note: note.index)
    ]
    if sum(not note.stored for note in notes) == sent:
        raise invalid(
            f"batch.{refused[0]['index']}" if sent > 1 else None,
            f"No event was taken: {refused[0]['reason']}.",
        )
    return Response({"status": "Ok", **({"refused": refused} if refused else {})})
