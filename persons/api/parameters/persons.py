from typing import ClassVar

from persons.api.parameters.door import Paging, Text, Unsupported


class ListParameters(Paging):
    """``GET persons/``: which persons, by an id of theirs or their email address, both exactly."""

    distinct_id: Text = None
    email: Text = None

    unsupported: ClassVar = (
        Unsupported("search"),
        Unsupported("properties"),
        Unsupported("cohort"),
        Unsupported("include_total"),
    )
