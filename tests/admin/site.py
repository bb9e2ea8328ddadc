"""A session in the admin site."""

import html
import re
from dataclasses import dataclass
from typing import Any

import orjson
from django.test import Client

from persons.models import Project, User

ADMIN = "/admin/persons/"
RESET = f"{ADMIN}persondistinctid/reset/"


@dataclass
class Site:
    client: Client
    project: Project

    @classmethod
    def opened(cls, user: User, project: Project) -> "Site":
        client = Client()
        client.force_login(user)
        return cls(client, project)

    def get(self, path: str, **query: Any) -> Any:
        return self.client.get(path, query)

    def page(self, path: str, **query: Any) -> str:
        """The HTML of a page that opens."""
        answer = self.get(path, **query)
        assert answer.status_code == 200, answer.content
        return str(answer.content.decode())

    def step(self, step: str, **fields: Any) -> Any:
        """A step of the reset page."""
        return self.client.post(RESET, {"project": self.project.pk, "step": step, **fields})

    def rows(self, answer: Any) -> list[list[str]]:
        """The texts in the table of a page, cell by cell."""
        assert answer.status_code == 200, answer.content
        body = answer.content.decode().partition("<tbody>")[2].partition("</tbody>")[0]
        return [
            [text(cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL)]
            for row in re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL)
        ]


def text(markup: str) -> str:
    """What is to be read of a piece of HTML."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", markup)).split())


def chosen(*distinct_ids: str) -> list[str]:
    """Distinct ids as the forms send them."""
    return [orjson.dumps(each).decode() for each in distinct_ids]
