#!/usr/bin/env python
"""Django's command line, with one option of our own that must be known before the settings are read."""

import argparse
import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "persons_api.settings")
    options = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    options.add_argument("--data-dir")
    known, _ = options.parse_known_args()
    if known.data_dir:
        os.environ["PERSONS_DATA_DIR"] = known.data_dir
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        # A variable of the environment has a wrong value, and the message says which.
        print(error, file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
