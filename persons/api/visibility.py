"""Waiting until ClickHouse has what was acknowledged before a request."""

import time

from django.db.models import Max

from persons.errors import Unavailable
from persons.models import Outbox

_MAX_SECONDS = 5.0
_POLL_SECONDS = 0.02


class NotYetVisible(Unavailable):
    """Acknowledged rows take longer to reach ClickHouse than a request may wait for them."""

    default_code = "not_yet_visible"
    default_detail = (
        f"Not everything that was acknowledged before this request is visible after {_MAX_SECONDS:g} "
        "seconds. Try again in a moment, or ask without `wait_until_visible` for what is visible now."
    )


def wait_until_visible(project_id: int) -> None:
    """Return when ClickHouse has every outbox row of the project that was committed before this call.

    An outbox row goes only after ClickHouse has acknowledged its insert, so polling PostgreSQL is enough,
    whichever process sends the rows. Rows that are committed later have higher ids and are not waited for.
    Each poll is a transaction of its own. Raises NotYetVisible.
    """
    # Of all projects, because that is one step in the primary key. For one project PostgreSQL reads the key
    # backwards, past the rows of all others: 15 ms for 100,000 of them, and nothing may be pending here.
    last = Outbox.objects.aggregate(last=Max("pk"))["last"]
    if last is None:
        return
    pending = Outbox.objects.filter(project=project_id, pk__lte=last)
    give_up_at = time.monotonic() + _MAX_SECONDS
    while pending.exists():
        if time.monotonic() >= give_up_at:
            raise NotYetVisible
        time.sleep(_POLL_SECONDS)
