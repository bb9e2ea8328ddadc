"""Bodies as SDKs compress them, inflated no further than a body may be long."""

import sys
import zlib
from collections.abc import Callable

from persons.errors import PayloadTooLarge, invalid

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

MAX_BODY_BYTES = 20 * 1024 * 1024
_GZIP_MAGIC, _ZSTD_MAGIC = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"


def inflated(body: bytes, encoding: str) -> bytes:
    """The body without its compression: the one it visibly has, else the one that ``encoding`` names.

    Raises PayloadTooLarge, and a validation error for what cannot be inflated.
    """
    if body[:2] == _GZIP_MAGIC:
        body = _all_of(body, "gzip", zlib.decompressobj(wbits=31).decompress)
    elif body[:4] == _ZSTD_MAGIC:
        body = _all_of(body, "zstd", zstd.ZstdDecompressor().decompress)
    elif encoding == "deflate":
        body = _all_of(body, "deflate", zlib.decompressobj(wbits=15).decompress)
    elif encoding not in {"", "identity", "gzip", "gzip-js", "zstd", "base64"}:
        raise invalid(
            "compression",
            f"Compression {encoding!r} is not supported. Allowed: gzip, deflate, zstd, base64, or none.",
        )
    if len(body) > MAX_BODY_BYTES:
        raise PayloadTooLarge(f"The body may have {MAX_BODY_BYTES} bytes at most.")
    return body


def _all_of(body: bytes, name: str, inflate: Callable[[bytes, int], bytes]) -> bytes:
    try:
        # One byte more than allowed tells a large body without inflating the rest of a bomb. What was cut
        # off in transport ends early, and then is not JSON.
        return inflate(body, MAX_BODY_BYTES + 1)
    except (zlib.error, zstd.ZstdError) as error:
        raise invalid(None, f"The body is not valid {name}: {error}.") from error
