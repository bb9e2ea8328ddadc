"""The page where distinct ids are reset (spec/decisions.md section 12): find, look, choose, preview, confirm,
and see what became of each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import orjson
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError
from django.http import Http404, HttpRequest, HttpResponse

from persons.admin import store
from persons.admin.access import administers, choose_project, current_project, user_of
from persons.admin.base import page
from persons.errors import Unavailable
from persons.models import Actor, Project
from persons.writing.holds import KnownId, State, known_ids
from persons.writing.missing import missing_model
from persons.writing.reset import Reset, reset_distinct_ids

MOST_IDS = 1_000
_LONGEST_ID = 400

_RESULTS = {
    Reset.RELEASED: "Reset",
    Reset.LIVE: "Nothing to do: it was not on hold",
    Reset.UNSEEN: "Never seen in this project",
}


class NotIds(ValueError):
    """These cannot be the distinct ids that somebody wants to look at. The message is for them."""


@dataclass(frozen=True, slots=True)
class Row:
    """A distinct id as the page shows it. `told` is False while ClickHouse is away."""

    known: KnownId
    told: bool
    copy: store.Copy | None
    events: store.Events | None
    result: str = ""

    @property
    def value(self) -> str:
        """The id as a form sends it back: JSON, because forms change ends of lines."""
        return _json(self.known.distinct_id)

    @property
    def can_be_reset(self) -> bool:
        return self.known.state is State.ON_HOLD

    @property
    def is_behind(self) -> bool:
        """Whether ClickHouse has still to be told. It never is of an id that nobody has and nothing holds."""
        known = self.known
        if known.state is State.UNSEEN or (known.person is None and known.state is not State.ON_HOLD):
            return False
        return not self.told or self.copy is None or self.copy.version != known.version


def reset_page(request: HttpRequest) -> HttpResponse:
    """Every step of it. The ids travel in the form, so that nothing waits in a session."""
    project = _project(request)
    if project is None:
        return _find(request, None)
    try:
        return _step(request, project)
    except NotIds as error:
        messages.error(request, str(error))
        return _find(request, project, request.POST.get("ids", ""))


def _project(request: HttpRequest) -> Project | None:
    """The project that the request names, else the current one."""
    named = request.POST.get("project") or request.GET.get("project")
    return choose_project(request, named) if named else current_project(request)


def _step(request: HttpRequest, project: Project) -> HttpResponse:
    match request.POST.get("step"):
        case "look":
            return look(request, project, _typed(project, request.POST.get("ids", "")))
        case "preview" if "chosen" not in request.POST:
            messages.error(request, "Choose at least one distinct id.")
            return look(request, project, _sent(request, "id"))
        case "preview":
            return preview(request, project, _sent(request, "chosen"))
        case "reset":
            return _reset(request, project, _sent(request, "chosen"))
        case "again":
            return look(request, project, _sent(request, "id"))
    named = request.GET.getlist("id")
    return look(request, project, _checked(named)) if named else _find(request, project)


def _find(request: HttpRequest, project: Project | None, typed: str = "") -> HttpResponse:
    return page(request, "reset/find.html", "Reset distinct ids", project=project, typed=typed)


def look(request: HttpRequest, project: Project, distinct_ids: Sequence[str]) -> HttpResponse:
    """What each id is now."""
    return _table(request, project, "look", _rows(project, distinct_ids))


def preview(request: HttpRequest, project: Project, distinct_ids: Sequence[str]) -> HttpResponse:
    """What a reset will do to each id. Raises PermissionDenied, NotIds."""
    _may_reset(request, project)
    return _table(request, project, "preview", _rows(project, _checked(distinct_ids)))


def _reset(request: HttpRequest, project: Project, distinct_ids: Sequence[str]) -> HttpResponse:
    _may_reset(request, project)
    try:
        done = reset_distinct_ids(project.pk, distinct_ids, Actor(user_of(request)), datetime.now(UTC))
    except Unavailable:
        messages.error(request, "Others are changing the same persons. Nothing was reset; try again.")
        return preview(request, project, distinct_ids)
    except IntegrityError as error:
        if missing_model(error) is not Project:
            raise PermissionDenied("The user has been deleted.") from error
        raise Http404("The project has been deleted.") from error
    results = {distinct_id: _RESULTS[result] for distinct_id, result in done.items()}
    return _table(request, project, "done", _rows(project, distinct_ids, results))


def _may_reset(request: HttpRequest, project: Project) -> None:
    if not administers(user_of(request), project.pk):
        raise PermissionDenied("Viewers of a project may not reset its distinct ids.")


def _table(request: HttpRequest, project: Project, step: str, rows: Sequence[Row]) -> HttpResponse:
    return page(
        request,
        f"reset/{step}.html",
        "Reset distinct ids",
        project=project,
        rows=rows,
        all_ids=_json([row.known.distinct_id for row in rows]),
        step=step,
        may_reset=administers(user_of(request), project.pk),
        on_hold=sum(row.can_be_reset for row in rows),
        reset=sum(row.result == _RESULTS[Reset.RELEASED] for row in rows),
        without_clickhouse=any(not row.told for row in rows),
    )


def _rows(project: Project, distinct_ids: Sequence[str], results: dict[str, str] | None = None) -> list[Row]:
    known = known_ids(project.pk, distinct_ids)
    told = store.told(project.pk, known)
    return [
        Row(
            known=each,
            told=told is not None,
            copy=told.copies.get(each.distinct_id) if told else None,
            events=told.events.get(each.distinct_id) if told else None,
            result=(results or {}).get(each.distinct_id, ""),
        )
        for each in known
    ]


def _typed(project: Project, text: str) -> list[str]:
    """The ids of a pasted list, one a line: as they stand where that is known, else without the white space
    around them."""
    lines = [line for line in text.replace("\r\n", "\n").split("\n") if line.strip()]
    _checked(lines)
    unseen = {each.distinct_id for each in known_ids(project.pk, lines) if each.state is State.UNSEEN}
    return _checked([line.strip() if line in unseen else line for line in lines])


def _sent(request: HttpRequest, name: str) -> list[str]:
    """The ids that our own forms hold: each in a field, or all in one."""
    try:
        values = [orjson.loads(text) for text in request.POST.getlist(name)]
    except orjson.JSONDecodeError as error:
        raise NotIds("These are not distinct ids.") from error
    if len(values) == 1 and isinstance(values[0], list):
        values = values[0]
    if not all(isinstance(value, str) for value in values):
        raise NotIds("These are not distinct ids.")
    return _checked(values)


def _checked(distinct_ids: Sequence[str]) -> list[str]:
    """Each of the ids once. Raises NotIds unless there are some, and not too many."""
    ids = list(dict.fromkeys(distinct_ids))
    if not ids:
        raise NotIds("Name at least one distinct id.")
    if len(ids) > MOST_IDS:
        raise NotIds(f"{len(ids):,} distinct ids are more than the {MOST_IDS:,} that can be done at once.")
    for each in ids:
        if len(each) > _LONGEST_ID:
            raise NotIds(f"A distinct id has at most {_LONGEST_ID} characters; this has more: {each[:60]}...")
        if "\0" in each:
            raise NotIds("No distinct id contains a NUL.")
    return ids


def _json(value: str | list[str]) -> str:
    return orjson.dumps(value).decode()
