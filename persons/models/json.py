"""JSON columns that give back what was put in.

PostgreSQL writes 1e20 as an integer of 21 digits, which Python's decoder reads as one that cannot be sent
to anybody as JSON again; orjson reads it as the number it was.
"""

import json
from decimal import Decimal
from typing import Any

import orjson


class Encoder(json.JSONEncoder):
    def encode(self, o: Any) -> str:
        return orjson.dumps(o).decode()


class Decoder(json.JSONDecoder):
    def decode(self, s: str, *args: Any) -> Any:
        return orjson.loads(s)


def as_jsonb(value: Any) -> Any:
    """A document as it comes back from PostgreSQL: of a float that orjson writes with an exponent the digits,
    read as a whole number where 64 bits hold it."""
    if isinstance(value, dict):
        return {key: as_jsonb(each) for key, each in value.items()}
    if isinstance(value, list):
        return [as_jsonb(each) for each in value]
    if isinstance(value, float) and 1e16 <= abs(value) < 1e20:
        return orjson.loads(format(Decimal(repr(value)), "f"))
    return value
