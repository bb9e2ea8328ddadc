"""Links between pages: absolute, on the path the request came by, without the key."""

from urllib.parse import urlencode

from rest_framework.request import Request

from persons.api.query_string import sent_parameters


def page_url(request: Request, **replaced: int) -> str:
    """The request's URL with other paging parameters. Never contains ``personal_api_key``."""
    query = [
        (name, value)
        for name, value in sent_parameters(request)
        if name != "personal_api_key" and name not in replaced
    ]
    query += [(name, str(value)) for name, value in replaced.items()]
    address = f"{request.scheme}://{request.get_host()}{request.path}"
    return f"{address}?{urlencode(query)}" if query else address
