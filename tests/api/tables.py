"""Files of persons, as their readers find them."""

import csv
import io
from typing import Any


def table(answer: Any) -> tuple[list[str], list[dict[str, str]]]:
    """Columns and rows, as a reader of RFC 4180 finds them."""
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    content: bytes = answer.getvalue()
    assert int(answer.headers["Content-Length"]) == len(content)
    assert content.endswith(b"\r\n")
    reader = csv.DictReader(io.StringIO(content.decode(), newline=""), strict=True)
    rows = list(reader)
    assert all(None not in row and None not in row.values() for row in rows)
    return list(reader.fieldnames or ()), rows
