from typing import IO, Any

import orjson
from django.conf import settings
from rest_framework.exceptions import ErrorDetail, ParseError, ValidationError
from rest_framework.parsers import BaseParser, DataAndFiles, MultiPartParser

from persons.errors import PayloadTooLarge, invalid


class JSONParser(BaseParser):
    """A JSON object. Anything else under ``application/json`` is a 400."""

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Any = None
    ) -> dict[str, Any]:
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        body = stream.read(limit + 1)
        if len(body) > limit:
            raise PayloadTooLarge(f"The body may have {limit} bytes at most.")
        try:
            document = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise ParseError(f"The body is not valid JSON: {error}.") from error
        if not isinstance(document, dict):
            raise invalid(None, "The body must be a JSON object.")
        if b"\\u0000" in body:
            refuse_nul(document)
        return document


class UploadTooLarge(ValidationError):
    """A form, or the file in it, is larger than the endpoint takes."""

    status_code = 413
    default_type = "invalid_request"

    def __init__(self, detail: str) -> None:
        super().__init__({"csv": ErrorDetail(detail, code="payload_too_large")})


class UploadParser(MultiPartParser):
    """A form that may have files, for the views that take some."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Any = None
    ) -> "DataAndFiles[Any, Any]":
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        # Django limits the texts of a form only, not its files.
        if int(parser_context["request"].META["CONTENT_LENGTH"]) > limit:
            raise UploadTooLarge(f"The body may have {limit} bytes at most.")
        form = super().parse(stream, media_type, parser_context)
        refuse_nul(form.data.dict())
        return form


def refuse_nul(document: Any) -> None:
    """Raises a 400 naming a text with a NUL character: PostgreSQL cannot store one."""
    path = path_of_nul(document)
    if path is not None:
        raise invalid(path or None, "NUL characters are not allowed.")


def path_of_nul(document: Any) -> str | None:
    """The dotted path of a text (or of the object with a name) that has a NUL character."""
    pending = [("", document)]
    while pending:
        path, value = pending.pop()
        if isinstance(value, str) and "\x00" in value:
            return path
        below = f"{path}." if path else ""
        if isinstance(value, dict):
            pending += [(f"{below}{name}", each) for name, each in value.items()]
            pending += [(path, name) for name in value]
        elif isinstance(value, list):
            pending += [(f"{below}{index}", each) for index, each in enumerate(value)]
    return None
