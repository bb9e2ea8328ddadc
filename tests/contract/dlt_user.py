"""Reads lists with dlt's REST source and prints the records, one JSON array per resource.

test_readers.py runs it with a Python that has dlt.

    python dlt_user.py '{"client": {...}, "resources": [...]}'
"""

import json
import sys
from typing import Any

from dlt.sources.rest_api import rest_api_resources


def main(config: Any) -> None:
    for resource in rest_api_resources(config):
        sys.stdout.write(json.dumps([resource.name, list(resource)], default=str) + "\n")


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
