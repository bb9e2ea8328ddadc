"""A statement as a chain of named stages, each of which adds columns or leaves rows out.

Aliases that use each other would be expanded by ClickHouse's analyzer wherever they are mentioned, which for
a chain of them grows exponentially. Stages are analysed once. Each costs time all the same, and so does each
column that it passes on: columns that do not use each other share a stage, and a stage passes on what later
ones mention.
"""

import re
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


@dataclass(frozen=True, slots=True)
class _Stage:
    """Columns that do not use each other, or the rows to keep."""

    name: str
    columns: tuple[Column, ...] = ()
    only: Fragment | None = None

    @property
    def text(self) -> str:
        texts = [column.expression.text for column in self.columns]
        return "\n".join(texts if self.only is None else [self.only.text])


def chain(first: Fragment, columns: Iterable[str], stages: Iterable[Column | Only], last: str) -> Fragment:
    """`WITH ... SELECT ...`: the stages after the first SELECT, then `last`, in which {previous} stands for
    the name of the last stage. `columns` are those of the first SELECT."""
    named, previous = [sql("grouped AS\n(\n    {first}\n)", first=first)], "grouped"
    grouped, available = _grouped(stages), list(columns)
    for number, stage in enumerate(grouped):
        later = "\n".join([last, *(each.text for each in grouped[number + 1 :])])
        if stage.only is not None:
            named.append(_filtering(stage, previous))
        else:
            available = [name for name in available if _mentions(later, name)]
            named.append(_adding(stage, available, previous))
            available += [column.name for column in stage.columns]
        previous = stage.name
    template = "WITH\n    {named}\n" + last.replace("{previous}", previous)
    return sql(template, named=joined(",\n", named))


def _grouped(stages: Iterable[Column | Only]) -> list[_Stage]:
    grouped: list[_Stage] = []
    for stage in stages:
        if isinstance(stage, Only):
            grouped.append(_Stage(stage.name, only=stage.condition))
            continue
        together = grouped[-1].columns if grouped else ()
        if together and not any(_mentions(stage.expression.text, column.name) for column in together):
            grouped.pop()
        else:
            together = ()
        grouped.append(_Stage(f"with_{stage.name}", (*together, stage)))
    return grouped


def _mentions(text: str, name: str) -> bool:
    return re.search(rf"\b{name}\b", text) is not None


def _filtering(stage: _Stage, previous: str) -> Fragment:
    return sql(
        "{name} AS\n(\n    SELECT * FROM {previous} WHERE {condition}\n)",
        name=Fragment(stage.name),
        previous=Fragment(previous),
        condition=stage.only,
    )


def _adding(stage: _Stage, passed_on: list[str], previous: str) -> Fragment:
    added = [
        sql("{expression} AS {name}", expression=column.expression, name=Fragment(column.name))
        for column in stage.columns
    ]
    return sql(
        "{name} AS\n(\n    SELECT\n        {columns}\n    FROM {previous}\n)",
        name=Fragment(stage.name),
        columns=joined(",\n", [*map(Fragment, passed_on), *added]),
        previous=Fragment(previous),
    )
