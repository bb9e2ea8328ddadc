from typing import Any

from django.urls import URLPattern, include, path

from persons.api.renderers import JSON_OR_FILE
from persons.api.views.actions import ActionsView
from persons.api.views.activity import ActivityView
from persons.api.views.batches import BatchView
from persons.api.views.cohorts import CohortsView
from persons.api.views.events import EventsView
from persons.api.views.funnel import FunnelView
from persons.api.views.health import HealthView, LivenessView
from persons.api.views.history import HistoryView, PropertiesAtTimeView
from persons.api.views.lifecycle import LifecycleView
from persons.api.views.me import CurrentKeyView, KeysViewSet, MeView
from persons.api.views.not_built import NOT_BUILT, NotBuiltView
from persons.api.views.not_kept import NOT_KEPT, NotKeptView
from persons.api.views.persons import PersonsView
from persons.api.views.projects import ProjectsViewSet, ProjectView
from persons.api.views.trends import TrendsView
from persons.api.views.values import ValuesView
from persons.observability.view import metrics_page


def _with_files(name: str, view: Any, of_files: Any = None) -> list[URLPattern]:
    """Under a name, and as a file under the name with `.csv` or `.ndjson`, which asks as `format` does."""
    files = [path(f"{name}.{each}/", of_files or view, {"format": each}) for each in ("csv", "ndjson")]
    return [path(f"{name}/", view), *files]


_STORED: dict[str, Any] = {"get": "retrieve", "put": "update", "patch": "partial_update", "delete": "destroy"}
_list = PersonsView.as_view({"get": "list"}, renderer_classes=JSON_OR_FILE)
_all = PersonsView.as_view({"get": "list", "delete": "destroy_by_ids"}, renderer_classes=JSON_OR_FILE)
_funnel = FunnelView.as_view({"get": "funnel", "post": "funnel"}, renderer_classes=JSON_OR_FILE)
_correlation = FunnelView.as_view(
    {"get": "correlation", "post": "correlation"}, renderer_classes=JSON_OR_FILE
)
_lifecycle = LifecycleView.as_view({"get": "lifecycle", "post": "lifecycle"}, renderer_classes=JSON_OR_FILE)
_at_time = PropertiesAtTimeView.as_view({"get": "one", "post": "many"}, renderer_classes=JSON_OR_FILE)
_at_time_file = PropertiesAtTimeView.as_view({"get": "one"}, renderer_classes=JSON_OR_FILE)
_trends = TrendsView.as_view({"get": "trends", "post": "trends"}, renderer_classes=JSON_OR_FILE)
_stickiness = TrendsView.as_view({"get": "stickiness", "post": "stickiness"}, renderer_classes=JSON_OR_FILE)
_persons: list[URLPattern] = [
    path("batch_by_distinct_ids/", BatchView.as_view({"post": "by_distinct_ids"})),
    path("batch_by_uuids/", BatchView.as_view({"post": "by_uuids"})),
    path("cohorts/", PersonsView.as_view({"get": "cohorts"}, also_read=("cohort",))),
    *_with_files("funnel", _funnel),
    *_with_files("funnel/correlation", _correlation),
    *_with_files("lifecycle", _lifecycle),
    path("values/", ValuesView.as_view({"get": "values", "post": "values"})),
    *_with_files("properties_at_time", _at_time, _at_time_file),
    path("properties_diff/", HistoryView.as_view({"get": "diff"})),
    *_with_files("trends", _trends),
    *_with_files("stickiness", _stickiness),
    *(path(f"{name}/", NotBuiltView.as_view()) for name in NOT_BUILT),
    path("activity/", ActivityView.as_view({"get": "of_all"})),
    path("bulk_delete/", PersonsView.as_view({"post": "bulk_delete"})),
    path("deletion_status/", PersonsView.as_view({"get": "deletion_status"})),
    path("reset_person_distinct_id/", PersonsView.as_view({"post": "reset_distinct_id"})),
    path("<str:person_id>/", PersonsView.as_view(_STORED)),
    path("<str:person_id>/update_property/", PersonsView.as_view({"post": "update_property"})),
    path("<str:person_id>/delete_property/", PersonsView.as_view({"post": "delete_property"})),
    path("<str:person_id>/activity/", ActivityView.as_view({"get": "of_person"})),
    path("<str:person_id>/distinct_ids/", PersonsView.as_view({"get": "distinct_ids"})),
    path("<str:person_id>/split/", PersonsView.as_view({"post": "split"})),
    path("<str:person_id>/delete_events/", PersonsView.as_view({"post": "delete_events"})),
    path("<str:person_id>/delete_recordings/", PersonsView.as_view({"post": "delete_recordings"})),
    path("<str:person_id>/properties_history/", HistoryView.as_view({"get": "changes"})),
    path("<str:person_id>/properties_timeline/", HistoryView.as_view({"get": "timeline"})),
]
_cohort_persons = CohortsView.as_view(
    {"get": "persons"}, also_read=("person",), renderer_classes=JSON_OR_FILE
)
_actions: list[URLPattern] = [
    path("", ActionsView.as_view({"get": "list", "post": "create"})),
    path("<int:action_id>/", ActionsView.as_view(_STORED)),
]
_cohorts: list[URLPattern] = [
    path("", CohortsView.as_view({"get": "list", "post": "create"})),
    path("<int:cohort_id>/", CohortsView.as_view(_STORED)),
    *_with_files("<int:cohort_id>/persons", _cohort_persons),
    path(
        "<int:cohort_id>/add_persons_to_static_cohort/",
        CohortsView.as_view({"patch": "add_persons"}),
    ),
    path(
        "<int:cohort_id>/remove_person_from_static_cohort/",
        CohortsView.as_view({"patch": "remove_person"}),
    ),
]
_events: list[URLPattern] = [
    path("", EventsView.as_view({"get": "list"})),
    path("<str:event_id>/", EventsView.as_view({"get": "retrieve"})),
]
_not_kept: list[URLPattern] = [path(f"{name}/", NotKeptView.as_view({"get": "list"})) for name in NOT_KEPT]
_project = ProjectView.as_view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"})

urlpatterns = [
    path("_health/", HealthView.as_view()),
    path("_livez/", LivenessView.as_view()),
    path("_metrics/", metrics_page),
    path("api/users/@me/", MeView.as_view({"get": "retrieve"})),
    path("api/personal_api_keys/", KeysViewSet.as_view({"get": "list", "post": "create"})),
    path("api/personal_api_keys/@current/", CurrentKeyView.as_view({"get": "retrieve"})),
    path("api/personal_api_keys/<int:key_id>/", KeysViewSet.as_view({"delete": "destroy"})),
    path("api/projects/", ProjectsViewSet.as_view({"get": "list", "post": "create"})),
    path("api/projects/<str:project_id>/", _project),
    *_with_files("api/projects/<str:project_id>/persons", _all, _list),
    path("api/projects/<str:project_id>/persons/", include(_persons)),
    path("api/projects/<str:project_id>/actions/", include(_actions)),
    path("api/projects/<str:project_id>/cohorts/", include(_cohorts)),
    path("api/projects/<str:project_id>/events/", include(_events)),
    path("api/projects/<str:project_id>/", include(_not_kept)),
    path("api/environments/<str:project_id>/", _project),
    *_with_files("api/environments/<str:project_id>/persons", _all, _list),
    path("api/environments/<str:project_id>/persons/", include(_persons)),
    path("api/environments/<str:project_id>/actions/", include(_actions)),
    path("api/environments/<str:project_id>/cohorts/", include(_cohorts)),
    path("api/environments/<str:project_id>/events/", include(_events)),
    path("api/environments/<str:project_id>/", include(_not_kept)),
]
