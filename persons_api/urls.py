"""Which view answers which path. Paths end in a slash here; requests may leave it out."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/schema/", include("persons.openapi.urls")),
    path("", include("persons.api.urls")),
    path("", include("persons.capture.urls")),
]

handler400 = "persons.api.errors.bad_request"
handler403 = "persons.api.errors.forbidden"
handler404 = "persons.api.errors.not_found"
handler500 = "persons.api.errors.failed"
