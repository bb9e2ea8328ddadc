"""A funnel of three steps, as it is asked for."""

from typing import Any

A, B, C = {"id": "a"}, {"id": "b"}, {"id": "c"}
MARCH = {"date_from": "2024-03-01", "date_to": "2024-03-31"}
STEPS: dict[str, Any] = {"events": [A, B, C], **MARCH}
# Complete, so that a parameter that is overlooked shows as a 200.
WHOLE: dict[str, Any] = {**STEPS, "funnel_step": 1}
