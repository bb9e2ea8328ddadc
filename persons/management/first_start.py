"""A first project with demo data, so that the first question has an answer."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from django.conf import settings
from django.db import transaction
from tqdm import tqdm

from persons.capture.decoding import Payload
from persons.capture.events import accepted
from persons.demo import demo_events
from persons.installation import give_password, new_project, owner
from persons.models import PersonalAPIKey, Project
from persons.writing.take import take

_BATCH = 500


class Welcome(NamedTuple):
    """What to tell whoever started the server. The secrets are None when they were told before."""

    project: Project | None
    personal_api_key: str | None
    admin_email: str
    admin_password: str | None


def prepare(*, demo: bool, demo_until: datetime | None = None) -> Welcome:
    """Make what a fresh installation needs; does nothing on an old one. Continues where it was cut off.

    The demo data end at demo_until, now if that is None.
    """
    if not Project.objects.exists():
        _note_file().unlink(missing_ok=True)
        # The project exists once the note does: cut off in between, the next start begins anew.
        with transaction.atomic():
            project = new_project("Demo" if demo else "My project")
            if demo:
                until = demo_until or datetime.now(UTC)
                _note_file().write_text(json.dumps({"project": project.pk, "until": until.isoformat()}))
    _load_demo()
    user = owner()
    key = None
    if not PersonalAPIKey.objects.exists():
        _, key = PersonalAPIKey.issue(user, label="first key", scopes=["*"])
    project_to_show = Project.objects.filter(memberships__user=user).order_by("pk").first()
    return Welcome(project_to_show, key, user.email, give_password(user))


def _note_file() -> Path:
    """Says that demo data are being loaded, into which project and up to which day."""
    path: Path = settings.DATA_DIR / "loading-demo.json"
    return path


def _load_demo() -> None:
    try:
        note: dict[str, Any] = json.loads(_note_file().read_text())
    except FileNotFoundError:
        return
    # The same events with the same uuids whenever it is called, so those taken before change nothing.
    events = demo_events(datetime.fromisoformat(note["until"]))
    with tqdm(total=len(events), desc="Demo data", unit=" events", unit_scale=True) as progress:
        for start in range(0, len(events), _BATCH):
            now = datetime.now(UTC)
            part = events[start : start + _BATCH]
            payload = Payload(token=None, events=part, historical_migration=True)
            take(note["project"], accepted(payload, now).events, now)
            progress.update(len(part))
    _note_file().unlink()
