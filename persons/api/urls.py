from django.urls import URLPattern, include, path

from persons.api.views.funnel import FunnelView
from persons.api.views.health import HealthView, LivenessView
from persons.api.views.me import CurrentKeyView, KeysViewSet, MeView
from persons.api.views.not_built import NOT_BUILT, NotBuiltView
from persons.api.views.persons import PersonsView
from persons.api.views.projects import ProjectsViewSet, ProjectView

_persons: list[URLPattern] = [
    path("", PersonsView.as_view({"get": "list"})),
    path("funnel/", FunnelView.as_view({"get": "funnel", "post": "funnel"})),
    *(path(f"{name}/", NotBuiltView.as_view()) for name in NOT_BUILT),
    path("<str:person_id>/", PersonsView.as_view({"get": "retrieve"})),
]
_project = ProjectView.as_view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"})

urlpatterns = [
    path("_health/", HealthView.as_view()),
    path("_livez/", LivenessView.as_view()),
    path("api/users/@me/", MeView.as_view({"get": "retrieve"})),
    path("api/personal_api_keys/", KeysViewSet.as_view({"get": "list", "post": "create"})),
    path("api/personal_api_keys/@current/", CurrentKeyView.as_view({"get": "retrieve"})),
    path("api/personal_api_keys/<int:key_id>/", KeysViewSet.as_view({"delete": "destroy"})),
    path("api/projects/", ProjectsViewSet.as_view({"get": "list", "post": "create"})),
    path("api/projects/<str:project_id>/", _project),
    path("api/projects/<str:project_id>/persons/", include(_persons)),
    path("api/environments/<str:project_id>/", _project),
    path("api/environments/<str:project_id>/persons/", include(_persons)),
]
