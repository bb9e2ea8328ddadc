"""Whatever is sent to an operation, the answer is one that the description knows."""

from typing import Any

from django.db import transaction
from hypothesis import HealthCheck, settings
from schemathesis import Case

from tests.fuzz.checks import CHECKS
from tests.fuzz.fuzzed import SCHEMA, leads_elsewhere
from tests.openapi import store


@SCHEMA.parametrize()
@settings(deadline=None, suppress_health_check=[*HealthCheck])
def test_whatever_is_sent_the_answer_is_one_that_is_described(
    case: Case[Any], headers: dict[str, str]
) -> None:
    if leads_elsewhere(case):
        return
    if case.path.startswith("/i/v1/"):
        headers = {"Authorization": f"Bearer {store.TOKEN}"}
    # The next one is to find what this one may have deleted.
    with transaction.atomic():
        try:
            case.call_and_validate(headers=headers, additional_checks=CHECKS)
        finally:
            transaction.set_rollback(True)
