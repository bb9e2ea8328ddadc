"""JSON as SDKs write it, which is sometimes a little more than JSON."""

import json
from typing import Any

import orjson


def parsed(text: bytes) -> Any:
    """The document. Raises ValueError when it is not JSON even by a generous reading."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        try:
            return _generously(text)
        except (ValueError, RecursionError):
            raise ValueError(str(error)) from error


def _generously(text: bytes) -> Any:
    """NaN and infinities are null, halves of surrogate pairs U+FFFD; numbers stay within 64 bits."""
    document = json.loads(
        text, parse_constant=lambda _: None, parse_int=_whole_or_float, parse_float=_float_or_none
    )
    # Through UTF-16 and back: what belongs together becomes one character, what is left over U+FFFD.
    utf16 = json.dumps(document, ensure_ascii=False).encode("utf-16", "surrogatepass")
    return orjson.loads(utf16.decode("utf-16", "replace"))


def _whole_or_float(digits: str) -> int | float | None:
    number = int(digits) if len(digits) <= 20 else None
    return number if number is not None and -(2**63) <= number < 2**64 else _float_or_none(digits)


def _float_or_none(digits: str) -> float | None:
    number = float(digits)
    return number if abs(number) != float("inf") else None
