"""`matched_recordings` of actors (spec/posthog-behaviour.md 9.1)."""

from collections.abc import Sequence
from typing import Any

from clickhouse.recordings import RecordedEvent


def matched_recordings(events: Sequence[RecordedEvent]) -> list[dict[str, Any]]:
    """Events by their sessions, the earliest session first."""
    sessions: dict[str, list[dict[str, Any]]] = {}
    for event in events:
        shown = {"timestamp": event.timestamp, "uuid": event.uuid, "window_id": event.window_id or None}
        sessions.setdefault(event.session_id, []).append(shown)
    return [{"session_id": session, "events": shown} for session, shown in sessions.items()]
