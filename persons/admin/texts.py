from typing import Any
from uuid import UUID

import orjson


def as_uuid(text: str) -> UUID | None:
    """The uuid that a text is, if it is one."""
    try:
        return UUID(text)
    except ValueError:
        return None


def shown(value: Any) -> str:
    """A value of JSON to read: texts as they are, everything else as JSON."""
    return value if isinstance(value, str) else orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
