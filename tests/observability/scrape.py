"""What `/_metrics` says, as numbers."""

from typing import Any

from prometheus_client.parser import text_string_to_metric_families

Numbers = dict[tuple[str, frozenset[tuple[str, str]]], float]


def numbers(client: Any, **headers: str) -> Numbers:
    answer = client.get("/_metrics", headers=headers)
    assert answer.status_code == 200, answer.content
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.content.decode())
        for sample in family.samples
    }


def number(found: Numbers, name: str, **labels: str) -> float:
    return found.get((name, frozenset(labels.items())), 0.0)
