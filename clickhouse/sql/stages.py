"""A statement as a chain of named stages, each of which adds a column or leaves rows out.

Aliases that use each other would be expanded by ClickHouse's analyzer wherever they are mentioned, which for
a chain of them grows exponentially; stages are analysed once.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from clickhouse.sql.fragment import Fragment, joined, sql


@dataclass(frozen=True, slots=True)
class Column:
    """A column that a stage adds to those before it."""

    name: str
    expression: Fragment


@dataclass(frozen=True, slots=True)
class Only:
    """The rows that a stage keeps; the name says which they are."""

    name: str
    condition: Fragment


def chain(first: Fragment, stages: Iterable[Column | Only], last: str) -> Fragment:
    """`WITH ... SELECT ...`: the stages after the first SELECT, then `last`, in which {previous} stands for
    the name of the last stage."""
    named, previous = [sql("grouped AS\n(\n    {first}\n)", first=first)], "grouped"
    for stage in stages:
        named.append(_stage(stage, Fragment(previous)))
        previous = _name(stage)
    template = "WITH\n    {named}\n" + last.replace("{previous}", previous)
    return sql(template, named=joined(",\n", named))


def _name(stage: Column | Only) -> str:
    return f"with_{stage.name}" if isinstance(stage, Column) else stage.name


def _stage(stage: Column | Only, previous: Fragment) -> Fragment:
    name = Fragment(_name(stage))
    if isinstance(stage, Only):
        return sql(
            "{name} AS\n(\n    SELECT * FROM {previous} WHERE {condition}\n)",
            name=name,
            previous=previous,
            condition=stage.condition,
        )
    return sql(
        "{name} AS\n(\n    SELECT *,\n        {expression} AS {column}\n    FROM {previous}\n)",
        name=name,
        expression=stage.expression,
        column=Fragment(stage.name),
        previous=previous,
    )
