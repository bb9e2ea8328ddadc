"""Who visits: names and countries, the browsers they use, and unique addresses at example domains."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from persons.demo.clock import Clock
from persons.demo.log import uuid7
from persons.demo.product import CHANNEL_WEIGHTS, CHANNELS, Channel

EMAIL_DOMAINS = ("example.com", "example.com", "example.org", "example.net")

# What Unicode does not decompose into a plain letter and an accent, or an address is better without.
LATIN_EXTRAS = str.maketrans({"ł": "l", "ø": "o", "ß": "ss", "æ": "ae", "'": ""})


@dataclass(frozen=True, slots=True)
class Country:
    """A country with a few of its names, written with spaces between them.

    A name in another script brings its romanisation after a slash.
    """

    code: str
    weight: int
    hours: float
    currency: str
    given: str
    family: str
    family_first: bool = False

    @property
    def offset(self) -> timedelta:
        """How far the country's clocks are ahead of UTC."""
        return timedelta(hours=self.hours)


COUNTRIES = (
    Country(
        "US",
        30,
        -6,
        "USD",
        "Emma Noah Olivia Liam Ava Mason Zoë José Grace Ethan Chloe Tyrone Hannah Luis Maya",
        "Carter Nguyen Brooks Ramírez Foster Patel Hughes O'Brien Bennett Washington Flores Kim",
    ),
    Country(
        "GB",
        11,
        0,
        "GBP",
        "Amelia Oliver Isla George Poppy Harry Siân Aisha Callum Freya",
        "Wright Khan Davies Hughes Clarke Begum Turner Llewellyn Fraser Okafor",
    ),
    Country(
        "DE",
        12,
        1,
        "EUR",
        "Jürgen Lena Björn Käthe Lukas Mia Sören Anneliese Emre Jörg",
        "Müller Schäfer Groß Köhler Şahin Weiß Vogel Böttcher Lange Krämer",
    ),
    Country(
        "FR",
        8,
        1,
        "EUR",
        "Chloé Théo Anaïs Rémi Zoé François Maëlle Noël Inès Gaël",
        "Lefèvre Dubois Garçon Moreau Bénard Petit Gauthier Marchand Noël",
    ),
    Country(
        "BR",
        8,
        -3,
        "BRL",
        "João Luísa Antônio Conceição Mateus Júlia Caio Larissa Inácio",
        "Araújo Gonçalves Magalhães Lima Assunção Ribeiro Teixeira Simões",
    ),
    Country(
        "IN",
        9,
        5.5,
        "INR",
        "Aarav Priya Rohan Ananya Vikram आरती/aarti Kavya Arjun Meera",
        "Sharma Iyer Reddy Banerjee Kapoor Joshi Menon Desai",
    ),
    Country(
        "PL",
        6,
        1,
        "EUR",
        "Łukasz Małgorzata Żaneta Paweł Agnieszka Stanisław Róża",
        "Wójcik Łuczak Dąbrowski Zięba Kaczmarek Źrebiec",
    ),
    Country(
        "SE",
        5,
        1,
        "EUR",
        "Åsa Göran Märta Linnéa Östen Elsa Nils",
        "Sjöberg Åkesson Lindström Öberg Nyström Hägg",
    ),
    Country(
        "JP",
        6,
        9,
        "JPY",
        "陽菜/hina 蓮/ren 結衣/yui 大翔/hiroto 葵/aoi 健太/kenta",
        "佐藤/sato 鈴木/suzuki 高橋/takahashi 渡辺/watanabe 小林/kobayashi",
        family_first=True,
    ),
    Country(
        "KR",
        3,
        9,
        "USD",
        "서연/seoyeon 민준/minjun 지우/jiwoo 하은/haeun",
        "김/kim 이/lee 박/park 최/choi",
        family_first=True,
    ),
    Country(
        "UA",
        4,
        2,
        "EUR",
        "Олена/olena Юрій/yurii Євген/yevhen Богдан/bohdan Марія/mariia",
        "Шевченко/shevchenko Коваль/koval Бондаренко/bondarenko Ткачук/tkachuk",
    ),
    Country(
        "EG",
        3,
        2,
        "USD",
        "ليلى/layla يوسف/youssef Nour كريم/karim سلمى/salma",
        "حسن/hassan منصور/mansour Fahmy سليمان/soliman",
    ),
)
COUNTRY_WEIGHTS = [country.weight for country in COUNTRIES]


@dataclass(frozen=True, slots=True)
class Hardware:
    """A browser as the SDK reports it, and its share among first devices."""

    browser: str
    browser_version: int
    os: str
    device_type: str
    weight: int


HARDWARE = (
    Hardware("Chrome", 141, "Windows", "Desktop", 30),
    Hardware("Chrome", 141, "Mac OS X", "Desktop", 19),
    Hardware("Safari", 18, "Mac OS X", "Desktop", 10),
    Hardware("Firefox", 143, "Linux", "Desktop", 6),
    Hardware("Microsoft Edge", 140, "Windows", "Desktop", 10),
    Hardware("Mobile Safari", 18, "iOS", "Mobile", 13),
    Hardware("Chrome", 141, "Android", "Mobile", 10),
    Hardware("Mobile Safari", 18, "iPadOS", "Tablet", 2),
)
HARDWARE_WEIGHTS = [hardware.weight for hardware in HARDWARE]
HANDHELDS = tuple(hardware for hardware in HARDWARE if hardware.device_type != "Desktop")


@dataclass(slots=True)
class Device:
    """One browser and the identity it remembers: an anonymous id until somebody logs in."""

    hardware: Hardware
    anonymous_id: str
    distinct_id: str
    seen: bool = False

    @property
    def anonymous(self) -> bool:
        """Whether nobody has logged in on this device yet."""
        return self.distinct_id == self.anonymous_id


@dataclass(frozen=True, slots=True)
class Person:
    """One human, known by as many ids as there are devices, plus the account's."""

    user_id: str
    name: str
    email: str
    country: Country
    channel: Channel
    devices: Sequence[Device]
    arrived_at: datetime


def spoken(name: str) -> str:
    """Return a name as its owner writes it."""
    return name.partition("/")[0]


def romanised(name: str) -> str:
    """Return a name in plain ASCII letters, for an e-mail address."""
    latin = (name.partition("/")[2] or name).lower().translate(LATIN_EXTRAS)
    return unicodedata.normalize("NFKD", latin).encode("ascii", "ignore").decode()


class People:
    """Makes up people, no two of them with the same address."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._taken: dict[str, int] = {}

    def meet(self, clock: Clock) -> Person:
        """Return somebody who has not been here before."""
        rng = self._rng
        home = rng.choices(COUNTRIES, COUNTRY_WEIGHTS)[0]
        given, family = rng.choice(home.given.split()), rng.choice(home.family.split())
        arrived_at = clock.arrival(home.offset)
        words = (family, given) if home.family_first else (given, family)
        return Person(
            user_id=f"user_{rng.getrandbits(48):012x}",
            name=" ".join(spoken(word) for word in words),
            email=self._email(given, family),
            country=home,
            channel=rng.choices(CHANNELS, CHANNEL_WEIGHTS)[0],
            devices=self._devices(arrived_at),
            arrived_at=arrived_at,
        )

    def _email(self, given: str, family: str) -> str:
        style = self._rng.choice(("{0}.{1}", "{0}.{1}", "{1}.{0}", "{0}{1}", "{0[0]}.{1}", "{0}_{1}"))
        local, domain = style.format(romanised(given), romanised(family)), self._rng.choice(EMAIL_DOMAINS)
        count = self._taken[f"{local}@{domain}"] = self._taken.get(f"{local}@{domain}", 0) + 1
        return f"{local}{count if count > 1 else ''}@{domain}"

    def _devices(self, at: datetime) -> list[Device]:
        """One in four owns a second device; it is a handheld, as the desk has its browser already."""
        hardware = self._rng.choices(HARDWARE, HARDWARE_WEIGHTS)
        if self._rng.random() < 0.25:
            hardware.append(self._rng.choice(HANDHELDS))
        return [self._device(each, at) for each in hardware]

    def _device(self, hardware: Hardware, at: datetime) -> Device:
        anonymous_id = uuid7(self._rng, at)
        return Device(hardware, anonymous_id, anonymous_id)
