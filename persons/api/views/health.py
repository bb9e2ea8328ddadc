"""Is the service up? For load balancers and people; no key needed."""

from typing import Any

from django.db import DatabaseError, connection
from psycopg_pool import PoolTimeout
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from clickhouse.errors import ClickHouseError
from persons.api.answers import health as answers
from persons.models import Outbox
from persons.openapi.operation import describe
from persons.stores import clickhouse


class LivenessView(APIView):
    """200 as long as the process answers."""

    authentication_classes = ()
    permission_classes = ()

    @describe(answer=answers.Liveness, tag="health")
    def get(self, request: Request) -> Response:
        """Does the process answer?

        No key is needed.
        """
        return Response({"status": "ok"})


class HealthView(APIView):
    """200 when both stores answer, else 503 with what is down, and how far ClickHouse is behind."""

    authentication_classes = ()
    permission_classes = ()

    @describe(answer=answers.Health, tag="health", also=(503,))
    def get(self, request: Request) -> Response:
        """Do both stores answer?

        And how far is ClickHouse behind? No key is needed.
        """
        postgres, outbox = _postgres()
        parts: dict[str, Any] = {"postgres": postgres, "clickhouse": _clickhouse(), "outbox": outbox}
        up = all(parts[store]["status"] == "ok" for store in ("postgres", "clickhouse"))
        return Response({"status": "ok" if up else "down", **parts}, status=200 if up else 503)


def _postgres() -> tuple[dict[str, str], dict[str, Any] | None]:
    try:
        pending, seconds = Outbox.backlog()
        version = str(connection.get_database_version()[0])
    except (DatabaseError, PoolTimeout) as error:
        return {"status": "down", "error": type(error).__name__}, None
    return {"status": "ok", "version": version}, {"pending": pending, "oldest_seconds": round(seconds, 3)}


def _clickhouse() -> dict[str, str]:
    try:
        return {"status": "ok", "version": clickhouse().ping()}
    except ClickHouseError as error:
        return {"status": "down", "error": type(error).__name__}
