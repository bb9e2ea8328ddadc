"""A subscription from its first payment on, as the backend hears of it from the payment provider."""

from datetime import datetime, timedelta
from random import Random

from persons.demo.log import EventLog, iso
from persons.demo.people import Person
from persons.demo.product import FREE, PAID_PLANS, price

CANCELLED_PER_MONTH = 0.15
CHANGED_PER_MONTH = 0.20
YEARLY = 0.2


class Subscription:
    """What one customer pays for, and how that changes."""

    def __init__(self, rng: Random, log: EventLog, person: Person) -> None:
        self._rng = rng
        self._log = log
        self._person = person
        self._plan = rng.choices(PAID_PLANS, (5, 4, 1))[0]
        self._seats = rng.choice((1, 2, 3, 3, 5, 8, 12))
        self._months = 12 if rng.random() < YEARLY else 1

    def run(self, at: datetime, until: datetime) -> datetime | None:
        """Tell the months from the first payment to `until`; return when it is cancelled, if it is."""
        self._pay(at, renewal=False)
        while at < until:
            if self._rng.random() < CHANGED_PER_MONTH:
                self._change(at + timedelta(days=self._rng.uniform(2, 13)))
            if self._rng.random() < CANCELLED_PER_MONTH:
                end = at + timedelta(days=self._rng.uniform(14, 29))
                self._cancel(end)
                return end
            at += timedelta(days=30, seconds=self._rng.uniform(1, 900))
            if self._months == 1:
                self._pay(at, renewal=True)
        return None

    def _pay(self, at: datetime, *, renewal: bool) -> None:
        currency = self._person.country.currency
        properties = {
            "amount": price(self._plan, self._seats, currency, self._months),
            "currency": currency,
            "plan": self._plan,
            "seats": self._seats,
            "renewal": renewal,
            "$set": {
                "plan": self._plan,
                "seats": self._seats,
                "billing_interval": "year" if self._months == 12 else "month",
            },
            "$set_once": {"first_paid_at": iso(at)},
        }
        self._log.capture_on_server("paid", self._person.user_id, at, properties)

    def _change(self, at: datetime) -> None:
        """Two changes in three are upgrades, where there is a step left to go."""
        step = 1 if self._rng.random() < 0.67 else -1
        before = PAID_PLANS.index(self._plan)
        after = min(max(before + step, 0), len(PAID_PLANS) - 1)
        if after == before:
            return
        self._plan = PAID_PLANS[after]
        properties = {
            "from_plan": PAID_PLANS[before],
            "to_plan": self._plan,
            "direction": "upgrade" if after > before else "downgrade",
            "$set": {"plan": self._plan},
        }
        self._log.capture_on_server("plan changed", self._person.user_id, at, properties)

    def _cancel(self, at: datetime) -> None:
        reason = self._rng.choice(("too expensive", "missing feature", "project ended", "moved elsewhere"))
        properties = {
            "plan": self._plan,
            "reason": reason,
            "$set": {"plan": FREE},
            "$unset": ["seats", "billing_interval"],
        }
        self._log.capture_on_server("plan cancelled", self._person.user_id, at, properties)
