"""The query layer: typed question in, rows out. Knows ClickHouse; knows neither Django nor persons."""
