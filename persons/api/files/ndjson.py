"""One JSON object a line (https://github.com/ndjson/ndjson-spec)."""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from persons.api.files.spool import Spool


class NdjsonFile(Spool):
    """Rows as they are in a JSON answer. Raises what Spool raises, and whatever the rows raise."""

    content_type = "application/x-ndjson"

    def __init__(self, rows: Iterable[Mapping[str, Any]]) -> None:
        super().__init__()
        try:
            for row in rows:
                self.waiting.write(orjson.dumps(row, option=orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE))
            self.length = self.waiting.tell()
        except BaseException:
            self.close()
            raise
