"""Links between pages: absolute, on the path the request came by, without the key."""

from urllib.parse import parse_qsl, urlencode

from rest_framework.request import Request


def page_url(request: Request, **replaced: int) -> str:
    """The request's URL with other paging parameters. Never contains ``personal_api_key``."""
    query = [
        (name, value)
        for name, value in parse_qsl(request.META.get("QUERY_STRING", ""), keep_blank_values=True)
        if name != "personal_api_key" and name not in replaced
    ]
    query += [(name, str(value)) for name, value in replaced.items()]
    address = f"{request.scheme}://{request.get_host()}{request.path}"
    return f"{address}?{urlencode(query)}" if query else address


def first_page_url(request: Request, *, offset: str = "offset") -> str:
    """The request's URL at offset 0."""
    return page_url(request, **({offset: 0} if offset in request.query_params else {}))
