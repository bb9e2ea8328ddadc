"""The admin site. Django finds its pages by the name ``persons.admin``."""

from persons.admin import activity, deletions, distinct_ids, front, keys, people, projects, users

__all__ = ["activity", "deletions", "distinct_ids", "front", "keys", "people", "projects", "users"]
