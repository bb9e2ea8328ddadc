import base64
import gzip
import json
import sys
import zlib
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from rest_framework.exceptions import APIException

from persons.capture.compression import MAX_BODY_BYTES
from persons.capture.decoding import decoded

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

EVENT = {"event": "e", "distinct_id": "d"}


@pytest.mark.parametrize(
    ("body", "token", "events"),
    [
        ({"api_key": "phc_1", **EVENT}, "phc_1", [{"api_key": "phc_1", **EVENT}]),
        ({"token": "phc_1", "batch": [EVENT]}, "phc_1", [EVENT]),
        ({"api_key": "phc_1", "batch": [EVENT, EVENT]}, "phc_1", [EVENT, EVENT]),
        ([{**EVENT, "$token": "phc_1"}], "phc_1", [{**EVENT, "$token": "phc_1"}]),
        (
            [{**EVENT, "properties": {"token": "phc_1"}}],
            "phc_1",
            [{**EVENT, "properties": {"token": "phc_1"}}],
        ),
        ([EVENT], "phc_query", [EVENT]),
    ],
)
def test_one_event_a_list_and_a_batch_are_understood(body: Any, token: str, events: list[Any]) -> None:
    payload = decoded(json.dumps(body).encode(), token="phc_query")
    assert (payload.token, payload.events) == (token, events)


JSON = json.dumps({"api_key": "phc_1", "batch": [{**EVENT, "properties": {"é": "~~~???>>>"}}]}).encode()
BASE64 = base64.b64encode(JSON)
URLSAFE = base64.urlsafe_b64encode(JSON)


@pytest.mark.parametrize(
    ("body", "compression"),
    [
        (JSON, ""),
        (b"  " + JSON + b"\n", ""),
        (gzip.compress(JSON, mtime=0), "gzip"),
        (gzip.compress(JSON, mtime=0), "gzip-js"),
        (gzip.compress(JSON, mtime=0), ""),
        (zlib.compress(JSON), "deflate"),
        (zstd.compress(JSON), "zstd"),
        (zstd.compress(JSON), ""),
        (BASE64, "base64"),
        (BASE64, ""),
        (URLSAFE.rstrip(b"="), "base64"),
        (base64.b64encode(gzip.compress(JSON, mtime=0)), "base64"),
        (b"data=" + quote(BASE64).encode(), ""),
        (b"data=" + BASE64, "base64"),
        (b"data=" + quote(JSON).encode(), ""),
        (b"ip=1&data=" + quote(BASE64).encode() + b"&compression=base64", ""),
        (
            b"data="
            + quote(base64.b64encode(gzip.compress(JSON, mtime=0))).encode()
            + b"&compression=gzip-js",
            "",
        ),
        (gzip.compress(b"data=" + quote(BASE64).encode(), mtime=0), "gzip"),
    ],
)
def test_every_form_that_sdks_have_sent_is_understood(body: bytes, compression: str) -> None:
    (event,) = decoded(body, compression=compression).events
    assert event["properties"] == {"é": "~~~???>>>"}


def test_the_token_may_stand_in_the_form() -> None:
    form = urlencode({"data": json.dumps([EVENT]), "api_key": "phc_form"}).encode()
    assert decoded(form, token="phc_query").token == "phc_form"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("NaN", None),
        ("Infinity", None),
        ('"\\ud83d\\ude00"', "😀"),
        ('"cut \\ud83d"', "cut \ufffd"),
        ("123456789012345678901234567890", 1.2345678901234568e29),
        ("1e999", None),
        ('{"\\ud800": [-Infinity, 1]}', {"\ufffd": [None, 1]}),
    ],
)
def test_what_sdks_send_beyond_strict_json_is_taken(text: str, value: Any) -> None:
    body = f'{{"api_key": "phc_1", "event": "e", "distinct_id": "d", "properties": {{"x": {text}}}}}'
    assert decoded(body.encode()).events[0]["properties"]["x"] == value


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"12", 400),
        (b"[]", 400),
        (b'{"batch": {}}', 400),
        (b'{"batch": []}', 400),
        (b"data=eyJ9", 400),
        (b"\xff\xfe", 400),
        (b"[" * 100_000, 400),
        (gzip.compress(b"[1, 2, 3, 4, 5, 6, 7]", mtime=0)[:20], 400),
        (b"\x1f\x8bgarbage", 400),
        (b" " * (MAX_BODY_BYTES + 1), 413),
        (gzip.compress(b" " * (MAX_BODY_BYTES + 1), mtime=0), 413),
    ],
    ids=lambda value: None if isinstance(value, int) else repr(value[:12]),
)
def test_bodies_that_cannot_be_read_are_refused(body: bytes, status: int) -> None:
    with pytest.raises(APIException) as refusal:
        decoded(body)
    assert refusal.value.status_code == status


@pytest.mark.parametrize(
    ("body", "compression"), [(b"{}", "lz64"), (b"data=abc&compression=lz64", ""), (b"{}", "br")]
)
def test_a_compression_nobody_sends_any_more_is_named(body: bytes, compression: str) -> None:
    with pytest.raises(APIException, match=compression or "lz64"):
        decoded(body, compression=compression)
