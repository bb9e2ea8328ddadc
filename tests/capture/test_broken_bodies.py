"""Bodies that no SDK means to send: whatever it is, capture answers, and never with a 500."""

import gzip
import os
import zlib
from itertools import product
from typing import Any

import orjson
import pytest
from django.db import transaction
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from persons.models import Project
from tests.api.helpers import send_bytes
from tests.api_client import Api

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "60"))
TOKEN = "phc_broken"
GOOD = orjson.dumps({"api_key": TOKEN, "batch": [{"event": "e", "distinct_id": "d", "properties": {"n": 1}}]})
ZSTD = b"\x28\xb5\x2f\xfd"
VALUES = [
    b"null", b"[]", b"{}", b'""', b"1e400", b"-1e400", b"NaN", b"9" * 400, b"-0", b"true", b"1.5",
    b'"\\ud800"', b'"\\udc00\\ud800"', b'"\\u0000"', b'"\xff"', b'"' + b"x" * 5_000 + b'"',
    b"[" * 900 + b"]" * 900, b"[" * 200_000, b'{"a":' * 500 + b"1" + b"}" * 500,
]  # fmt: skip
FIELDS = [
    b'"event"', b'"distinct_id"', b'"timestamp"', b'"uuid"', b'"properties"', b'"$set"', b'"$set_once"',
    b'"$unset"', b'"offset"', b'"sent_at"', b'"batch"', b'"api_key"', b'"historical_migration"',
    b'"$elements"', b'"options"',
]  # fmt: skip
PATHS = ["/batch/", "/e/", "/i/v1/analytics/events/"]


def _with(field: bytes, value: bytes) -> bytes:
    """An odd value in the event, in its properties and around it; of equal names the last one counts."""
    event = b'{"event":"$identify","distinct_id":"d","properties":{"$anon_distinct_id":"a",%b:%b},%b:%b}'
    inside = event % (field, value, field, value)
    return b'{"api_key":"%b","batch":[%b],%b:%b}' % (TOKEN.encode(), inside, field, value)


def _cut(body: bytes, at: int, put: bytes) -> bytes:
    at %= len(body) + 1
    return body[:at] + put + body[at + len(put) :]


_json = st.one_of(
    st.builds(_with, st.sampled_from(FIELDS), st.sampled_from(VALUES)),
    st.builds(_cut, st.just(GOOD), st.integers(0, 200), st.binary(max_size=4)),
)
_pack = st.sampled_from([gzip.compress, zlib.compress, lambda body: ZSTD + body])
_whole = st.builds(lambda pack, body: pack(body), _pack, _json)
_packed = st.builds(_cut, _whole, st.integers(0, 200), st.binary(max_size=3))
_form = st.builds(
    lambda body, rest: b"data=" + body + rest, _json, st.sampled_from([b"", b"&compression=gzip"])
)
bodies = st.one_of(_json, _packed, _form, st.binary(max_size=60))
encodings = st.sampled_from(["", "gzip", "deflate", "zstd", "br", "base64", "identity, gzip", "\u00ff"])


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    suppress_health_check=[*HealthCheck],
    database=None,
)
@given(path=st.sampled_from(PATHS), body=bodies, encoding=encodings)
@example(PATHS[0], gzip.compress(GOOD, mtime=0)[:-9], "gzip")
@example(PATHS[0], zlib.compress(b"x" * 10)[:5], "deflate")
def test_whatever_arrives_is_answered(
    api: Api, project: Project, path: str, body: bytes, encoding: str
) -> None:
    Project.objects.filter(pk=project.pk).update(api_token=TOKEN)
    headers: dict[str, Any] = {"Authorization": f"Bearer {TOKEN}", "Content-Encoding": encoding}
    with transaction.atomic():
        answer = send_bytes(api, "POST", path, body, **headers)
        transaction.set_rollback(True)
    assert answer.status_code in (200, 400, 401, 413), answer.content
    document = orjson.loads(answer.content)
    if answer.status_code != 200:
        assert {"type", "code", "detail", "attr"} <= document.keys()


@pytest.mark.parametrize("field", FIELDS)
def test_no_value_of_a_field_is_too_odd_to_be_answered(api: Api, project: Project, field: bytes) -> None:
    Project.objects.filter(pk=project.pk).update(api_token=TOKEN)
    for path, value in product((PATHS[0], PATHS[-1]), VALUES):
        with transaction.atomic():
            answer = send_bytes(api, "POST", path, _with(field, value), Authorization=f"Bearer {TOKEN}")
            transaction.set_rollback(True)
        assert answer.status_code in (200, 400, 401), (value, answer.content)
