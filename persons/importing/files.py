"""Which files there are, and what is in them: known by their content, whatever they are called."""

import glob
import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import pyarrow as pa

_SNIFFED = 64 * 1024
_HASHED = 1024 * 1024
_MAGICS = {
    b"\x1f\x8b": "gzip",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\x04\x22\x4d\x18": "lz4",
    b"BZh": "bz2",
}
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_BOM = b"\xef\xbb\xbf"


class UnreadableFile(Exception):
    """A file that cannot be imported. The message is for whoever named it, and says which one."""


class Format(StrEnum):
    """What a file's rows are written in."""

    PARQUET = "Parquet"
    JSON = "JSON"


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file to import. `fingerprint` is that of its content, `size` in bytes as it lies on the disk;
    `compression` is None or a name that Arrow knows."""

    path: Path
    size: int
    fingerprint: str
    format: Format
    compression: str | None


def source_files(patterns: Sequence[str]) -> list[SourceFile]:
    """The files that the patterns name, each once, those of a pattern in the order of their names (2 before
    10). Raises UnreadableFile, also for a pattern that names none."""
    paths: dict[Path, None] = {}
    for pattern in patterns:
        found = [pattern] if os.path.isfile(pattern) else glob.glob(pattern, recursive=True)
        files = sorted((Path(each) for each in found if os.path.isfile(each)), key=_natural)
        if not files:
            raise UnreadableFile(f"{pattern}: there is no such file.")
        paths.update(dict.fromkeys(files))
    # The manifest that PostHog puts beside the files of an export names them, and has nothing else.
    return [_source_file(path) for path in paths if not path.name.endswith("_manifest.json")]


def _natural(path: Path) -> list[tuple[int, str]]:
    parts = re.split(r"(\d+)", str(path))
    return [(int(part), "") if part.isdigit() else (-1, part) for part in parts]


def _source_file(path: Path) -> SourceFile:
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            start = file.read(_HASHED)
            file.seek(max(0, size - _HASHED))
            end = file.read()
    except OSError as error:
        raise UnreadableFile(f"{path}: {error.strerror}.") from error
    fingerprint = hashlib.sha256(b"%d\n" % size + start + end).hexdigest()
    if start[:4] == b"PAR1":
        return SourceFile(path, size, fingerprint, Format.PARQUET, None)
    return SourceFile(path, size, fingerprint, Format.JSON, _compression(path, start[:_SNIFFED]))


def _compression(path: Path, start: bytes) -> str | None:
    if not start or _is_text(start):
        return None
    for magic, name in _MAGICS.items():
        if start.startswith(magic):
            return name
    # Brotli has no mark of its own: it is what can be read as brotli, and then is text.
    try:
        with pa.CompressedInputStream(pa.OSFile(str(path)), "brotli") as stream:
            if _is_text(stream.read(_SNIFFED)):
                return "brotli"
    except (OSError, pa.ArrowException):
        pass
    raise UnreadableFile(
        f"{path}: this is neither Parquet nor JSON, nor JSON packed with gzip, brotli, zstd, lz4 or bzip2."
    )


def _is_text(start: bytes) -> bool:
    if _CONTROL.search(start):
        return False
    try:
        start.decode()
    except UnicodeDecodeError as error:
        # The last character may have been cut in two.
        return error.start > 0 and error.start > len(start) - 4
    return True


@contextmanager
def opened(file: SourceFile) -> Iterator[pa.NativeFile]:
    """The content, unpacked while it is read."""
    with pa.OSFile(str(file.path)) as raw:
        if file.compression is None:
            yield raw
            return
        with pa.CompressedInputStream(raw, file.compression) as stream:
            yield stream


def without_mark(text: bytes) -> bytes:
    """A text without the byte order mark that some editors put in front."""
    return text.removeprefix(_BOM)
