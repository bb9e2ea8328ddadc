from django.urls import path

from persons.capture.views import CaptureView

urlpatterns = [path(route, CaptureView.as_view()) for route in ("batch/", "capture/", "e/", "i/v0/e/")]
