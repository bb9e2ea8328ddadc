"""One number for what a person did: aggregates of events that are grouped by person."""

from datetime import UTC, datetime, timedelta

from clickhouse.query.trends import Events, Intervals, Measure, Numbers, Sessions
from clickhouse.sql.fragment import Fragment, sql
from clickhouse.sql.properties import property_text

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND, _SECOND = timedelta(microseconds=1), timedelta(seconds=1)
# The widest integers there are: a bit for each interval.
_MOST_BITS = 256

_LEVELS = {"median": "0.5", "p75": "0.75", "p90": "0.9", "p95": "0.95", "p99": "0.99"}
_STATISTICS = {
    # Sorted, since the sum of doubles depends on their order: pages must agree to the last digit.
    "sum": "if(empty(groupArray({number}) AS numbers), NULL, arraySum(arraySort(numbers)))",
    "avg": "if(empty(groupArray({number}) AS numbers), NULL, arrayAvg(arraySort(numbers)))",
    "min": "min({number})",
    "max": "max({number})",
    **{name: f"quantileExactInclusive({level})({{number}})" for name, level in _LEVELS.items()},
}


def aggregate(measure: Measure) -> Fragment:
    """The measure of the events of a group."""
    match measure:
        case Events():
            return Fragment("count()")
        case Sessions():
            return _sessions()
        case Numbers():
            return _numbers(measure)
        case Intervals():
            return _intervals(measure)


def _sessions() -> Fragment:
    """By hashes of their ids, several times faster than by the ids: two of one person share a hash with a
    probability of 2^-64."""
    return sql(
        "length(groupUniqArrayIf(cityHash64(ifNull({text}, '') AS session), session != ''))",
        text=property_text("events", "$session_id"),
    )


def _numbers(measure: Numbers) -> Fragment:
    """Aggregates pass over what is NULL."""
    number = sql(
        "if(isFinite(toFloat64OrNull({text}) AS number), number, NULL)",
        text=property_text("events", measure.key),
    )
    return sql(
        "if(\n    isFinite({statistic} AS statistic),\n    statistic,\n    NULL\n)",
        statistic=sql(_STATISTICS[measure.statistic], number=number),
    )


def _intervals(measure: Intervals) -> Fragment:
    """By a bit for each, several times faster than by a set, as long as there are enough bits."""
    first, number = measure.starts[0], len(measure.starts)
    starts = [(start - first) // _SECOND for start in measure.starts]
    start = sql(
        """
roundDown(
    toUInt64(intDiv(toUnixTimestamp64Micro(timestamp) - {first:Int64}, 1000000)),
    {starts:Array(UInt64)}
)
""".strip(),
        first=(first - _EPOCH) // _MICROSECOND,
        starts=starts,
    )
    if number > _MOST_BITS:
        return sql("arrayUniq(groupArray(\n    {start}\n))", start=start)
    return sql(
        """
bitCount(groupBitOr(bitShiftLeft({one}, transform(
    {start},
    {starts:Array(UInt64)},
    range({number:UInt16})
))))
""".strip(),
        one=Fragment(f"toUInt{next(size for size in (64, 128, _MOST_BITS) if number <= size)}(1)"),
        start=start,
        starts=starts,
        number=number,
    )
