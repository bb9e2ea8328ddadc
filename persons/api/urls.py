from typing import Any

from django.urls import URLPattern, include, path

from persons.api.renderers import JSON_OR_CSV
from persons.api.views.actions import ActionsView
from persons.api.views.activity import ActivityView
from persons.api.views.batches import BatchView
from persons.api.views.cohorts import CohortsView
from persons.api.views.funnel import FunnelView
from persons.api.views.health import HealthView, LivenessView
from persons.api.views.history import HistoryView, PropertiesAtTimeView
from persons.api.views.lifecycle import LifecycleView
from persons.api.views.me import CurrentKeyView, KeysViewSet, MeView
from persons.api.views.not_built import NOT_BUILT, NotBuiltView
from persons.api.views.persons import PersonsView
from persons.api.views.projects import ProjectsViewSet, ProjectView
from persons.api.views.trends import TrendsView
from persons.api.views.values import ValuesView
from persons.observability.view import metrics_page

# A path that ends in `.csv` asks for it as `format=csv` does.
_CSV = {"format": "csv"}
_STORED: dict[str, Any] = {"get": "retrieve", "put": "update", "patch": "partial_update", "delete": "destroy"}
_list = PersonsView.as_view({"get": "list"}, renderer_classes=JSON_OR_CSV)
_all = PersonsView.as_view({"get": "list", "delete": "destroy_by_ids"}, renderer_classes=JSON_OR_CSV)
_funnel = FunnelView.as_view({"get": "funnel", "post": "funnel"}, renderer_classes=JSON_OR_CSV)
_correlation = FunnelView.as_view({"get": "correlation", "post": "correlation"}, renderer_classes=JSON_OR_CSV)
_lifecycle = LifecycleView.as_view({"get": "lifecycle", "post": "lifecycle"}, renderer_classes=JSON_OR_CSV)
_at_time = PropertiesAtTimeView.as_view({"get": "one", "post": "many"}, renderer_classes=JSON_OR_CSV)
_at_time_csv = PropertiesAtTimeView.as_view({"get": "one"}, renderer_classes=JSON_OR_CSV)
_trends = TrendsView.as_view({"get": "trends", "post": "trends"}, renderer_classes=JSON_OR_CSV)
_stickiness = TrendsView.as_view({"get": "stickiness", "post": "stickiness"}, renderer_classes=JSON_OR_CSV)
_persons: list[URLPattern] = [
    path("", _all),
    path("batch_by_distinct_ids/", BatchView.as_view({"post": "by_distinct_ids"})),
    path("batch_by_uuids/", BatchView.as_view({"post": "by_uuids"})),
    path("cohorts/", PersonsView.as_view({"get": "cohorts"}, also_read=("cohort",))),
    path("funnel/", _funnel),
    path("funnel.csv/", _funnel, _CSV),
    path("funnel/correlation/", _correlation),
    path("funnel/correlation.csv/", _correlation, _CSV),
    path("lifecycle/", _lifecycle),
    path("lifecycle.csv/", _lifecycle, _CSV),
    path("values/", ValuesView.as_view({"get": "values", "post": "values"})),
    path("properties_at_time/", _at_time),
    path("properties_at_time.csv/", _at_time_csv, _CSV),
    path("properties_diff/", HistoryView.as_view({"get": "diff"})),
    path("trends/", _trends),
    path("trends.csv/", _trends, _CSV),
    path("stickiness/", _stickiness),
    path("stickiness.csv/", _stickiness, _CSV),
    *(path(f"{name}/", NotBuiltView.as_view()) for name in NOT_BUILT),
    path("activity/", ActivityView.as_view({"get": "of_all"})),
    path("bulk_delete/", PersonsView.as_view({"post": "bulk_delete"})),
    path("deletion_status/", PersonsView.as_view({"get": "deletion_status"})),
    path("reset_person_distinct_id/", PersonsView.as_view({"post": "reset_distinct_id"})),
    path("<str:person_id>/", PersonsView.as_view(_STORED)),
    path("<str:person_id>/update_property/", PersonsView.as_view({"post": "update_property"})),
    path("<str:person_id>/delete_property/", PersonsView.as_view({"post": "delete_property"})),
    path("<str:person_id>/activity/", ActivityView.as_view({"get": "of_person"})),
    path("<str:person_id>/split/", PersonsView.as_view({"post": "split"})),
    path("<str:person_id>/delete_events/", PersonsView.as_view({"post": "delete_events"})),
    path("<str:person_id>/delete_recordings/", PersonsView.as_view({"post": "delete_recordings"})),
    path("<str:person_id>/properties_history/", HistoryView.as_view({"get": "changes"})),
    path("<str:person_id>/properties_timeline/", HistoryView.as_view({"get": "timeline"})),
]
_cohort_persons = CohortsView.as_view({"get": "persons"}, also_read=("person",), renderer_classes=JSON_OR_CSV)
_actions: list[URLPattern] = [
    path("", ActionsView.as_view({"get": "list", "post": "create"})),
    path("<int:action_id>/", ActionsView.as_view(_STORED)),
]
_cohorts: list[URLPattern] = [
    path("", CohortsView.as_view({"get": "list", "post": "create"})),
    path("<int:cohort_id>/", CohortsView.as_view(_STORED)),
    path("<int:cohort_id>/persons/", _cohort_persons),
    path("<int:cohort_id>/persons.csv/", _cohort_persons, _CSV),
    path(
        "<int:cohort_id>/add_persons_to_static_cohort/",
        CohortsView.as_view({"patch": "add_persons"}),
    ),
    path(
        "<int:cohort_id>/remove_person_from_static_cohort/",
        CohortsView.as_view({"patch": "remove_person"}),
    ),
]
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
    path("api/projects/<str:project_id>/persons/", include(_persons)),
    path("api/projects/<str:project_id>/persons.csv/", _list, _CSV),
    path("api/projects/<str:project_id>/actions/", include(_actions)),
    path("api/projects/<str:project_id>/cohorts/", include(_cohorts)),
    path("api/environments/<str:project_id>/", _project),
    path("api/environments/<str:project_id>/persons/", include(_persons)),
    path("api/environments/<str:project_id>/persons.csv/", _list, _CSV),
    path("api/environments/<str:project_id>/actions/", include(_actions)),
    path("api/environments/<str:project_id>/cohorts/", include(_cohorts)),
]
