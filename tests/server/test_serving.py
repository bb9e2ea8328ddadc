"""One command starts everything, and ends everything."""

import re
import shutil
import signal
import socket
import subprocess
from pathlib import Path

import psutil
import pytest

from tests.server.process import Server, free_port, run, wait_until


def test_the_first_start_shows_keys_and_requests_that_work(server: Server) -> None:
    server.start()
    assert server.url in server.output
    assert re.search(r"Project token +phc_\w{43}\n", server.output)
    assert re.search(r"Personal API key +phx_\w{43} +\(shown this once\)", server.output)
    requests = re.findall(r"^ +(curl .*)$", server.output, re.MULTILINE)
    assert len(requests) == 3
    if not shutil.which("curl"):
        pytest.skip("curl is not installed")
    for request in requests:
        answer = subprocess.run(
            ["bash", "-c", f"{request} -sSf"], capture_output=True, text=True, check=False
        )
        assert answer.returncode == 0, (request, answer.stdout, answer.stderr)
        assert answer.stdout.startswith("{")


def test_the_second_start_has_kept_everything_but_shows_no_secret(server: Server) -> None:
    made = server.start().create_project()
    event = {"event": "e", "distinct_id": "kept"}
    assert server.request("/batch/", {"api_key": made["project_token"], "batch": [event]})[0] == 200
    assert server.stop() == 0
    secrets = set(re.findall(r"phx_\w{43}", server.output))
    server.start()
    assert set(re.findall(r"phx_\w{43}", server.output)) == secrets
    path = f"/api/projects/{made['project_id']}/persons/?distinct_id=kept"
    status, page = server.request(path, key=made["personal_api_key"])
    assert (status, len(page["results"])) == (200, 1)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_everything(server: Server, number: signal.Signals) -> None:
    server.start()
    assert len(server.leftovers()) > 2
    assert server.stop(number) == 0
    assert server.leftovers() == []
    assert "Traceback" not in server.output


def test_a_killed_server_leaves_no_worker_and_does_not_prevent_the_next_start(server: Server) -> None:
    made = server.start().create_project()
    server.stop(signal.SIGKILL)
    wait_until(lambda: not any("spawn_main" in command for command in server.leftovers()), 5)
    server.start()
    assert server.request("/api/projects/", key=made["personal_api_key"])[0] == 200
    assert server.stop() == 0
    assert server.leftovers() == []


def test_a_server_whose_worker_is_killed_ends_and_says_so_by_its_exit_code(server: Server) -> None:
    server.start()
    assert server.process
    (worker,) = [
        process
        for process in psutil.Process(server.process.pid).children(recursive=True)
        if "spawn_main" in " ".join(process.cmdline())
    ]
    worker.kill()
    assert server.process.wait(30) != 0
    wait_until(lambda: not server.leftovers(), 5)


def assert_one_clear_line(done: "subprocess.CompletedProcess[str]", *words: str) -> None:
    assert done.returncode == 2
    (line,) = (done.stdout + done.stderr).strip().splitlines()
    assert all(word in line for word in words), line


def test_a_port_that_is_taken_is_said_in_one_line(folder: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert_one_clear_line(run("serve", f"--port={port}", f"--data-dir={folder}"), f"127.0.0.1:{port}")
    assert not folder.exists()


def test_a_port_or_a_folder_of_another_server_is_said_in_one_line(server: Server) -> None:
    server.start()
    elsewhere = server.folder.with_name("elsewhere")
    assert_one_clear_line(run("serve", f"--port={server.port}", f"--data-dir={elsewhere}"), str(server.port))
    same_folder = run("serve", f"--port={free_port()}", f"--data-dir={server.folder}")
    assert server.process
    assert_one_clear_line(same_folder, str(server.folder), str(server.process.pid), "--data-dir")
    assert server.request("/_livez")[0] == 200


def test_a_folder_that_cannot_be_used_is_said_in_one_line(folder: Path) -> None:
    folder.write_text("a file")
    for unusable in (folder, folder / "below", folder.with_name("white space")):
        done = run("serve", f"--port={free_port()}", f"--data-dir={unusable}")
        assert_one_clear_line(done, str(unusable))


def test_a_project_is_made_without_a_server_too(server: Server) -> None:
    made = server.create_project()
    assert server.leftovers() == []
    key = run("create_key", "reader", "--scope=person:read", f"--data-dir={server.folder}").stdout.strip()
    server.start()
    persons = f"/api/projects/{made['project_id']}/persons/"
    assert server.request(persons, key=key) == (200, {"results": [], "next": None, "previous": None})
    assert server.request("/api/projects/", key=key)[0] == 403


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["create_project", "A", "--timezone=Mars/Base"], "Mars/Base"),
        (["create_key", "A", "--project=12"], "12"),
        (["create_key", "A", "--email=nobody@example.com"], "nobody@example.com"),
    ],
)
def test_a_mistake_on_the_command_line_is_said_in_one_line(
    folder: Path, arguments: list[str], word: str
) -> None:
    assert_one_clear_line(run(*arguments, f"--data-dir={folder}"), word)


def test_a_chunked_body_arrives_whole(server: Server) -> None:
    made = server.start().create_project()
    event = f'{{"api_key": "{made["project_token"]}", "event": "e", "distinct_id": "chunked"}}'
    head = f"POST /e/ HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunks = "".join(f"{len(part):x}\r\n{part}\r\n" for part in (event[:20], event[20:])) + "0\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall((head + chunks).encode())
        assert b"200 OK" in connection.recv(1000).splitlines()[0]


def test_while_postgresql_is_away_capture_says_when_to_try_again(server: Server) -> None:
    made = server.start().create_project()
    event = {"api_key": made["project_token"], "event": "e", "distinct_id": "d"}
    (server.folder / "postgres").rename(server.folder / "away")
    pid = int((server.folder / "away" / "postmaster.pid").read_text().split()[0])
    subprocess.run(["kill", "-INT", str(pid)], check=True)
    wait_until(lambda: server.request("/_health")[0] == 503)
    status, body = server.request("/e/", event)
    assert (status, body["code"]) == (503, "unavailable")
