"""What SDKs ask for when they start. There are no feature flags, surveys or recordings here: the answers
say so, in the shape in which posthog-js, posthog-node and posthog-python expect it."""

import uuid
from collections.abc import Callable
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

# Read by posthog-js (`_onRemoteConfig`), whichever endpoint it comes from.
CONFIG: dict[str, Any] = {
    "supportedCompression": ["gzip", "gzip-js"],
    "hasFeatureFlags": False,
    "analytics": {"endpoint": "/i/v0/e/"},
    "elementsChainAsString": True,
    "defaultIdentifiedOnly": True,
    "autocapture_opt_out": False,
    "autocaptureExceptions": False,
    "captureDeadClicks": False,
    "capturePerformance": False,
    "sessionRecording": False,
    "heatmaps": False,
    # None, for False would make posthog-js load a script that draws surveys.
    "surveys": None,
    "productTours": False,
    "conversations": False,
    "errorTracking": {"autocaptureExceptions": False, "suppressionRules": []},
    "siteApps": [],
    "toolbarParams": {},
    "isAuthenticated": False,
}


View = Callable[..., HttpResponse]


@csrf_exempt
def flags(request: HttpRequest) -> HttpResponse:
    """``/flags``, ``/decide``: no flags, and the configuration that older posthog-js reads from here."""
    answer = {
        "flags": {},
        "featureFlags": {},
        "featureFlagPayloads": {},
        "errorsWhileComputingFlags": False,
        "requestId": str(uuid.uuid4()),
    }
    return JsonResponse({**CONFIG, **answer})


def config(request: HttpRequest, token: str) -> HttpResponse:
    """``/array/:token/config``"""
    return JsonResponse({"token": token, **CONFIG})


def config_script(request: HttpRequest, token: str) -> HttpResponse:
    """``/array/:token/config.js``: the same for a script tag."""
    name, content = _for_script(token), _for_script({"token": token, **CONFIG})
    script = (
        "(function(){var all=window._POSTHOG_REMOTE_CONFIG=window._POSTHOG_REMOTE_CONFIG||{};"
        f"all[{name}]={{config:{content},siteApps:[]}};}})();"
    )
    return HttpResponse(script, content_type="application/javascript")


def always(answer: dict[str, Any]) -> View:
    """A view whose answer is always the same, whatever is asked."""

    @csrf_exempt
    def view(request: HttpRequest) -> HttpResponse:
        return JsonResponse(answer)

    return view


def _for_script(value: Any) -> str:
    # "</script>" inside a string would end the script.
    return orjson.dumps(value).decode().replace("<", "\\u003c")
