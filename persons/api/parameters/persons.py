from typing import ClassVar

from persons.api.parameters.door import Paging, Unsupported


class ListParameters(Paging):
    """``GET persons/``: which persons, by an id of theirs or their email address, both exactly."""

    distinct_id: str | None = None
    email: str | None = None

    unsupported: ClassVar = (
        Unsupported("search"),
        Unsupported("properties"),
        Unsupported("cohort"),
        Unsupported("include_total"),
    )
