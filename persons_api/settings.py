"""All settings, and the only reader of the environment. docs/operating.md lists the variables."""

import os
import re
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

import django_stubs_ext
from django.core.exceptions import ImproperlyConfigured
from psycopg.conninfo import conninfo_to_dict

from persons_api import embedded
from persons_api.logs import logging_config

# Lets Django's generic classes say at run time what they are generic over.
django_stubs_ext.monkeypatch()

_UNITS = {"": 1, "MB": 1000**2, "GB": 1000**3, "MIB": 1024**2, "GIB": 1024**3}


def _flag(name: str, *, default: bool = False) -> bool:
    return (os.environ.get(name) or str(default)).lower() in {"1", "true", "yes", "on"}


def _name(variable: str) -> str | None:
    text = os.environ.get(variable) or None
    if text and not re.fullmatch(r"[A-Za-z0-9_.-]+", text):
        raise ImproperlyConfigured(
            f"{variable} is {text!r}. It must be a name of letters, digits, '_', '.', '-'."
        )
    return text


def _seconds(name: str, default: str) -> float:
    text = os.environ.get(name) or default
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0.1 <= seconds <= 86_400:
        raise ImproperlyConfigured(f"{name} is {text!r}. It must be a number of seconds, from 0.1 to 86400.")
    return seconds


def _count(name: str) -> int:
    text = os.environ.get(name) or "0"
    if not re.fullmatch(r"\d{1,18}", text, re.ASCII):
        raise ImproperlyConfigured(f"{name} is {text!r}. It must be a whole number; 0 is no limit.")
    return int(text)


def _slots(name: str, default: int) -> int:
    text = os.environ.get(name) or str(default)
    if not re.fullmatch(r"\d{1,3}", text, re.ASCII) or not 1 <= int(text) <= 100:
        raise ImproperlyConfigured(f"{name} is {text!r}. It must be a whole number from 1 to 100.")
    return int(text)


def _size(name: str, default: int) -> int:
    text = os.environ.get(name)
    if not text:
        return default
    match = re.fullmatch(r"(\d{1,16}) ?(|[MG]i?B)", text, re.ASCII | re.IGNORECASE)
    size = int(match[1]) * _UNITS[match[2].upper()] if match else 0
    if not 100 * _UNITS["MB"] <= size <= 1_000_000 * _UNITS["GB"]:
        raise ImproperlyConfigured(
            f"{name} is {text!r}. It must be a number of bytes, from 100MB to 1000000GB: "
            "4GiB, 1500MB or 4294967296, for example."
        )
    return size


def _database(url: str) -> dict[str, Any]:
    parts = conninfo_to_dict(url)
    return {
        "NAME": parts.pop("dbname", "postgres"),
        "USER": parts.pop("user", ""),
        "PASSWORD": parts.pop("password", ""),
        "HOST": parts.pop("host", ""),
        "PORT": parts.pop("port", ""),
        "OPTIONS": parts,
    }


BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(os.environ.get("PERSONS_DATA_DIR") or BASE_DIR / ".data").expanduser().resolve()

DATABASE_URL = os.environ.get("DATABASE_URL", "")
EMBEDDED_POSTGRES = not DATABASE_URL
CLICKHOUSE_URL = os.environ.get("CLICKHOUSE_URL") or embedded.clickhouse_url(DATA_DIR)
CLICKHOUSE_CLUSTER = _name("CLICKHOUSE_CLUSTER")

# The same server as a user who can change nothing, for questions.
CLICKHOUSE_QUERY_URL = os.environ.get("CLICKHOUSE_QUERY_URL", "")
# What clickhouse.client.Limits takes.
QUERY_LIMITS: dict[str, Any] = {
    "seconds": _seconds("QUERY_TIMEOUT_SECONDS", "30"),
    "memory": _size("QUERY_MAX_MEMORY", embedded.memory_for_a_question(CLICKHOUSE_URL)),
    "rows": _count("QUERY_MAX_ROWS"),
    "threads": _count("QUERY_MAX_THREADS"),
}
# Analytic queries and files that run at the same time, in each process; others wait (persons_api/asgi.py).
QUERY_SLOTS = _slots("QUERY_SLOTS", 4)
# As many threads again stay free for capture and everything else.
REQUEST_THREADS = QUERY_SLOTS + 4
# A service that only its own machine can reach serves one user. `serve --host` turns limits on for others.
RATE_LIMIT_ENABLED = _flag("RATE_LIMIT_ENABLED", default=not EMBEDDED_POSTGRES)

SECRET_KEY = os.environ.get("SECRET_KEY") or embedded.secret_key(DATA_DIR)
DEBUG = _flag("DEBUG")
ALLOWED_HOSTS = [
    host.strip() for host in os.environ.get("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]").split(",")
]
# A statement of ClickHouse that takes longer gets a line in the log.
SLOW_QUERY_SECONDS = _seconds("SLOW_QUERY_SECONDS", "5")
METRICS_TOKEN = os.environ.get("METRICS_TOKEN", "")
# What the Prometheus client reads as well: where several processes put their numbers together.
METRICS_OF_ALL_PROCESSES = bool(os.environ.get("PROMETHEUS_MULTIPROC_DIR"))
# What OpenTelemetry's exporter reads as well, with the others of its OTEL_ variables.
TRACING = bool(
    os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT") or os.environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
)
# In front is a proxy that speaks HTTPS with clients, and says by which name and how it was called.
TRUST_PROXY = _flag("TRUST_PROXY")
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUST_PROXY else None
USE_X_FORWARDED_HOST = SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = TRUST_PROXY
LOG_LEVEL = os.environ.get("LOG_LEVEL", "INFO").upper()
LOG_FORMAT = os.environ.get("LOG_FORMAT", "console")

ROOT_URLCONF = "persons_api.urls"
WSGI_APPLICATION = "persons_api.wsgi.application"
INSTALLED_APPS = [
    # Before the admin, whose templates it replaces.
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "axes",
    "corsheaders",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "rest_framework",
    "persons",
]
MIDDLEWARE = [
    "persons.api.middleware.request_log",
    "persons.observability.requests.Observed",
    "persons.api.middleware.security_headers",
    "corsheaders.middleware.CorsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "persons.api.middleware.optional_trailing_slash",
    "persons.api.middleware.refusals",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

_postgres: dict[str, Any] = (
    _database(DATABASE_URL)
    if DATABASE_URL
    else {"NAME": "postgres", "USER": "postgres", "HOST": embedded.postgres_host(DATA_DIR), "OPTIONS": {}}
)
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        **_postgres,
        # After PostgreSQL was restarted, the connections in the pool are dead: look before lending one.
        "CONN_HEALTH_CHECKS": True,
        # One for each thread that answers requests, and some for the probes, the flusher and the remover.
        "OPTIONS": {
            **_postgres["OPTIONS"],
            "pool": {"min_size": 1, "max_size": REQUEST_THREADS + 8, "timeout": 5},
        },
    }
}
AUTH_USER_MODEL = "persons.User"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesBackend", "django.contrib.auth.backends.ModelBackend"]
LOGIN_URL, LOGIN_REDIRECT_URL = "admin:login", "admin:index"
# After ten failed logins, an account and an address wait for five minutes. Attempts meanwhile do not prolong
# the wait, so that nobody can lock an account for good.
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = timedelta(minutes=5)
AXES_USERNAME_FORM_FIELD = "username"
AXES_LOCKOUT_PARAMETERS = ["username", "ip_address"]
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_RESET_ON_SUCCESS = True
AXES_CLIENT_IP_CALLABLE = "persons.admin.login.client_address"
AXES_LOCKOUT_CALLABLE = "persons.admin.login.too_many_failures"
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

# Web pages anywhere may send events and ask for the configuration of posthog-js; nothing else.
CORS_ALLOW_ALL_ORIGINS = True
CORS_URLS_REGEX = (
    r"^/(batch|capture|track|engage|e|s|i|flags|decide|array|static"
    r"|api/(surveys|early_access_features|web_experiments|product_tours))(/|$)"
)
CORS_ALLOW_METHODS = ["GET", "POST", "OPTIONS"]
# A star covers every header but Authorization.
CORS_ALLOW_HEADERS = ["*", "authorization"]
CORS_EXPOSE_HEADERS = ["Retry-After"]

USE_TZ = True
TIME_ZONE = "UTC"
FORMAT_MODULE_PATH = ["persons_api.formats"]
STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True
APPEND_SLASH = False
# Larger bodies are refused with 413 before they are read: persons/errors.py.
DATA_UPLOAD_MAX_MEMORY_SIZE = 20 * 1024 * 1024
# A form of the admin site may have a thousand distinct ids to choose from, and a few fields besides.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1_010

UNFOLD = {
    "SITE_TITLE": "persons-api",
    "SITE_HEADER": "persons-api",
    "SITE_SUBHEADER": "persons.admin.navigation.subheader",
    "SITE_DROPDOWN": "persons.admin.navigation.dropdown",
    "SITE_SYMBOL": "group",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": "persons.admin.navigation.icon"}],
    "SITE_URL": None,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_BACK_BUTTON": True,
    "BORDER_RADIUS": "6px",
    "STYLES": ["persons.admin.navigation.stylesheet"],
    "SCRIPTS": ["persons.admin.navigation.script"],
    "SIDEBAR": {"navigation": "persons.admin.navigation.sidebar"},
    "DASHBOARD_CALLBACK": "persons.admin.front.front",
    "COLORS": {
        "primary": {
            "50": "oklch(97.7% .012 255)",
            "100": "oklch(94.5% .025 255)",
            "200": "oklch(89% .05 255)",
            "300": "oklch(81% .085 255)",
            "400": "oklch(71% .125 256)",
            "500": "oklch(61% .15 257)",
            "600": "oklch(52% .155 258)",
            "700": "oklch(45.5% .14 259)",
            "800": "oklch(39.5% .115 260)",
            "900": "oklch(34.5% .09 260)",
            "950": "oklch(25% .065 261)",
        }
    },
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "persons.api.authentication.PersonalAPIKeyAuthentication",
        # For whoever is logged in to the admin site; writing needs the CSRF token.
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["persons.api.permissions.ScopePermission"],
    "DEFAULT_THROTTLE_CLASSES": ["persons.api.throttling.Throttle"],
    "DEFAULT_PARSER_CLASSES": ["persons.api.parsers.JSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["persons.api.renderers.JSONRenderer"],
    "EXCEPTION_HANDLER": "persons.api.errors.handle",
    "DEFAULT_SCHEMA_CLASS": "persons.openapi.schema.Described",
    # `format` is a parameter of ours, checked like the others.
    "URL_FORMAT_OVERRIDE": None,
    "UNAUTHENTICATED_USER": None,
    "DATETIME_FORMAT": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "persons-api",
    "VERSION": version("persons-api"),
    "CONTACT": {"name": "The persons-api maintainers"},
    "LICENSE": {"name": "MIT", "url": "https://opensource.org/license/mit"},
    "OAS_VERSION": "3.0.3",
    "SERVERS": [
        {
            "url": "{server}",
            "variables": {"server": {"default": "http://127.0.0.1:8000", "description": "Where it runs."}},
        }
    ],
    "DEFAULT_GENERATOR_CLASS": "persons.openapi.schema.Generator",
    "PREPROCESSING_HOOKS": ["persons.openapi.paths.without_doubles"],
    "POSTPROCESSING_HOOKS": ["persons_api.openapi.introduce", "persons_api.links.link"],
    "SERVE_AUTHENTICATION": [],
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "REDOC_UI_SETTINGS": {
        "hideDownloadButton": False,
        "theme": {"typography": {"fontFamily": "sans-serif", "headings": {"fontFamily": "sans-serif"}}},
    },
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "persistAuthorization": True, "docExpansion": "list"},
}
EXCEPTIONS_HOG = {"NESTED_KEY_SEPARATOR": ".", "ENABLE_IN_DEBUG": True}

LOGGING_CONFIG = None
logging_config(LOG_LEVEL, LOG_FORMAT)
