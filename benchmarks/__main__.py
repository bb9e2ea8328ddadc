"""All benchmarks, one after the other: ``make bench``, or ``EVENTS=20000000 make bench`` for the long run."""

from benchmarks import capture, csv, filters, funnel, history, importing, lifecycle, trends, values

if __name__ == "__main__":
    capture.main()
    csv.main()
    filters.main()
    funnel.main()
    history.main()
    importing.main()
    lifecycle.main()
    trends.main()
    values.main()
