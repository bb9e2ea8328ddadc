"""Pages, and the links between them: absolute, on the path the request came by, without the key."""

from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlencode

from django.db.models import Model, QuerySet
from rest_framework.request import Request

from persons.api.parameters.door import Paging
from persons.api.query_string import sent_parameters

Stored = TypeVar("Stored", bound=Model)


def page_url(request: Request, **replaced: int | str) -> str:
    """The request's URL with other paging parameters. Never contains ``personal_api_key``."""
    query = [
        (name, value)
        for name, value in sent_parameters(request)
        if name != "personal_api_key" and name not in replaced
    ]
    query += [(name, str(value)) for name, value in replaced.items()]
    address = f"{request.scheme}://{request.get_host()}{request.path}"
    return f"{address}?{urlencode(query)}" if query else address


def counted_page(
    request: Request, page: Paging, stored: QuerySet[Stored], fields: Callable[[Stored], Any]
) -> dict[str, Any]:
    """One page of stored things, and how many there are in all."""
    count = stored.count()
    following, preceding = page.offset + page.limit, max(page.offset - page.limit, 0)
    return {
        "count": count,
        "next": page_url(request, offset=following) if following < count else None,
        "previous": page_url(request, offset=preceding) if page.offset else None,
        "results": [fields(each) for each in stored[page.offset : following]],
    }
