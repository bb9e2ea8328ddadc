from urllib.parse import parse_qsl

from rest_framework.request import Request

from persons.errors import invalid


def sent_parameters(request: Request) -> list[tuple[str, str]]:
    """The query string's names and values, in the order in which they were sent. Raises a 400.

    Django's own reading depends on the charset of the body, and puts replacement characters where bytes
    are not UTF-8: a filter would quietly look for something else.
    """
    try:
        text = request.META.get("QUERY_STRING", "").encode("latin-1").decode()
        return parse_qsl(text, keep_blank_values=True, errors="strict")
    except UnicodeError as error:
        raise invalid(None, "The query string must be UTF-8.") from error
