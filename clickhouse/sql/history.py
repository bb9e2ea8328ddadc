"""The history of one person as an array of numbers.

An event is one number: the microseconds since the start of the range, then, where the order of arrival
matters, its arrival, then its mark. An array of events sorts as numbers do, which is many times faster than
sorting tuples, and takes as little memory as possible.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from clickhouse.query.dates import DateRange
from clickhouse.sql.fragment import Fragment, sql

_ARRIVAL_BITS = 64
_EPOCH, _MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Marks:
    """The bits of an event's mark, from the lowest.

    - `step(k)`, for each step: the event matches it.
    - `exclusion(k)`, with `excluding`, for each step but the last: the event spoils attempts that stand at
      step k. Unordered funnels use the first of these bits for all steps.
    - `calm`, with `has_calm`, in strict order: the event ends no attempt, because its instant is contested;
      in funnel trends, no attempt at step 1, because it matches step 1 outside the bucket.
    - `value`, with `has_value`: the event has one of the breakdown values asked for.

    Steps count from 1.
    """

    steps: int
    excluding: bool = False
    has_calm: bool = False
    has_value: bool = False

    def step(self, number: int) -> int:
        return number - 1

    def exclusion(self, number: int) -> int:
        return self.steps + number - 1

    @property
    def calm(self) -> int:
        return self.steps + (self.steps - 1) * self.excluding

    @property
    def value(self) -> int:
        return self.calm + self.has_calm

    @property
    def width(self) -> int:
        """The number of bits."""
        return self.value + self.has_value

    @property
    def all_steps(self) -> int:
        """The mark with the bits of all steps."""
        return (1 << self.steps) - 1


@dataclass(frozen=True, slots=True)
class Packing:
    """The layout of an event's number."""

    marks: Marks
    date_range: DateRange
    with_arrival: bool

    @property
    def moment_shift(self) -> int:
        return self.marks.width + _ARRIVAL_BITS * self.with_arrival

    @property
    def number(self) -> str:
        """The smallest type that holds every event."""
        longest = (self.date_range.date_to - self.date_range.date_from) // _MICROSECOND + 1
        bits = self.moment_shift + max(longest, 1).bit_length()
        return next(f"UInt{size}" for size in (64, 128, 256) if bits <= size)

    def pack(self, mark: Fragment) -> Fragment:
        """An event of a statement as a number."""
        moment = self.moment_of_event()
        arrival = f"bitShiftLeft(to{self.number}(arrival), {self.marks.width})"
        template = f"""
bitOr(
    bitShiftLeft(to{self.number}({{moment}}), {self.moment_shift}),
    {f"bitOr({arrival}, {{mark}})" if self.with_arrival else "{mark}"}
)
"""
        return sql(template.strip(), moment=moment, mark=mark)

    def moment_of_event(self) -> Fragment:
        """The timestamp of an event of a statement: the first possible moment is 1."""
        before = (self.date_range.date_from - _EPOCH) // _MICROSECOND - 1
        return sql("toUnixTimestamp64Micro(timestamp) - {before:Int64}", before=before)

    def moment(self, event: str) -> str:
        """The timestamp of a packed event."""
        return f"toUInt64(bitShiftRight({event}, {self.moment_shift}))"

    def mark(self, event: str) -> str:
        """The mark of a packed event."""
        return f"toUInt64(bitAnd({event}, {(1 << self.marks.width) - 1}))"

    def kind(self, event: str) -> str:
        """Which steps and exclusions a packed event matches, as a number."""
        return f"toUInt64(bitAnd({event}, {(1 << self.marks.value) - 1}))"
