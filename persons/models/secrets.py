"""Tokens and keys: how they are made, and what is kept of the secret ones."""

import hashlib
import secrets
import string

_BASE62 = string.ascii_letters + string.digits
PROJECT_TOKEN_PREFIX = "phc_"  # noqa: S105
PERSONAL_KEY_PREFIX = "phx_"


def random_token(prefix: str) -> str:
    """A prefix and 43 random characters, 256 bits."""
    return prefix + "".join(secrets.choice(_BASE62) for _ in range(43))


def hashed(secret: str) -> str:
    """What is stored of a secret. It has 256 random bits, so a fast hash without salt is enough."""
    return "sha256$" + hashlib.sha256(secret.encode()).hexdigest()


def masked(secret: str) -> str:
    """Enough of a secret for its owner to recognise it."""
    return f"{secret[:4]}...{secret[-4:]}"
