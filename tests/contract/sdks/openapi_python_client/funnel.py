"""Who signed up with Chrome or Safari, or has more than five seats, and paid without having cancelled?"""

from persons_api_client import AuthenticatedClient
from persons_api_client.api.persons import persons_funnel_create
from persons_api_client.models import (
    Actors,
    ErrorResponse,
    Event,
    ExcludedEvent,
    ExcludedEventType,
    FunnelRequest,
    PropertyFilter,
    PropertyFilterType,
    PropertyGroup,
    PropertyGroupType,
    PropertyOperator,
)


def connect(url: str, key: str) -> AuthenticatedClient:
    return AuthenticatedClient(url, token=key)


def question() -> FunnelRequest:
    browser = PropertyFilter(type_=PropertyFilterType.EVENT, key="$browser", value=["Chrome", "Safari"])
    seats = PropertyFilter(
        type_=PropertyFilterType.PERSON, key="seats", operator=PropertyOperator.GT, value=5
    )
    either = PropertyGroup(type_=PropertyGroupType.OR, values=[browser, seats])
    cancelled = ExcludedEvent(
        id="cancelled", type_=ExcludedEventType.EVENTS, funnel_from_step=0, funnel_to_step=1
    )
    return FunnelRequest(
        events=[Event(id="sign up", properties=either), Event(id="paid")],
        exclusions=[cancelled],
        funnel_step=2,
        date_from="2024-03-01",
        date_to="2024-03-31",
        include_total=True,
    )


def ask(client: AuthenticatedClient, project: str) -> Actors | ErrorResponse | None:
    answer = persons_funnel_create.sync(project, client=client, body=question())
    if isinstance(answer, ErrorResponse):
        print("refused:", answer.attr, answer.detail)
    elif answer:
        for person in answer.results[0].people:
            print(person.name, person.properties["seats"])
    return answer
