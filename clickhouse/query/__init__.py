"""What can be asked: immutable, typed queries that know neither HTTP nor SQL."""
