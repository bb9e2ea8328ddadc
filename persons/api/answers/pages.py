from typing import Annotated

from pydantic import BaseModel

from persons.openapi.fields import told

NextUrl = Annotated[
    str | None, told("The next page, with every parameter of the query string; null on the last page.")
]
PreviousUrl = Annotated[str | None, told("The page before this one; null on the first.")]


class Page(BaseModel):
    """One page of a list."""

    next: NextUrl
    previous: PreviousUrl


class CountedPage(Page):
    """One page of a list, and how many there are."""

    count: Annotated[int, told("How many there are on all pages.")]
