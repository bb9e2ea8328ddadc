"""What the terminal shows once the server answers."""

import json
import sys
import threading
import time
import urllib.error
import urllib.request

from persons.management.first_start import Welcome

_POLL_SECONDS = 0.1


def print_when_ready(host: str, port: int, welcome: Welcome) -> None:
    """Wait, in the background, until the server answers and has nothing pending; then print the banner."""
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    url = f"http://{shown}:{port}"

    def wait() -> None:
        while not _settled(url):
            time.sleep(_POLL_SECONDS)
        print(banner(url, welcome), file=sys.stdout, flush=True)

    threading.Thread(target=wait, name="banner", daemon=True).start()


def _settled(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/_health", timeout=5) as response:  # noqa: S310 - our own server
            return bool(json.load(response)["outbox"]["pending"] == 0)
    except (OSError, ValueError, urllib.error.URLError):
        return False


def banner(url: str, welcome: Welcome) -> str:
    """The address, the credentials, and requests to paste."""
    project = welcome.project
    lines = ["", f"  persons-api is ready at {url}", ""]
    if project:
        lines += [
            f"  Project           {project.name} (id {project.pk})",
            f"  Project token     {project.api_token}",
        ]
    key = welcome.personal_api_key
    lines.append(
        f"  Personal API key  {key}   (shown this once)"
        if key
        else "  Personal API key  the one you were shown; another: python manage.py create_key NAME"
    )
    password = f"{welcome.admin_password}   (shown this once)" if welcome.admin_password else "your password"
    lines.append(f"  Admin site        {url}/admin/   {welcome.admin_email}, {password}")
    if project:
        lines += ["", "  Try it:", "", *_requests(url, project.pk, key or "phx_YOUR_KEY", project.api_token)]
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
