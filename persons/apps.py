from django.apps import AppConfig


class PersonsConfig(AppConfig):
    name = "persons"
    verbose_name = "admin site"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Django calls this once the models are there."""
        from persons.observability.statements import observe_statements  # noqa: PLC0415
        from persons.observability.tracing import start_tracing  # noqa: PLC0415

        observe_statements()
        start_tracing()
