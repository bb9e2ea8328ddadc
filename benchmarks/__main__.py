"""All benchmarks, one after the other: ``make bench``, or ``EVENTS=20000000 make bench`` for the long run."""

from benchmarks import capture, filters, funnel

if __name__ == "__main__":
    capture.main()
    filters.main()
    funnel.main()
