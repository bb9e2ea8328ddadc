"""What the terminal shows once the server answers."""

import json
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

from persons.management.first_start import Welcome

_POLL_SECONDS = 0.1


def print_when_ready(host: str, port: int, welcome: Welcome, secrets_file: Path) -> None:
    """Print the banner, in the background, once the server answers and has nothing pending.

    A terminal shows the secrets of a first start. Anything else may keep what is printed, a journal for
    example: then the secrets are in the file, and the banner says where.
    """
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    url = f"http://{shown}:{port}"
    hidden_in = None
    if (welcome.personal_api_key or welcome.admin_password) and not sys.stdout.isatty():
        hidden_in = secrets_file
        _write_privately(hidden_in, banner(url, welcome))

    def wait() -> None:
        while not _settled(url):
            time.sleep(_POLL_SECONDS)
        print(banner(url, welcome, hidden_in), file=sys.stdout, flush=True)

    threading.Thread(target=wait, name="banner", daemon=True).start()


def _settled(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/_health", timeout=5) as response:  # noqa: S310 - our own server
            return bool(json.load(response)["outbox"]["pending"] == 0)
    except (OSError, ValueError, urllib.error.URLError):
        return False


def _write_privately(file: Path, text: str) -> None:
    # A file that is there may be open to others, so it is replaced.
    file.unlink(missing_ok=True)
    file.touch(mode=0o600)
    file.write_text(text)


def banner(url: str, welcome: Welcome, hidden_in: Path | None = None) -> str:
    """The address, the credentials or the file that has them, and requests to paste."""
    project, key, password = welcome.project, welcome.personal_api_key, welcome.admin_password
    lines = ["", f"  persons-api is ready at {url}", ""]
    if project:
        lines += [
            f"  Project           {project.name} (id {project.pk})",
            f"  Project token     {project.api_token}",
        ]
    if hidden_in:
        lines.append(f"  First start       secrets are in {hidden_in}: read it, then delete it")
    shown = f"in {hidden_in.name}" if hidden_in else "{}   (shown this once)"
    lines += [
        "  Personal API key  "
        + (shown.format(key) if key else "the one you were shown; another: python manage.py create_key NAME"),
        f"  Admin site        {url}/admin/   {welcome.admin_email}, "
        + (shown.format(password) if password else "your password"),
    ]
    if hidden_in or not key:
        key = "phx_YOUR_KEY"
    if project:
        lines += ["", "  Try it:", "", *_requests(url, project.pk, key, project.api_token)]
    return "\n".join([*lines, "", "  Stop with Ctrl-C.", ""])


def _requests(url: str, project_id: int, key: str, token: str) -> list[str]:
    persons = f"{url}/api/projects/{project_id}/persons"
    return [
        f"  curl -H 'Authorization: Bearer {key}' '{persons}/?limit=3'",
        f"  curl -H 'Authorization: Bearer {key}' "
        f"'{persons}/funnel/?events=sign+up&events=onboarding+completed&events=paid"
        "&funnel_step=3&date_from=-90d&include_total=true&limit=3'",
        f"  curl -H 'Content-Type: application/json' '{url}/batch/' -d "
        f'\'{{"api_key": "{token}", "batch": [{{"event": "hello", "distinct_id": "me", '
        '"properties": {"$set": {"name": "Me"}}}]}\'',
    ]
