from django.apps import AppConfig


class PersonsConfig(AppConfig):
    name = "persons"
    verbose_name = "admin site"
    default_auto_field = "django.db.models.BigAutoField"
