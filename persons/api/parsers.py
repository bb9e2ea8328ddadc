from typing import IO, Any

import orjson
from django.conf import settings
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

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


def refuse_nul(value: Any, path: str = "") -> None:
    """Raises a 400 naming the first text with a NUL character: PostgreSQL cannot store one."""
    if isinstance(value, str) and "\x00" in value:
        raise invalid(path or None, "NUL characters are not allowed.")
    if isinstance(value, dict):
        for key, each in value.items():
            refuse_nul(key, path)
            refuse_nul(each, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for index, each in enumerate(value):
            refuse_nul(each, f"{path}.{index}")
