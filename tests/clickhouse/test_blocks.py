"""Rows that are read block by block, because there are too many for one list."""

from collections.abc import Sequence
from typing import Any

import pytest
from django.conf import settings

from clickhouse.client import ClickHouse, Limits
from clickhouse.errors import ClickHouseError, ClickHouseUnavailable, QueryTimeout
from clickhouse.sql.fragment import sql

ROWS = 200_000


def test_blocks_have_the_rows_in_their_order(clickhouse: ClickHouse) -> None:
    blocks = list[tuple[Sequence[Any], ...]]()
    statement = sql(
        "SELECT number, generateUUIDv4(number) FROM numbers({rows:UInt64}) ORDER BY number DESC", rows=ROWS
    )
    clickhouse.read_blocks(statement, lambda *columns: blocks.append(columns))
    assert len(blocks) > 1
    assert [number for numbers, _ in blocks for number in numbers] == list(range(ROWS))[::-1]
    assert len({uuid for _, uuids in blocks for uuid in uuids}) == ROWS


def test_no_rows_are_no_blocks(clickhouse: ClickHouse) -> None:
    clickhouse.read_blocks(sql("SELECT 1 WHERE false"), pytest.fail)


def test_what_goes_wrong_in_the_middle_is_no_end(clickhouse: ClickHouse) -> None:
    seen = 0

    def take(numbers: Sequence[int]) -> None:
        nonlocal seen
        seen += len(numbers)

    with pytest.raises(ClickHouseError) as refusal:
        clickhouse.read_blocks(
            sql(
                "SELECT throwIf(number = {last:UInt64}) FROM numbers({rows:UInt64})", last=ROWS - 1, rows=ROWS
            ),
            take,
        )
    assert not isinstance(refusal.value, ClickHouseUnavailable)
    assert seen < ROWS
    clickhouse.read_blocks(sql("SELECT number FROM numbers(7)"), take)
    assert clickhouse.rows(sql("SELECT 1")) == [(1,)]


def test_limits_hold_for_blocks_as_well(clickhouse: ClickHouse) -> None:
    hurried = ClickHouse(settings.CLICKHOUSE_URL, Limits(seconds=0.2, memory=10**9))
    with pytest.raises(QueryTimeout):
        hurried.read_blocks(sql("SELECT number, sleepEachRow(0.01) FROM numbers(1000)"), lambda *_: None)
    hurried.close()
