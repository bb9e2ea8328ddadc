"""Request paths as logs and traces may have them.

A client can put anything into a path: a key, or the email address that is a distinct id.
`/api/projects/1/persons/12/` stays as it is; `/api/projects/1/persons/ann@example.com/` becomes
`/api/projects/1/persons/.../`.
"""

import functools
import re
from collections.abc import Iterable, Iterator

from django.urls import URLPattern, URLResolver, get_resolver

_CAPTURED = re.compile(r"<[^>]*>")
_LITERAL = re.compile(r"[@\w][\w.@-]*", re.ASCII)
_NUMBER_OR_UUID = re.compile(r"\d{1,18}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_HIDDEN = "..."


def shown_path(path: str) -> str:
    """The path with the names of our own paths, numbers and uuids in it, and nothing else."""
    return "/".join(part if _is_harmless(part) else _HIDDEN for part in path.split("/"))


def _is_harmless(part: str) -> bool:
    return not part or part in _literals() or bool(_NUMBER_OR_UUID.fullmatch(part))


@functools.cache
def _literals() -> frozenset[str]:
    return frozenset({"@current", "static", *_literals_of(get_resolver().url_patterns)})


def _literals_of(patterns: Iterable[URLPattern | URLResolver]) -> Iterator[str]:
    for each in patterns:
        yield from _LITERAL.findall(_CAPTURED.sub("", str(each.pattern)))
        if isinstance(each, URLResolver):
            yield from _literals_of(each.url_patterns)
