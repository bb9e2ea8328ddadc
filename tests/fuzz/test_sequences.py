"""Whatever is done one after the other, each answer is as described.

Links lead from answers to operations: a person that was found is changed, split and deleted, and must not be
found any more.
"""

import re
from typing import Any

from django.db import transaction
from hypothesis import HealthCheck, Phase, settings
from schemathesis import Case, Response
from schemathesis.generation.stateful import APIStateMachine

from tests.fuzz.checks import CHECKS
from tests.fuzz.fuzzed import EXAMPLES, FEW, SEQUENCES
from tests.openapi import store

_ID = re.compile(r"[0-9]+|[0-9a-f-]{36}")


def test_whatever_happens_one_after_the_other_each_answer_is_one_that_is_described(
    headers: dict[str, str],
) -> None:
    machine: type[APIStateMachine] = SEQUENCES.as_state_machine()

    class Followed(machine):  # type: ignore[misc,valid-type]
        def setup(self) -> None:
            super().setup()
            self.undone = transaction.atomic()
            self.undone.__enter__()

        def teardown(self) -> None:
            # Each sequence is to find what others may have deleted.
            transaction.set_rollback(True)
            self.undone.__exit__(None, None, None)
            super().teardown()

        def before_call(self, case: Case[Any]) -> None:
            if "project_id" in case.path_parameters:
                case.path_parameters["project_id"] = "@current"
            # Made up where no link led here.
            if not _ID.fullmatch(str(case.path_parameters.get("person_id", store.SOMEBODY))):
                case.path_parameters["person_id"] = store.SOMEBODY
            # Who is kept can still be found, and schemathesis would not have it so.
            if case.method == "DELETE":
                case.query.pop("keep_person", None)
            # No event of the transaction reaches ClickHouse, so this would wait in vain and answer 503.
            for parameters in (case.query, case.body):
                if isinstance(parameters, dict):
                    parameters.pop("wait_until_visible", None)
            if isinstance(case.body, dict) and "api_key" in case.body:
                case.body["api_key"] = store.TOKEN

        def get_call_kwargs(self, case: Case[Any]) -> dict[str, Any]:
            return {"headers": headers}

        def validate_response(self, response: Response, case: Case[Any], *_: Any, **kwargs: Any) -> None:
            case.validate_response(
                response,
                headers=headers,
                transport_kwargs=kwargs,
                additional_checks=CHECKS,
                # Who was deleted before.
                recorder=self.recorder,
            )

    Followed.run(
        settings=settings(
            max_examples=EXAMPLES * 2 if EXAMPLES > FEW else 5,
            stateful_step_count=15,
            deadline=None,
            derandomize=True,
            # What is found can be read as it is, and looking for less takes very long.
            phases=[Phase.generate],
            database=None,
            suppress_health_check=[*HealthCheck],
        )
    )
