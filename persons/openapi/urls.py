from django.urls import path

from persons.openapi.views import RedocView, SchemaView, SwaggerView, redoc_bundle

urlpatterns = [
    path("", SchemaView.as_view(), name="schema"),
    path("swagger-ui/", SwaggerView.as_view()),
    path("redoc/", RedocView.as_view()),
    path("redoc/bundle.js/", redoc_bundle, name="redoc-bundle"),
]
