"""Persons as a CSV file: one row per person (spec/decisions.md 3.9). Views call `answer.py`."""
