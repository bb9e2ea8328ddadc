"""One project with everything that can be done to its persons, each act followed by waiting until questions
know of it."""

from dataclasses import dataclass
from typing import Any

from clickhouse.client import ClickHouse
from clickhouse.sql.fragment import sql
from persons.models import Project
from persons.outbox.flush import drain
from tests.api.helpers import event, names_of
from tests.api_client import Api
from tests.capture.test_stores_agree import assert_stores_agree

MARCH = {"date_from": "2024-03-01", "date_to": "2024-03-31"}


@dataclass
class World:
    api: Api
    project: Project
    store: ClickHouse

    @property
    def persons(self) -> str:
        return f"/api/projects/{self.project.pk}/persons/"

    def drain(self) -> None:
        """Let questions know of everything."""
        drain(self.store)

    def capture(self, *events: dict[str, Any]) -> Any:
        answer = self.api.capture(self.project, list(events))
        assert answer.status_code == 200, answer.content
        drain(self.store)
        return answer.json()

    def did(
        self,
        distinct_id: str,
        *names: str,
        day: int = 1,
        sets: dict[str, Any] | None = None,
        personless: bool = False,
    ) -> None:
        """Events of one day, an hour apart."""
        properties = {"$set": sets or {}, "$process_person_profile": not personless}
        self.capture(
            *(
                event(name, distinct_id, f"2024-03-{day:02}T{10 + hour}:00:00Z", properties=properties)
                for hour, name in enumerate(names)
            )
        )

    def identify(self, distinct_id: str, anonymous_id: str, day: int = 1) -> Any:
        properties = {"$anon_distinct_id": anonymous_id}
        return self.capture(
            event("$identify", distinct_id, f"2024-03-{day:02}T20:00:00Z", properties=properties)
        )

    def delete(self, distinct_id: str, **flags: Any) -> None:
        answer = self.api.send("DELETE", f"{self.persons}?distinct_id={distinct_id}", flags or None)
        assert (answer.status_code, answer.content) == (202, b""), answer.content
        drain(self.store)

    def reset(self, distinct_id: str) -> None:
        answer = self.api.post(f"{self.persons}reset_person_distinct_id/", {"distinct_id": distinct_id})
        assert (answer.status_code, answer.content) == (202, b""), answer.content
        drain(self.store)

    def person(self, distinct_id: str) -> Any:
        """The person of a distinct id, None when it cannot be seen; as both stores have it."""
        (listed,) = self.api.get(self.persons, {"distinct_id": distinct_id}).json()["results"] or [None]
        (searched,) = self.api.get(self.persons, {"search": distinct_id}).json()["results"] or [None]
        assert listed == searched
        return listed

    def uuid(self, distinct_id: str) -> str:
        return str(self.person(distinct_id)["uuid"])

    def ids(self, distinct_id: str) -> list[str]:
        """All distinct ids of the person."""
        return sorted(self.person(distinct_id)["distinct_ids"])

    def properties_at(self, distinct_id: str, moment: str) -> Any:
        """What the properties of the person were."""
        asked = {"distinct_id": distinct_id, "timestamp": moment, "include_set_once": True}
        answer = self.api.get(f"{self.persons}properties_at_time/", asked)
        assert answer.status_code == 200, answer.content
        return answer.json()["properties"]

    def reached(self, *steps: str) -> set[str]:
        """Who did all of these, by the first of their distinct ids."""
        events = [{"id": name} for name in steps]
        step = len(events)
        if step == 1:
            events *= 2
        asked = {**MARCH, "events": events, "funnel_step": step}
        return names_of(self.api.post(f"{self.persons}funnel/", asked))

    def rows(self, statement: str) -> list[Any]:
        """What ClickHouse answers; `{project:Int64}` is this project."""
        return self.store.rows(sql(statement, project=self.project.pk))

    def agree(self) -> None:
        """Both stores say the same."""
        assert_stores_agree(self.store, self.project)
