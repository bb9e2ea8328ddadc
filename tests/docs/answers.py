"""Whether an answer is the one that a page prints. `"..."` stands for what differs from run to run."""

import json
from datetime import UTC, datetime
from typing import Any

ANYTHING = "..."
_WIDTH = 90


def is_printed(kind: str, printed: str, answer: str) -> bool:
    """Whether an example answered what its page says; JSON is compared as JSON."""
    if kind == "text":
        return printed.strip() == answer.strip()
    return _same(json.loads(printed), json.loads(answer))


def _same(printed: Any, found: Any) -> bool:
    """`"..."` is any value, and as a key any other keys."""
    if printed == ANYTHING:
        return True
    if isinstance(printed, dict) and isinstance(found, dict):
        named = printed.keys() - {ANYTHING}
        complete = named == found.keys() if ANYTHING not in printed else named <= found.keys()
        return complete and all(_same(printed[key], found[key]) for key in named)
    if isinstance(printed, list) and isinstance(found, list):
        return len(printed) == len(found) and all(map(_same, printed, found))
    return bool(printed == found) and isinstance(printed, bool) == isinstance(found, bool)


def refitted(printed: Any, found: Any) -> Any:
    """What was found, with the same left out as is left out of what is printed."""
    if printed == ANYTHING:
        return ANYTHING
    if isinstance(found, dict):
        pattern = printed if isinstance(printed, dict) else {}
        kept = [key for key in found if ANYTHING not in pattern or key in pattern]
        shorter = {key: refitted(pattern.get(key), found[key]) for key in kept}
        return shorter | ({ANYTHING: ANYTHING} if ANYTHING in pattern else {})
    if isinstance(found, list):
        patterns = printed if isinstance(printed, list) and printed else [None]
        return [refitted(patterns[min(place, len(patterns) - 1)], each) for place, each in enumerate(found)]
    return ANYTHING if isinstance(found, str) and found.startswith(_today()) else found


def _today() -> str:
    """What happened while the examples ran is different each time; the demo data are older."""
    return datetime.now(UTC).date().isoformat()


def written(value: Any, indent: int = 0) -> str:
    """JSON as the pages have it: what fits on a line stands on one."""
    line = json.dumps(value, ensure_ascii=False)
    if len(line) + indent <= _WIDTH or not isinstance(value, dict | list) or not value:
        return line
    inner = " " * (indent + 2)
    if isinstance(value, dict):
        parts = [f"{inner}{json.dumps(key)}: {written(value[key], indent + 2)}" for key in value]
        return "{\n" + ",\n".join(parts) + f"\n{' ' * indent}}}"
    return "[\n" + ",\n".join(f"{inner}{written(each, indent + 2)}" for each in value) + f"\n{' ' * indent}]"
