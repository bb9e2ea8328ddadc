"""What browsers are told to do, and not to do, with answers."""

from typing import Any

import pytest

from persons.models import Project
from tests.api_client import Api

NOTHING = "default-src 'none'"


@pytest.mark.parametrize(
    ("path", "policy", "kept"),
    [
        ("/api/projects/{project}/persons/", NOTHING, "no-store"),
        ("/api/projects/{project}/persons/?format=csv", NOTHING, "no-store"),
        ("/api/projects/{project}/persons/nobody/", NOTHING, "no-store"),
        ("/api/nowhere/", NOTHING, "no-store"),
        ("/array/phc_any/config/", NOTHING, None),
        ("/api/schema/swagger-ui/", "default-src 'self'", None),
        ("/admin/login/", "default-src 'self'", None),
    ],
)
def test_every_answer_says_what_may_be_done_with_it(
    api: Api, project: Project, path: str, policy: str, kept: str | None
) -> None:
    answer = api.get(path.format(project=project.pk))
    assert answer["Content-Security-Policy"].startswith(policy)
    assert "frame-ancestors 'none'" in answer["Content-Security-Policy"]
    assert (answer["X-Content-Type-Options"], answer["X-Frame-Options"]) == ("nosniff", "DENY")
    assert answer["Referrer-Policy"] == "same-origin"
    assert kept is None or answer["Cache-Control"] == kept


@pytest.mark.parametrize(
    ("path", "scripts"),
    [
        ("/admin/login/", "'self' 'unsafe-eval'"),
        ("/api/schema/swagger-ui/", "'self'"),
        ("/api/schema/redoc/", "'self'"),
    ],
)
def test_pages_run_the_programs_of_the_service_only(api: Api, path: str, scripts: str) -> None:
    answer = api.get(path)
    assert f"script-src {scripts};" in answer["Content-Security-Policy"]
    assert "<script>" not in answer.content.decode()


def test_links_follow_a_proxy_only_where_it_is_trusted(api: Api, project: Project, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    forwarded = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "persons.example.com"}

    def following() -> str:
        return str(api.get("/api/projects/", {"limit": "1"}, **forwarded).json()["next"])

    Project.objects.create(name="another").memberships.create(user=project.members.get())
    assert following().startswith("http://testserver/")
    settings.USE_X_FORWARDED_HOST = True
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    assert following().startswith("https://persons.example.com/")
