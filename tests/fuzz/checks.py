"""What schemathesis asks of every answer besides its own checks."""

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson
from schemathesis import Case, Response
from schemathesis.checks import CheckContext, CheckFunction
from schemathesis.core import NOT_SET
from schemathesis.core.failures import AcceptedNegativeData
from schemathesis.specs.openapi.checks import negative_data_rejection

from persons.openapi.components import Schema
from persons.openapi.query import SHARED_PARAMETERS
from tests.fuzz.sloppy import may_be_sent, meant, members_that_may_be_sent

Request = dict[str, Any]
# Parameters that the description leaves out: other names of some, and what is refused wherever it stands.
_UNTOLD = {"format", "personal_api_key", "id", "csv", "type", "entityId", "groups", "query", "compression"}


def only_what_may_be_sloppy_is_taken(ctx: CheckContext, response: Response, case: Case[Any]) -> bool | None:
    """Data that the description forbids are refused, unless they are what tests/fuzz/sloppy.py allows."""
    try:
        negative_data_rejection(ctx, response, case)
    except AcceptedNegativeData:
        if not _is_sloppy(case) and not _some_was_refused(response):
            raise
    return None


def _is_sloppy(case: Case[Any]) -> bool:
    if not case.path.startswith("/api/"):
        # SDKs have sent so much over the years that the description tells the best of it only.
        return True
    # A key in the header is the one that counts; the others are not looked at.
    query = {name: each for name, each in (case.query or {}).items() if name != "personal_api_key"}
    fields = {each["name"]: each["schema"] for each in _parameters(case, "query")}
    if not all(
        each in ("", None) or isinstance(each, dict | list) or may_be_sent(fields[name], each)
        for name, each in query.items()
        if name in fields
    ):
        return False
    headers = {each["name"]: each["schema"] for each in _parameters(case, "header")}
    if not all(
        may_be_sent(schema, case.headers[name]) for name, schema in headers.items() if name in case.headers
    ):
        return False
    schema = _body_schema(case)
    if schema is None:
        return True
    # What a body could say may be in the query string; without a body all of it is.
    body = {} if case.body is NOT_SET else case.body
    if not isinstance(body, dict):
        return False
    return members_that_may_be_sent(schema, {**body, "personal_api_key": ""})


def _some_was_refused(response: Response) -> bool:
    """Of a batch of events what is wrong is refused one by one, and the answer says so."""
    body = orjson.loads(response.content) if response.content.startswith(b"{") else {}
    outcomes = body.get("results", {})
    dropped = isinstance(outcomes, dict) and any(
        isinstance(each, dict) and each.get("result") in ("drop", "warning") for each in outcomes.values()
    )
    return "refused" in body or dropped


def whoever_is_refused_learns_why(ctx: CheckContext, response: Response, case: Case[Any]) -> bool | None:
    """A 400 names a parameter of the operation, by a path that leads through what was sent."""
    if response.status_code != 400:
        return None
    error = orjson.loads(response.content)
    if error["code"] == "parse_error":
        # Nothing could be read, so there is nothing to name.
        return None
    attr: str | None = error["attr"]
    sent: Request = dict(parse_qsl(urlsplit(response.request.url or "").query, keep_blank_values=True))
    if isinstance(case.body, dict):
        sent |= case.body
    if attr is None:
        # Events come one by one as well, and then there is nothing to name.
        assert not isinstance(case.body, dict) or not case.path.startswith("/api/"), error
        return None
    names = {*sent, *_UNTOLD, *(each["name"] for each in _parameters(case))}
    if schema := _body_schema(case):
        names |= meant(schema)["properties"].keys()
    assert attr in names or _leads(sent, attr), error
    return None


def _leads(sent: Any, path: str) -> bool:
    """Whether something is at a dotted path, or could be: what is missing is named where it should be."""
    if isinstance(sent, str):
        sent = _json(sent)
    if isinstance(sent, list):
        place, _, rest = path.partition(".")
        return place.isdecimal() and int(place) < len(sent) and (not rest or _leads(sent[int(place)], rest))
    if not isinstance(sent, dict):
        return False
    # Names may have dots in them.
    below = (name for name in sent if path.startswith(f"{name}."))
    if any(_leads(sent[name], path.removeprefix(f"{name}.")) for name in below):
        return True
    # One filter stands for a list of it.
    return path in sent or "." not in path or (path.startswith("0.") and _leads(sent, path[2:]))


def _json(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return [{"id": text}]


def _parameters(case: Case[Any], place: str | None = None) -> list[Schema]:
    told: list[Schema] = case.operation.definition.raw.get("parameters", [])
    told = [SHARED_PARAMETERS[each["$ref"].rpartition("/")[2]] if "$ref" in each else each for each in told]
    return [each for each in told if place in (None, each["in"])]


def _body_schema(case: Case[Any]) -> Schema | None:
    content: Schema = case.operation.definition.raw.get("requestBody", {}).get("content", {})
    found: Schema | None = content.get("application/json", {}).get("schema")
    return found


CHECKS: list[CheckFunction] = [only_what_may_be_sloppy_is_taken, whoever_is_refused_learns_why]
