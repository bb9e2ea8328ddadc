"""What the environment may say about the limits of a question, and what holds when it says nothing."""

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from persons_api import embedded, settings

MIB, GIB = 1024**2, 1024**3
EMBEDDED, SERVER = "chdb:///data/clickhouse", "http://clickhouse:8123/persons"


@pytest.mark.parametrize(("text", "seconds"), [("0.1", 0.1), ("45", 45), ("86400", 86_400), ("", 30)])
def test_a_time_is_a_number_of_seconds(monkeypatch: pytest.MonkeyPatch, text: str, seconds: float) -> None:
    monkeypatch.setenv("ASKED", text)
    assert settings._seconds("ASKED", "30") == seconds


@pytest.mark.parametrize("text", ["soon", "30s", "0", "0.09", "-1", "86401", "nan", "inf", " "])
def test_any_other_time_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("ASKED", text)
    with pytest.raises(ImproperlyConfigured, match=f"^ASKED is '{text}'. It must be a number of seconds"):
        settings._seconds("ASKED", "30")


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("100000000", 100_000_000),
        ("100MB", 100_000_000),
        ("512MiB", 512 * MIB),
        ("2GB", 2_000_000_000),
        ("4GiB", 4 * GIB),
        ("4 gib", 4 * GIB),
        ("1000000GB", 10**15),
        ("", 7),
    ],
)
def test_a_size_is_a_number_of_bytes_or_has_a_unit(
    monkeypatch: pytest.MonkeyPatch, text: str, size: int
) -> None:
    monkeypatch.setenv("ASKED", text)
    assert settings._size("ASKED", 7) == size


@pytest.mark.parametrize(
    "text", ["lots", "4G", "1.5GiB", "GiB", "4GiB ", "-4GiB", "99MB", "0", "1000001GB", "9" * 30, "٤GiB"]
)
def test_any_other_size_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("ASKED", text)
    with pytest.raises(ImproperlyConfigured, match=f"^ASKED is '{text}'. It must be a number of bytes"):
        settings._size("ASKED", 7)


@pytest.mark.parametrize(
    ("url", "container", "size"),
    [
        (EMBEDDED, str(2 * GIB), GIB),
        (EMBEDDED, str(512 * MIB), 256 * MIB),
        (SERVER, str(2 * GIB), 4 * GIB),
    ],
)
def test_a_question_to_the_embedded_engine_has_half_the_machine_at_most(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, url: str, container: str, size: int
) -> None:
    limit = tmp_path / "memory.max"
    limit.write_text(f"{container}\n")
    monkeypatch.setattr(embedded, "_MEMORY_LIMITS", (limit, tmp_path / "absent"))
    assert embedded.memory_for_a_question(url) == size


def test_without_a_container_the_machine_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    limit = tmp_path / "memory.max"
    limit.write_text("max\n")
    monkeypatch.setattr(embedded, "_MEMORY_LIMITS", (limit,))
    monkeypatch.setattr("psutil.virtual_memory", lambda: type("Memory", (), {"total": 6 * GIB}))
    assert embedded.memory_for_a_question(EMBEDDED) == 3 * GIB


@pytest.mark.parametrize(
    ("text", "default", "on"),
    [("", False, False), ("", True, True), ("1", False, True), ("true", True, True), ("off", True, False)],
)
def test_a_flag_is_what_it_says_or_else_its_default(
    monkeypatch: pytest.MonkeyPatch, text: str, default: bool, on: bool
) -> None:
    monkeypatch.setenv("ASKED", text)
    assert settings._flag("ASKED", default=default) == on
