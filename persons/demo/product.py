"""Hedgebook, the invented product: its pages, the ways to it, what people do in it and what it costs."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import accumulate
from random import Random
from typing import Any

SITE = "https://hedgebook.example"

SITE_PAGES = (
    "/pricing",
    "/pricing",
    "/features",
    "/features",
    "/templates",
    "/customers",
    "/docs/getting-started",
    "/docs/import",
    "/blog/meeting-notes-that-get-read",
    "/blog/über-uns",
)
APP_PAGES = (
    "/app",
    "/app",
    "/app/notes",
    "/app/notes",
    "/app/calendar",
    "/app/team",
    "/app/settings",
    "/app/settings/notifications",
)
SITE_BUTTONS = ("Start for free", "Book a demo", "See pricing", "Play video")
APP_BUTTONS = ("New note", "Share", "Add emoji 🦔", "Pin", "Comment")


@dataclass(frozen=True, slots=True)
class Channel:
    """A way people come to the site, and how many of those it brings sign up."""

    name: str
    weight: int
    signup_rate: float
    landing_pages: tuple[str, ...]
    referring_domain: str = "$direct"
    utm: dict[str, str] = field(default_factory=dict)


DIRECT = Channel("direct", 24, 0.42, ("/",))
CHANNELS = (
    DIRECT,
    Channel(
        "organic search",
        28,
        0.36,
        ("/", "/templates", "/blog/meeting-notes-that-get-read"),
        "www.google.com",
    ),
    Channel(
        "paid search",
        16,
        0.30,
        ("/pricing", "/features"),
        "www.google.com",
        {"utm_source": "google", "utm_medium": "cpc", "utm_campaign": "team-notes"},
    ),
    Channel(
        "newsletter",
        8,
        0.52,
        ("/templates", "/blog/meeting-notes-that-get-read"),
        utm={"utm_source": "newsletter", "utm_medium": "email", "utm_campaign": "monthly-hedge"},
    ),
    Channel(
        "paid social",
        9,
        0.22,
        ("/features", "/customers"),
        "www.linkedin.com",
        {"utm_source": "linkedin", "utm_medium": "paid-social", "utm_campaign": "meeting-chaos"},
    ),
    Channel("hacker news", 9, 0.26, ("/", "/blog/meeting-notes-that-get-read"), "news.ycombinator.com"),
    Channel(
        "partner",
        6,
        0.48,
        ("/docs/import", "/features"),
        "calendar.example.org",
        {"utm_source": "calendar", "utm_medium": "partner"},
    ),
)
CHANNEL_WEIGHTS = [channel.weight for channel in CHANNELS]


@dataclass(frozen=True, slots=True)
class Action:
    """Something people do in the app, where they do it and what is recorded about it."""

    event: str
    weight: int
    path: str
    describe: Callable[[Random], dict[str, Any]]


def describe_note(rng: Random) -> dict[str, Any]:
    """Most notes start empty; a template is what the product team wants to see more of."""
    template = rng.choice((None, None, "meeting", "retrospective", "café menu", "ideas 💡"))
    return {"template": template, "words": int(rng.lognormvariate(4.2, 0.9)), "private": rng.random() < 0.3}


def describe_edit(rng: Random) -> dict[str, Any]:
    """Editing is the commonest act, so it stays cheap to record."""
    return {"characters_changed": int(rng.lognormvariate(4.6, 1.1)), "together": rng.random() < 0.25}


def describe_file(rng: Random) -> dict[str, Any]:
    """Sizes are skewed: many small pictures and a few very large files."""
    kind = rng.choice(("png", "png", "jpg", "pdf", "docx", "mp4"))
    return {"file_type": kind, "size_kb": round(rng.lognormvariate(6, 1.4), 1)}


def describe_search(rng: Random) -> dict[str, Any]:
    """A search without results is worth noticing, so some have none."""
    return {"query_length": rng.randint(2, 30), "results": rng.choice((0, 0, 1, 2, 3, 5, 8, 21))}


def describe_share(rng: Random) -> dict[str, Any]:
    """Links are public less often than not."""
    return {"audience": rng.choice(("team", "team", "guest", "public link"))}


def describe_invitation(rng: Random) -> dict[str, Any]:
    """People invite one or two colleagues, now and then a whole team."""
    return {
        "role": rng.choice(("member", "member", "admin", "guest")),
        "invitations": rng.choice((1, 1, 2, 6)),
    }


ACTIONS = (
    Action("note created", 22, "/app/notes", describe_note),
    Action("note edited", 34, "/app/notes", describe_edit),
    Action("search performed", 14, "/app/search", describe_search),
    Action("file uploaded", 9, "/app/files", describe_file),
    Action("note shared", 8, "/app/notes", describe_share),
    Action("invited teammate", 3, "/app/team", describe_invitation),
)
CUMULATIVE_ACTIONS = tuple(accumulate(action.weight for action in ACTIONS))

FREE = "free"
# Cheapest first: a step to the right is an upgrade.
PAID_PLANS = ("starter", "team", "business")
MONTHLY_PRICES = {"starter": 5.0, "team": 9.0, "business": 16.5}
PRICE_FACTORS = {"USD": 1.0, "EUR": 1.0, "GBP": 0.9, "JPY": 150.0, "INR": 60.0, "BRL": 4.0}


def price(plan: str, seats: int, currency: str, months: int) -> float:
    """Return what an invoice comes to; a year costs ten months."""
    return round(MONTHLY_PRICES[plan] * seats * PRICE_FACTORS[currency] * (10 if months == 12 else 1), 2)
