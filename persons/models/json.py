"""JSON columns that give back what was put in.

PostgreSQL writes 1e20 as an integer of 21 digits, which Python's decoder reads as one that cannot be sent
to anybody as JSON again; orjson reads it as the number it was.
"""

import json
from typing import Any

import orjson


class Encoder(json.JSONEncoder):
    def encode(self, o: Any) -> str:
        return orjson.dumps(o).decode()


class Decoder(json.JSONDecoder):
    def decode(self, s: str, *args: Any) -> Any:
        return orjson.loads(s)
