from typing import Any

from django.urls import path

from persons.capture.polled import always, config, config_script, flags
from persons.capture.views import CaptureV1View, CaptureView

CAPTURE = ("batch", "capture", "track", "engage", "e", "i/v0/e", "i/v0/ai/batch")
NOTHING_TO_TELL: dict[str, dict[str, Any]] = {
    "s": {"status": 1},
    "flags/definitions": {"flags": [], "group_type_mapping": {}, "cohorts": {}},
    "api/feature_flag/local_evaluation": {"flags": [], "group_type_mapping": {}, "cohorts": {}},
    "api/surveys": {"surveys": [], "survey_config": None},
    "api/early_access_features": {"earlyAccessFeatures": []},
    "api/web_experiments": {"experiments": []},
    "api/product_tours": {"product_tours": []},
}

urlpatterns = [
    *(path(f"{route}/", CaptureView.as_view()) for route in CAPTURE),
    path("i/v1/analytics/events/", CaptureV1View.as_view()),
    path("flags/", flags),
    path("decide/", flags),
    path("array/<str:token>/config/", config),
    path("array/<str:token>/config.js/", config_script),
    *(path(f"{route}/", always(answer)) for route, answer in NOTHING_TO_TELL.items()),
]
