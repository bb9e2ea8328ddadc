"""Persons as a file, a row or line each: CSV (spec/decisions.md 3.9), ndjson. Views call `answer.py`."""
