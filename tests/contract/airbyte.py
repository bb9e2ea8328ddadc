"""Airbyte's source for PostHog, run as Airbyte runs it: a program that prints messages."""

import json
import subprocess
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_SECONDS = 120


@dataclass
class Airbyte:
    """`folder` is for the files that the program reads."""

    program: Path
    folder: Path
    config: dict[str, Any]

    def check(self) -> dict[str, Any]:
        """Whether it can connect, in its own words."""
        (status,) = (each["connectionStatus"] for each in self._run("check") if "connectionStatus" in each)
        return dict(status)

    def discover(self) -> list[dict[str, Any]]:
        """The streams it knows."""
        (catalog,) = (each["catalog"] for each in self._run("discover") if "catalog" in each)
        return list(catalog["streams"])

    def read(
        self, streams: list[dict[str, Any]], state: list[dict[str, Any]] | None = None
    ) -> tuple[dict[str, list[dict[str, Any]]], list[dict[str, Any]]]:
        """The records of each stream, and the state to go on from: incremental where that is possible."""
        configured = [
            {
                "stream": stream,
                "sync_mode": stream["supported_sync_modes"][-1],
                "destination_sync_mode": "append",
            }
            for stream in streams
        ]
        arguments = ["--catalog", self._file("catalog", {"streams": configured})]
        if state is not None:
            arguments += ["--state", self._file("state", state)]
        records: dict[str, list[dict[str, Any]]] = defaultdict(list)
        states: dict[str, dict[str, Any]] = {}
        for message in self._run("read", *arguments):
            if record := message.get("record"):
                records[record["stream"]].append(record["data"])
            elif after := message.get("state"):
                states[after["stream"]["stream_descriptor"]["name"]] = after
        return records, [*states.values()]

    def _run(self, command: str, *arguments: str) -> list[dict[str, Any]]:
        done = subprocess.run(
            [self.program, command, "--config", self._file("config", self.config), *arguments],
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        messages = [json.loads(line) for line in done.stdout.splitlines()]
        assert done.returncode == 0, done.stdout[-5_000:] + done.stderr
        assert [each for each in messages if _complains(each)] == []
        return messages

    def _file(self, name: str, content: Any) -> str:
        path = self.folder / f"{name}.json"
        path.write_text(json.dumps(content))
        return str(path)


def _complains(message: dict[str, Any]) -> bool:
    level, trace = message.get("log", {}).get("level"), message.get("trace", {}).get("type")
    return level in ("WARN", "ERROR", "FATAL") or trace == "ERROR"
