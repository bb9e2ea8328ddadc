from typing import Annotated, Any
from uuid import UUID

from pydantic import BeforeValidator

from persons.api.parameters.door import Json, Parameters, refuse
from persons.openapi.fields import told

MAX_BATCH = 200


def _at_most(value: Any) -> Any:
    if isinstance(value, list) and len(value) > MAX_BATCH:
        raise refuse("There may be at most {most} at once.", most=MAX_BATCH)
    return value


def _uuid(value: Any) -> UUID:
    try:
        return UUID(value)
    except (ValueError, TypeError, AttributeError) as error:
        raise refuse("One or more UUIDs are invalid.") from error


class DistinctIdsParameters(Parameters):
    """``persons/batch_by_distinct_ids/``"""

    distinct_ids: Annotated[
        list[str], BeforeValidator(_at_most), Json, told("At most 200.", ["user-1", "user-2"])
    ]


class UuidsParameters(Parameters):
    """``persons/batch_by_uuids/``"""

    uuids: Annotated[
        list[Annotated[UUID, BeforeValidator(_uuid)]],
        BeforeValidator(_at_most),
        Json,
        told("At most 200.", ["0190d3f1-1c3e-5a6b-8c7d-2f4e6a8b0c1d"]),
    ]
