"""What the tests of the REST API share."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from persons.installation import owner
from persons.models import Membership, Person, PersonalAPIKey, PersonDistinctId, Project, User
from tests.api_client import Api

Capture = Callable[..., Any]


def event(name: str, distinct_id: str, at: str, **fields: Any) -> dict[str, Any]:
    return {"event": name, "distinct_id": distinct_id, "timestamp": at, **fields}


def change(at: str, distinct_id: str = "u", name: str = "$set", **update: Any) -> dict[str, Any]:
    """An event that asks for something of its person: `change("2024-03-01", set={"plan": "pro"})`."""
    return event(name, distinct_id, at, properties={f"${key}": value for key, value in update.items()})


def person(
    project: Project, *distinct_ids: str, created_at: str = "2024-03-01T10:00:00Z", **properties: Any
) -> Person:
    """A person that is there without having done anything."""
    made = Person.objects.create(
        project=project, created_at=datetime.fromisoformat(created_at), properties=properties
    )
    PersonDistinctId.objects.bulk_create(
        PersonDistinctId(project=project, person=made, distinct_id=each) for each in distinct_ids
    )
    return made


def project_of(user: User, name: str = "another") -> Project:
    made = Project.objects.create(name=name)
    Membership.objects.create(project=made, user=user)
    return made


def stranger() -> User:
    return User.objects.create_user("stranger@example.com")


def api_with(
    api: Api, scopes: Iterable[str] = ("*",), projects: Iterable[int] = (), user: User | None = None
) -> Api:
    """The API with a key of its own."""
    return Api(api.client, PersonalAPIKey.issue(user or owner(), "own", list(scopes), list(projects))[1])


def send_bytes(
    api: Api, method: str, path: str, body: bytes, content_type: str = "application/json", **headers: str
) -> Any:
    """A request that no JSON library would make."""
    headers = {"Authorization": f"Bearer {api.key}", **headers} if api.key else headers
    return api.client.generic(method, path, body, content_type=content_type, headers=headers)


def local(url: str) -> str:
    """An absolute link as the test client takes it."""
    parts = urlsplit(url)
    assert (parts.scheme, parts.netloc) == ("http", "testserver")
    return f"{parts.path}?{parts.query}"


def pages(ask: Callable[[str], Any], first: str) -> Iterator[dict[str, Any]]:
    """Every page, following `next` to the end."""
    address = first
    for _ in range(20):
        answer = ask(address)
        assert answer.status_code == 200, answer.content
        page = answer.json()
        yield page
        if page["next"] is None:
            return
        address = local(page["next"])
    raise AssertionError("there is no end to the pages")


def actors_of(page: dict[str, Any]) -> list[dict[str, Any]]:
    (result,) = page["results"]
    people: list[dict[str, Any]] = result["people"]
    return people


def names_of(answer: Any) -> set[str]:
    """The first distinct ids of a funnel's people, none of whom came twice."""
    assert answer.status_code == 200, answer.content
    people = [actor["distinct_ids"][0] for actor in actors_of(answer.json())]
    assert len(people) == len(set(people))
    return set(people)
