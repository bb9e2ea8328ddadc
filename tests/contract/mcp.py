"""A client of an MCP server that talks over stdin and stdout: JSON-RPC, a message per line."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_HELLO = {
    "protocolVersion": "2024-11-05",
    "capabilities": {},
    "clientInfo": {"name": "tests", "version": "1"},
}


class Tools:
    """The tools of a running server."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process, self._number = process, 0
        self._ask("initialize", _HELLO)
        self._say({"method": "notifications/initialized"})

    def names(self) -> set[str]:
        return {tool["name"] for tool in self._ask("tools/list", {})["tools"]}

    def call(self, name: str, **arguments: Any) -> str:
        """What a tool says."""
        (content,) = self._ask("tools/call", {"name": name, "arguments": arguments})["content"]
        return str(content["text"])

    def _ask(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        self._number += 1
        self._say({"id": self._number, "method": method, "params": params})
        assert self._process.stdout
        for line in self._process.stdout:
            answer = json.loads(line)
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return dict(answer["result"])
        raise AssertionError("the server has ended")

    def _say(self, message: dict[str, Any]) -> None:
        assert self._process.stdin
        self._process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        self._process.stdin.flush()


@contextmanager
def running(script: Path, **settings: str) -> Iterator[Tools]:
    """A server with these settings in its environment."""
    process = subprocess.Popen(
        ["node", script],
        env={**os.environ, **settings},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield Tools(process)
    finally:
        process.kill()
        process.communicate()
