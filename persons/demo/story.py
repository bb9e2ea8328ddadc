"""What one person does: looks around, perhaps signs up, settles in, works, pays, and drifts away."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from persons.demo.billing import Subscription
from persons.demo.clock import Clock
from persons.demo.log import EventLog, iso
from persons.demo.people import Device, Person
from persons.demo.product import (
    ACTIONS,
    APP_BUTTONS,
    APP_PAGES,
    CUMULATIVE_ACTIONS,
    DIRECT,
    FREE,
    SITE_BUTTONS,
    SITE_PAGES,
)
from persons.demo.session import Session

ONBOARDED = 0.61
BUYERS_AMONG_ONBOARDED = 0.31
# Filling in a form is harder on a phone.
HANDHELD_SIGNUP_FACTOR = 0.6
CRM_LEADS = 0.04
ENRICHED = 0.2
NEVER = 10**6


@dataclass(frozen=True, slots=True)
class Intentions:
    """What the future holds for an account, in days since sign up; `NEVER` for what does not happen."""

    onboarding_day: int
    purchase_day: int
    last_day: int
    eagerness: float


class Story:
    """One person's part of the data, told in the order of the person's own clock."""

    def __init__(self, rng: Random, log: EventLog, clock: Clock, person: Person) -> None:
        self._rng = rng
        self._log = log
        self._clock = clock
        self._person = person
        self._now = person.arrived_at
        self._offset = person.country.offset

    def tell(self) -> None:
        """Record everything this person does before the demo ends."""
        visits = self._rng.choices((1, 2, 3, 4), (68, 20, 8, 4))[0]
        signs_up = self._rng.random() < self._signup_rate()
        for visit in range(visits):
            session = self._visit(first=visit == 0)
            if signs_up and visit == visits - 1:
                self._sign_up(session)
            else:
                self._now = session.at

    def _signup_rate(self) -> float:
        handheld = self._person.devices[0].hardware.device_type != "Desktop"
        return self._person.channel.signup_rate * (HANDHELD_SIGNUP_FACTOR if handheld else 1)

    def _visit(self, *, first: bool) -> Session:
        """Look around the public site; the channel brings people once, later they know the address."""
        if first:
            channel, device = self._person.channel, self._person.devices[0]
        else:
            channel, device = DIRECT, self._pick_device()
            days = 1 + int(self._rng.expovariate(1 / 3))
            self._move_to(self._clock.later(self._now, days, self._offset))
        session = self._open(device, from_campaign=first)
        session.land(self._rng.choice(channel.landing_pages))
        while self._rng.random() < 0.62:
            if self._rng.random() < 0.1:
                session.click(SITE_BUTTONS)
            session.view(self._rng.choice(SITE_PAGES))
        return session

    def _sign_up(self, session: Session) -> None:
        """Create the account, and live with it."""
        person = self._person
        session.view("/signup")
        session.wait(10, 90)
        session.identify(
            person.user_id,
            {
                "$set": {
                    "email": person.email,
                    "name": person.name,
                    "plan": FREE,
                    "country": person.country.code,
                },
                "$set_once": {"signed_up_at": iso(session.at), "initial_channel": person.channel.name},
            },
        )
        session.wait(0.05, 1.5)
        method = self._rng.choice(("email", "email", "google", "github"))
        session.capture("sign up", {"method": method, "channel": person.channel.name})
        signed_up_at = session.at
        self._hear_from_sales(signed_up_at)
        intentions = self._intend()
        session.view("/app")
        if intentions.onboarding_day == 0:
            self._complete_onboarding(session, signed_up_at)
        self._work(session)
        self._live(signed_up_at, intentions)

    def _intend(self) -> Intentions:
        """Those who settle in stay for weeks, those who pay for months; the others hardly come back."""
        rng = self._rng
        if rng.random() >= ONBOARDED:
            return Intentions(NEVER, NEVER, int(rng.expovariate(1 / 4)), 0.3)
        onboarding_day = rng.choices((0, 1, 2, 4), (78, 12, 6, 4))[0]
        eagerness = min(rng.lognormvariate(-0.15, 0.4), 1.6)
        if rng.random() >= BUYERS_AMONG_ONBOARDED:
            return Intentions(onboarding_day, NEVER, 2 + int(rng.expovariate(1 / 40)), eagerness)
        purchase_day = max(onboarding_day, 1) + int(rng.expovariate(1 / 8))
        return Intentions(
            onboarding_day, purchase_day, purchase_day + 15 + int(rng.expovariate(1 / 150)), eagerness * 1.2
        )

    def _live(self, signed_up_at: datetime, intentions: Intentions) -> None:
        """Come back on some of the days that follow, less often as the novelty wears off."""
        last_day = intentions.last_day
        for day in range(1, (self._clock.until - signed_up_at).days + 2):
            if day > last_day:
                return
            due = day in (intentions.onboarding_day, intentions.purchase_day)
            novelty = 0.45 + 0.55 * 0.93**day
            chance = intentions.eagerness * novelty * self._clock.busyness(signed_up_at, day, self._offset)
            if not due and self._rng.random() >= chance:
                continue
            session = self._return(signed_up_at, day)
            if day == intentions.onboarding_day:
                self._complete_onboarding(session, signed_up_at)
            if day == intentions.purchase_day:
                last_day = min(last_day, self._buy(session, signed_up_at))
            self._work(session)
            while self._rng.random() < 0.4:
                self._work(self._return(signed_up_at, day))

    def _return(self, signed_up_at: datetime, day: int) -> Session:
        """Open the app, logging in first where this browser does not know the user yet."""
        self._move_to(self._clock.later(signed_up_at, day, self._offset))
        session = self._open(self._pick_device(), from_campaign=False)
        if session.device.anonymous:
            session.land("/login")
            session.wait(5, 40)
            session.identify(
                self._person.user_id, {"$set": {"email": self._person.email, "name": self._person.name}}
            )
            session.wait(0.05, 1.5)
            session.capture("logged in", {"method": "email"})
            session.view("/app")
        else:
            session.land("/app")
        return session

    def _complete_onboarding(self, session: Session, signed_up_at: datetime) -> None:
        session.wait(60, 600)
        minutes = round((session.at - signed_up_at).total_seconds() / 60, 1)
        team_size = self._rng.choice(("just me", "2-5", "2-5", "6-20", "21+"))
        session.capture(
            "onboarding completed",
            {"minutes_since_sign_up": minutes, "$set": {"onboarded": True, "team_size": team_size}},
        )

    def _buy(self, session: Session, signed_up_at: datetime) -> int:
        """Check out, and return the day on which the customer leaves, if a cancellation is to come."""
        session.view("/app/billing")
        session.wait(5, 60)
        session.capture(
            "checkout started", {"entry": self._rng.choice(("banner", "settings", "limit reached"))}
        )
        session.wait(30, 240)
        end = Subscription(self._rng, self._log, self._person).run(session.at, self._clock.until)
        return (end - signed_up_at).days if end else NEVER

    def _work(self, session: Session) -> None:
        """Do a few things in the app, with the pages in between."""
        session.wait(2, 60)
        while self._rng.random() < 0.68:
            action = self._rng.choices(ACTIONS, cum_weights=CUMULATIVE_ACTIONS)[0]
            session.view(action.path)
            session.wait(4, 240)
            session.capture(action.event, action.describe(self._rng))
            if self._rng.random() < 0.3:
                session.view(self._rng.choice(APP_PAGES))
            if self._rng.random() < 0.06:
                session.click(APP_BUTTONS)
        self._now = session.at

    def _hear_from_sales(self, signed_up_at: datetime) -> None:
        """Let the backend add what it learns: a CRM knows people by its own id at first."""
        user_id = self._person.user_id
        if self._rng.random() < ENRICHED:
            industry = self._rng.choice(
                ("software", "education", "healthcare", "café & retail", "non-profit")
            )
            enriched_at = signed_up_at + timedelta(minutes=self._rng.uniform(5, 120))
            self._log.capture_on_server("$set", user_id, enriched_at, {"$set": {"industry": industry}})
        if self._rng.random() < CRM_LEADS:
            crm_id = f"crm-{self._rng.getrandbits(32):010d}"
            call_at = signed_up_at + timedelta(days=self._rng.uniform(0.2, 4))
            owner = self._rng.choice(("Ines", "Tomáš", "Wei"))
            self._log.capture_on_server(
                "demo call booked", crm_id, call_at, {"$set": {"account_owner": owner}}
            )
            joined_at = call_at + timedelta(minutes=self._rng.uniform(1, 90))
            ids = {"distinct_id": user_id, "alias": crm_id}
            self._log.capture_on_server("$create_alias", user_id, joined_at, ids)

    def _pick_device(self) -> Device:
        return self._rng.choices(self._person.devices, (4, 1)[: len(self._person.devices)])[0]

    def _move_to(self, at: datetime) -> None:
        """Go on to a later moment, never to one before the last visit was over."""
        self._now = max(at, self._now + timedelta(minutes=self._rng.uniform(5, 45)))

    def _open(self, device: Device, *, from_campaign: bool) -> Session:
        channel = self._person.channel if from_campaign else DIRECT
        return Session(self._rng, self._log, self._person, device=device, channel=channel, at=self._now)
