import gzip
import json
from typing import Any

import pytest
from rest_framework.exceptions import APIException

from persons.capture.decoding import MAX_BODY_BYTES, decoded

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


@pytest.mark.parametrize(
    "how", [{"content_encoding": "gzip"}, {"compression": "gzip"}, {"compression": "gzip-js"}, {}]
)
def test_gzip_is_recognised_by_what_it_is(how: dict[str, str]) -> None:
    body = gzip.compress(json.dumps({"api_key": "phc_1", "batch": [EVENT]}).encode())
    assert decoded(body, **how).events == [EVENT]


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
        (gzip.compress(b"{}")[:-6], 400),
        (b"\x1f\x8bgarbage", 400),
        (b" " * (MAX_BODY_BYTES + 1), 413),
        (gzip.compress(b" " * (MAX_BODY_BYTES + 1)), 413),
    ],
    ids=lambda value: None if isinstance(value, int) else repr(value[:12]),
)
def test_bodies_that_cannot_be_read_are_refused(body: bytes, status: int) -> None:
    with pytest.raises(APIException) as refusal:
        decoded(body)
    assert refusal.value.status_code == status


def test_an_unknown_compression_is_named() -> None:
    with pytest.raises(APIException, match="lz64"):
        decoded(b"{}", compression="lz64")
