"""What whoever starts and stops the server sees."""

import ctypes
import json
import re
import shutil
import signal
import stat
import subprocess
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from persons.demo import demo_events
from persons_api import embedded
from tests.server.conftest import Serve
from tests.server.process import (
    PATIENCE_SECONDS,
    Api,
    Project,
    Server,
    has_ended,
    manage,
    postmaster,
    requests_in,
    stored_events,
)

EVENT = {"event": "seen", "distinct_id": "d", "timestamp": "2025-03-01T12:00:00Z"}


def assert_one_line(server: Server, about: str) -> None:
    """It did not start, and says why to a person."""
    assert server.process.wait(20) == 2
    (line,) = server.output.splitlines()
    assert about in line


def seconds_until(condition: Callable[[], bool]) -> float:
    started = time.monotonic()
    while not condition() and time.monotonic() - started < 20:
        time.sleep(0.02)
    return time.monotonic() - started


def test_the_first_start_makes_a_project_and_has_requests_that_work(new_folder: Path, serve: Serve) -> None:
    server = serve(new_folder)
    banner = server.secrets()
    assert server.url in banner
    assert re.search(r"Project token +phc_\w+$", banner, re.MULTILINE)
    assert re.search(r"Personal API key +phx_[\w-]+   \(shown this once\)$", banner, re.MULTILINE)
    assert re.search(r"admin@localhost, \S+   \(shown this once\)$", banner, re.MULTILINE)
    # Without a terminal, what is printed may go into a journal.
    file = new_folder / "first-start.txt"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert str(file) in server.output
    key, password = re.findall(r"(\S+)   \(shown this once\)$", banner, re.MULTILINE)
    assert key not in server.output
    assert password not in server.output
    listed, funnel, sent = requests_in(banner)
    if not shutil.which("curl"):
        pytest.skip("curl is not installed, so what the banner says about it cannot be tried")

    def pasted(command: str) -> Any:
        done = subprocess.run(
            ["bash", "-c", command.replace("curl ", "curl --silent --show-error --fail-with-body ", 1)],
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    assert pasted(listed)["results"] == []
    assert pasted(funnel)["total_count"] == 0
    assert pasted(sent)["status"] == "Ok"
    (person,) = pasted(listed)["results"]
    assert (person["name"], person["distinct_ids"]) == ("Me", ["me"])


def test_a_later_start_keeps_all_data_and_says_that_the_key_was_shown(folder: Path, serve: Serve) -> None:
    first = serve(folder).ready()
    api = Api(first.url, first.create_project())
    api.send([EVENT, {**EVENT, "distinct_id": "e"}])
    people = api.get("")["results"]
    assert len(people) == 2
    assert first.terminate() == 0
    second = serve(folder)
    banner = second.banner()
    assert "phx_YOUR_KEY" in banner
    assert not re.search(r"shown this once", banner)
    assert re.search(r"Personal API key +the one you were shown; .*create_key", banner)
    again = Api(second.url, api.project)
    assert again.get("")["results"] == people
    assert again.persons_who_did("seen") == 2
    assert again.persons_who_did("seen", 2) == 0


@pytest.mark.parametrize("end", [Server.terminate, Server.interrupt])
def test_a_signal_stops_everything_within_seconds(
    folder: Path, serve: Serve, end: Callable[[Server], int]
) -> None:
    server = serve(folder).ready()
    Api(server.url, server.create_project()).send([EVENT])
    (worker,), postgres = server.workers(), postmaster(folder)
    assert postgres
    started = time.monotonic()
    assert end(server) == 0
    assert time.monotonic() - started < 5
    assert seconds_until(lambda: has_ended(worker) and has_ended(postgres)) < 1
    assert "Traceback" not in server.output


@pytest.mark.parametrize(("whose", "exit_code"), [("parent", 0), ("worker", 1)])
def test_a_signal_is_heard_whichever_thread_the_kernel_gives_it_to(
    folder: Path, serve: Serve, whose: str, exit_code: int
) -> None:
    """Python's handlers run in the main thread, which sleeps. A worker that ends alone ends the server."""
    server = serve(folder).ready()
    (worker,) = server.workers()
    process = worker if whose == "worker" else psutil.Process(server.process.pid)
    other = process.threads()[-1].id
    assert other != process.pid
    assert ctypes.CDLL(None).tgkill(process.pid, other, int(signal.SIGTERM)) == 0
    # A signal that is lost is never heard.
    assert server.process.wait(PATIENCE_SECONDS) == exit_code


def test_a_signal_while_it_starts_stops_everything_as_well(new_folder: Path, serve: Serve) -> None:
    server = serve(new_folder, "--demo")
    server.wait_until(lambda: "Demo data" in server.output)
    assert server.terminate() == 0
    assert server.output.splitlines()[-1].endswith("Stopped before it was ready.")
    assert "Traceback" not in server.output
    assert postmaster(server.data_dir) is None


def test_a_port_that_is_taken_is_one_line(server: Server, folder: Path, serve: Serve) -> None:
    assert_one_line(
        serve(folder, port=server.port), f"Cannot listen on 127.0.0.1:{server.port}: Address already in use."
    )


def test_a_port_or_host_that_does_not_exist_is_one_line(folder: Path, serve: Serve) -> None:
    assert_one_line(serve(folder, port=70_000), "Cannot listen on 127.0.0.1:70000")
    # .invalid never resolves (RFC 2606).
    assert_one_line(serve(folder, "--host", "no.invalid"), "Cannot listen on no.invalid:")


def test_a_folder_of_another_server_is_one_line(server: Server, serve: Serve) -> None:
    assert_one_line(
        serve(server.data_dir), f"belongs to a running server (process {server.process.pid}). Stop that one"
    )


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path, serve: Serve) -> None:
    (tmp_path / "file").touch()
    assert_one_line(serve(tmp_path / "file/data"), "file/data cannot be written to: Not a directory.")


def test_what_postgresql_cannot_begin_with_is_one_line(
    new_folder: Path, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    new_folder.mkdir()
    monkeypatch.setenv("LC_ALL", "nowhere")
    assert_one_line(serve(new_folder), "new/postgres: initdb: error: invalid locale settings")


def test_white_space_in_the_path_is_one_line(tmp_path: Path, serve: Serve) -> None:
    assert_one_line(serve(tmp_path / "my data"), "my data' has white space in its path")
    assert not (tmp_path / "my data").exists()


@pytest.mark.parametrize(
    ("name", "value"), [("QUERY_TIMEOUT_SECONDS", "soon"), ("QUERY_MAX_MEMORY", "plenty")]
)
def test_a_limit_that_is_no_number_is_one_line(
    tmp_path: Path, serve: Serve, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    assert_one_line(serve(tmp_path / "data"), f"{name} is '{value}'. It must be a number of ")
    assert not (tmp_path / "data").exists()


def test_a_host_may_be_a_name(folder: Path, serve: Serve) -> None:
    server = serve(folder, "--host", "localhost", "--no-demo")
    assert f"ready at http://localhost:{server.port}" in server.banner()


@pytest.mark.parametrize(
    ("place", "is_limited"),
    [(("127.0.0.1", ""), False), (("0.0.0.0", ""), True), (("0.0.0.0", "false"), False)],
)
def test_rate_limits_are_on_when_other_machines_can_reach_it(
    folder: Path, serve: Serve, monkeypatch: pytest.MonkeyPatch, place: tuple[str, str], is_limited: bool
) -> None:
    host, setting = place
    monkeypatch.setenv("RATE_LIMIT_ENABLED", setting)
    server = serve(folder, "--host", host, "--no-demo").ready()
    api = Api(server.url, server.create_project())
    api.get("")
    assert ("rate limits are on" in server.output) is is_limited
    with psycopg.connect(host=embedded.postgres_host(folder), dbname="postgres", user="postgres") as own:
        assert own.execute("SELECT count(*) FROM persons_requestcount").fetchone() == (int(is_limited),)


def test_a_path_too_long_for_a_socket_works(folder: Path, serve: Serve) -> None:
    deep = folder.parent / ("a" * 60) / ("b" * 60)
    deep.parent.mkdir()
    folder.rename(deep)
    server = serve(deep)
    server.wait_until(lambda: (deep / "owner").read_text() == str(server.process.pid))
    # While PostgreSQL starts: where it will listen is not known from the beginning.
    project = server.create_project()
    assert Api(server.ready().url, project).get("")["results"] == []
    assert server.terminate() == 0
    deep.rename(folder)


def test_projects_and_keys_can_be_made_while_it_runs(server: Server) -> None:
    project = server.create_project("Made meanwhile")
    assert Api(server.url, project).get("")["results"] == []
    limited = manage(
        "create_key", "reader", "--scope", "person:read", "--project", str(project.project_id),
        data_dir=server.data_dir,
    )  # fmt: skip
    assert limited.returncode == 0, limited.stderr
    reader = Api(server.url, project._replace(personal_api_key=limited.stdout.strip()))
    assert reader.get("")["results"] == []


def test_a_project_can_be_made_without_a_server(folder: Path, serve: Serve) -> None:
    made = manage("create_project", "Early", "--timezone", "Europe/Berlin", "--json", data_dir=folder)
    project = Project(**json.loads(made.stdout))
    assert postmaster(folder) is None
    assert Api(serve(folder).ready().url, project).get("")["results"] == []


def test_a_project_is_printed_for_people_unless_asked_otherwise(server: Server) -> None:
    printed = manage("create_project", "For people", "--timezone", "Asia/Tokyo", data_dir=server.data_dir)
    assert re.fullmatch(
        r"Project +For people \(id \d+, Asia/Tokyo\)\n"
        r"Project token +phc_\w+\n"
        r"Personal API key +phx_[\w-]+   \(shown this once\)\n",
        printed.stdout,
    )


@pytest.mark.parametrize(
    ("arguments", "about"),
    [
        (["create_project", "Late", "--timezone", "Mars/Olympus"], "'Mars/Olympus' is not a known time zone"),
        (["create_project", ""], "cannot be blank"),
        (["create_key", "k", "--email", "nobody@localhost"], "There is no user nobody@localhost."),
        (["create_key", "k", "--project", "999999"], "has no project 999999."),
    ],
)
def test_a_command_that_cannot_do_what_it_is_told_is_one_line(
    server: Server, arguments: list[str], about: str
) -> None:
    refused = manage(*arguments, data_dir=server.data_dir)
    assert (refused.returncode, refused.stdout) == (2, "")
    (line,) = refused.stderr.splitlines()
    assert about in line


def test_a_killed_server_leaves_no_worker_and_nothing_in_the_way(folder: Path, serve: Serve) -> None:
    killed = serve(folder).ready()
    project = killed.create_project()
    Api(killed.url, project).send([EVENT])
    (worker,) = killed.workers()
    killed.kill()
    assert seconds_until(lambda: has_ended(worker)) < 5
    assert postmaster(folder) is not None
    # On the same port, and on the PostgreSQL that was left alone.
    again = serve(folder, port=killed.port).settled()
    api = Api(again.url, project)
    assert (api.persons_who_did("seen"), api.persons_who_did("seen", 2)) == (1, 0)
    assert again.terminate() == 0
    assert postmaster(folder) is None


def test_a_process_id_left_behind_that_is_now_anothers_is_not_in_the_way(folder: Path, serve: Serve) -> None:
    """As in a container, where the same few process ids return with every start."""
    postgres = folder / "postgres"
    with subprocess.Popen(["sleep", "60"]) as other:
        note = [other.pid, postgres, 1740830400, 5432, postgres, "", " 2314820        59", "ready   "]
        (postgres / "postmaster.pid").write_text("".join(f"{line}\n" for line in note))
        assert serve(folder).ready().terminate() == 0
        assert other.poll() is None
        other.kill()


def test_a_start_that_was_killed_early_is_made_up_for(new_folder: Path, serve: Serve) -> None:
    """While PostgreSQL's files are made: of half of them it would never start."""
    server = serve(new_folder)
    server.wait_until(lambda: any(new_folder.glob("postgres*/PG_VERSION")))
    server.kill()
    assert serve(new_folder).ready().terminate() == 0


def test_a_killed_worker_ends_the_server_with_an_error(folder: Path, serve: Serve) -> None:
    server = serve(folder).ready()
    assert server.kill_worker() == 1
    assert postmaster(folder) is None


def test_demo_data_are_complete_after_a_kill_in_the_middle(new_folder: Path, serve: Serve) -> None:
    killed = serve(new_folder, "--demo")
    killed.wait_until(lambda: re.search(r"Demo data: +[1-9]\d%", killed.output))
    until = json.loads((new_folder / "loading-demo.json").read_text())["until"]
    killed.kill()
    again = serve(new_folder, "--demo")
    banner = again.banner()
    (project_id,) = re.findall(r"Demo \(id (\d+)\)", banner)
    assert again.terminate() == 0
    expected = {event["uuid"] for event in demo_events(datetime.fromisoformat(until))}
    stored = stored_events(new_folder, int(project_id))
    assert stored.keys() == expected
    assert set(stored.values()) == {1}
