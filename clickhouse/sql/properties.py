"""Properties as texts: the columns of schema/0002_property_texts.sql."""

from typing import Literal
from urllib.parse import quote

from clickhouse.sql.fragment import Fragment, sql

_COLUMNS = {
    "events": Fragment("events.property_texts"),
    "person": Fragment("person.property_texts"),
}


def property_text(table: Literal["events", "person"], key: str) -> Fragment:
    """The value of a property, NULL when there is none. Reads the one column of that key."""
    return sql("substring({marked}, 2)", marked=marked_text(table, key))


def marked_text(table: Literal["events", "person"], key: str) -> Fragment:
    """The same after the mark that tells texts (a quotation mark) from other JSON (an equals sign)."""
    return sql("{column}.{key:Identifier}.:String", column=_COLUMNS[table], key=_path(key))


def _path(key: str) -> str:
    return quote(key, safe="").replace(".", "%2E") or "%"
