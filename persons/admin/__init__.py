"""The admin site. Django finds it by the name ``persons.admin``."""

from persons.admin import site

__all__ = ["site"]
