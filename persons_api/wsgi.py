"""The WSGI application, for any server that speaks WSGI."""

import os
from io import BytesIO
from typing import Any

from django.conf import settings
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "persons_api.settings")


def with_length(application: Any) -> Any:
    """Give chunked bodies a length: Django takes a body without one for empty.

    Reads one byte more than any endpoint takes; by that length a body that is too large is refused later.
    """

    def measured(environ: dict[str, Any], start_response: Any) -> Any:
        if environ.get("wsgi.input_terminated") and not environ.get("CONTENT_LENGTH"):
            body = environ["wsgi.input"].read(settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)
            environ |= {"wsgi.input": BytesIO(body), "CONTENT_LENGTH": str(len(body))}
        return application(environ, start_response)

    return measured


application = with_length(get_wsgi_application())
