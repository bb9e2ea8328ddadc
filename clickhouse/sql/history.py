"""The history of one person as an array of numbers.

An event is one number: the microseconds since the start of the range, then, where the order of arrival
matters, its arrival, then its mark. So an array of events is sorted as numbers are, which is many times
faster than as tuples, and takes as little memory as can be.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from clickhouse.query.dates import DateRange
from clickhouse.sql.fragment import Fragment, sql
from clickhouse.sql.paths import Marks

_ARRIVAL_BITS = 64
_EPOCH, _MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Packing:
    """How events become numbers."""

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
        """When an event of a statement happened: the first possible moment is 1."""
        before = (self.date_range.date_from - _EPOCH) // _MICROSECOND - 1
        return sql("toUnixTimestamp64Micro(timestamp) - {before:Int64}", before=before)

    def moment(self, event: str) -> str:
        """When an event happened."""
        return f"toUInt64(bitShiftRight({event}, {self.moment_shift}))"

    def mark(self, event: str) -> str:
        """The mark of an event."""
        return f"toUInt64(bitAnd({event}, {(1 << self.marks.width) - 1}))"
