"""All benchmarks, one after the other: ``make bench``, or ``EVENTS=20000000 make bench`` for the long run."""

from benchmarks import (
    capture,
    csv,
    events,
    filters,
    funnel,
    history,
    importing,
    lifecycle,
    listing,
    trends,
    values,
)

if __name__ == "__main__":
    capture.main()
    csv.main()
    events.main()
    filters.main()
    funnel.main()
    history.main()
    importing.main()
    lifecycle.main()
    listing.main()
    trends.main()
    values.main()
