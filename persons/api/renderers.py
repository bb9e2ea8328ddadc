from typing import Any

import orjson
from rest_framework.renderers import BaseRenderer


class JSONRenderer(BaseRenderer):
    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None
    ) -> bytes:
        return b"" if data is None else orjson.dumps(data, option=orjson.OPT_UTC_Z)


class CSVRenderer(JSONRenderer):
    """That a view can answer with CSV. It makes the file itself (persons/api/files); errors are JSON."""

    media_type = "text/csv"
    format = "csv"


class NDJSONRenderer(JSONRenderer):
    """That a view can answer with one JSON object a line, likewise."""

    media_type = "application/x-ndjson"
    format = "ndjson"


JSON_OR_FILE = (JSONRenderer, CSVRenderer, NDJSONRenderer)
