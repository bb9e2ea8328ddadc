"""Who signed up with Chrome or Safari, or has more than five seats, and paid without having cancelled?"""

from persons_sdk import (
    Actors,
    ApiClient,
    Configuration,
    ErrorResponse,
    Event,
    ExcludedEvent,
    Exclusion,
    FunnelRequest,
    PersonsApi,
    PropertyFilter,
    PropertyFilters,
    PropertyFilterType,
    PropertyGroup,
    PropertyGroupType,
    PropertyNode,
    PropertyOperator,
)
from persons_sdk.exceptions import BadRequestException


def connect(url: str, key: str) -> ApiClient:
    return ApiClient(Configuration(host=url, access_token=key))


def question() -> FunnelRequest:
    browser = PropertyFilter(type=PropertyFilterType.EVENT, key="$browser", value=["Chrome", "Safari"])
    seats = PropertyFilter(type=PropertyFilterType.PERSON, key="seats", operator=PropertyOperator.GT, value=5)
    either = PropertyGroup(type=PropertyGroupType.OR, values=[PropertyNode(browser), PropertyNode(seats)])
    cancelled = ExcludedEvent(id="cancelled", type="events", funnel_from_step=0, funnel_to_step=1)
    return FunnelRequest(
        events=[Event(id="sign up", properties=PropertyFilters(either)), Event(id="paid")],
        exclusions=[Exclusion(cancelled)],
        funnel_step=2,
        date_from="2024-03-01",
        date_to="2024-03-31",
        include_total=True,
    )


def ask(client: ApiClient, project: str) -> Actors | ErrorResponse:
    try:
        answer = PersonsApi(client).persons_funnel_create(project, question())
    except BadRequestException as error:
        assert isinstance(error.data, ErrorResponse)
        print("refused:", error.data.attr, error.data.detail)
        return error.data
    for person in answer.results[0].people:
        print(person.name, person.properties["seats"])
    return answer
