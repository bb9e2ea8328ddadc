"""Numbers in texts, and numbers as texts."""

import math
import re
from decimal import Decimal

# As RFC 8259 has it, and as ClickHouse's toFloat64 reads it.
_JSON_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_NUMBER = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?")


def number_in(value: str | int | float | bool, *, strictly: bool = False) -> float | None:
    """The number that a value is or says, None when it is none. `strictly`: a text must be one that JSON
    could have written, so that "007" is no number."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and not (_JSON_NUMBER if strictly else _NUMBER).fullmatch(value):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def number_text(number: int | float) -> str:
    """A number as ClickHouse writes it when it reads JSON: the shortest digits, whole numbers without a
    point, with an exponent from 1e21 on and below 1e-6."""
    if isinstance(number, int):
        return str(number)
    if number.is_integer() and abs(number) < 1e21:
        return str(int(Decimal(repr(number))))
    if 1e-6 <= abs(number) < 1e21:
        return format(Decimal(repr(number)), "f")
    mantissa, _, exponent = repr(number).partition("e")
    return f"{mantissa.removesuffix('.0')}e{int(exponent)}"
