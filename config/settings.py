"""Django settings. Production is the default; development opts out with DEBUG=1."""

import sys
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import django_stubs_ext

from config import env, product
from config.admin_theme import UNFOLD as UNFOLD
from config.env import BASE_DIR
from config.limits import RATE_LIMITS as RATE_LIMITS
from config.rest import REST_FRAMEWORK as REST_FRAMEWORK
from core.logging import configure_logging

django_stubs_ext.monkeypatch()  # lets ModelAdmin[...] and friends be written at runtime

PRODUCT_NAME = "Tenantry"
VERSION = "0.1.0"
DEVELOPMENT = env.boolean("DEBUG", default=False)
"""The variable is called DEBUG; what it buys is embedded stores, demo data and the mail page."""
DEBUG = False
"""Never on: Django's debug pages show tracebacks and settings to whoever asks. The log has both."""
HOME = Path(env.text("TENANTRY_HOME", str(BASE_DIR / ".tenantry")))
"""Where development keeps its data; production never writes there."""

# -- Who we are and whom we answer ---------------------------------------------------------------
PUBLIC_URL = env.origin(
    "PUBLIC_URL", f"http://127.0.0.1:{env.integer('PORT', default=8000)}" if DEVELOPMENT else None
)
ALLOWED_HOSTS = env.words(
    "ALLOWED_HOSTS",
    default="localhost,127.0.0.1,[::1],testserver"
    if DEVELOPMENT
    else str(urlsplit(PUBLIC_URL).hostname),
)
TRUSTED_PROXIES = env.integer("TRUSTED_PROXIES", default=0)
"""Hops of ours in front, counted from the right of X-Forwarded-For; 0 believes no header."""
SECRET_KEY = env.secret("SECRET_KEY", default="development-only" if DEVELOPMENT else None)
CORS_ALLOWED_ORIGINS = env.words("CORS_ALLOWED_ORIGINS")
CORS_URLS_REGEX = r"^/(api|ofrep|sse|unleash)/"
CORS_EXPOSE_HEADERS = [
    "ETag", "Idempotent-Replayed", "Link", "RateLimit", "RateLimit-Policy", "Retry-After",
    "X-Request-ID",
]  # fmt: skip
CORS_ALLOW_HEADERS = [
    "authorization", "content-type", "idempotency-key", "if-match", "if-none-match",
    "last-event-id", "traceparent", "x-request-id",
]  # fmt: skip

# -- Stores ----------------------------------------------------------------------------------------
DATABASE_URL = env.text("DATABASE_URL", "" if DEVELOPMENT else None, kind="address")
REDIS_URL = env.text("REDIS_URL", "" if DEVELOPMENT else None, kind="address")
if not (DATABASE_URL and REDIS_URL):
    from core.embedded.state import addresses

    embedded = addresses(HOME)
    DATABASE_URL = DATABASE_URL or embedded.database_url
    REDIS_URL = REDIS_URL or embedded.redis_url
env.redis(REDIS_URL)

DATABASES = {"default": env.database(DATABASE_URL)}
DATABASES["default"] |= {
    "ENGINE": "core.postgres",
    "CONN_MAX_AGE": None,  # a connection a thread, for as long as both live
    "CONN_HEALTH_CHECKS": True,
    "OPTIONS": DATABASES["default"].get("OPTIONS", {})
    | {
        "connect_timeout": 2,
        # After so many times; Django's own cursors never prepare (core/postgres/prepared.py).
        "prepare_threshold": 3 if env.boolean("DATABASE_PREPARES", default=True) else None,
        "options": "-c statement_timeout=5000 -c lock_timeout=2000"
        " -c idle_in_transaction_session_timeout=30000",
    },
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CACHES = {
    "default": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "django",
        "OPTIONS": {
            "SERIALIZER": "django_redis.serializers.msgpack.MSGPackSerializer",
            "SOCKET_CONNECT_TIMEOUT": 0.25,
            "SOCKET_TIMEOUT": 0.25,
            "IGNORE_EXCEPTIONS": True,
        },
    }
}
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "realtime.layer.HubChannelLayer",
        "CONFIG": {"hosts": [REDIS_URL]},
    }
}

# -- Apps ------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    *(["daphne"] if "runserver" in sys.argv else []),
    "unfold.apps.BasicAppConfig",  # its other one would put its own admin site in place of ours
    "core.apps.AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "rest_framework",
    "django_filters",
    "corsheaders",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "procrastinate.contrib.django",
    "core.apps.CoreConfig",
    "accounts.apps.AccountsConfig",
    "organizations.apps.OrganizationsConfig",
    "flags.apps.FlagsConfig",
    "invitations.apps.InvitationsConfig",
    "notifications.apps.NotificationsConfig",
    # These react to all that is above.
    "audit.apps.AuditConfig",
    "realtime.apps.RealtimeConfig",
    *product.APPS,
]
AUTH_USER_MODEL = "accounts.User"
LOGIN_REDIRECT_URL = "/admin/"
ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"
WSGI_APPLICATION = "config.wsgi.application"
APPEND_SLASH = False

MIDDLEWARE = [
    "core.http.middleware.RequestMiddleware",
    "flags.middleware.OneVersionMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "core.http.middleware.ContentPolicyMiddleware",
    "core.http.middleware.HostMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    # The API uses no cookies: these serve pages and the admin, and step aside for it.
    "core.http.pages.SessionMiddleware",
    "core.http.pages.LocaleMiddleware",
    "core.http.pages.CsrfViewMiddleware",
    "core.http.pages.AuthenticationMiddleware",
    "core.http.pages.MessageMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]
STATIC_URL = "/static/"
STATICFILES_DIRS = [
    BASE_DIR / "templates" / "static",
    ("clients", BASE_DIR / "clients" / "javascript"),
]
WHITENOISE_USE_FINDERS = True  # straight out of the packages: nothing to collect
WHITENOISE_AUTOREFRESH = DEVELOPMENT

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True

# -- Security --------------------------------------------------------------------------------------
served_over_tls = PUBLIC_URL.startswith("https://")
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
SECURE_HSTS_SECONDS = 31_536_000 if served_over_tls else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = served_over_tls
SECURE_HSTS_PRELOAD = served_over_tls
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = served_over_tls
SESSION_COOKIE_HTTPONLY = True
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
CSRF_FAILURE_VIEW = "core.pages.csrf_failure"
SECURE_REFERRER_POLICY = "same-origin"
# An API answers plain HTTP with its ordinary refusals; a redirect would only hide that a token has
# already crossed the wire in the clear; the TLS end in front redirects browsers (W008). Framing is
# forbidden by the content policy (W002). The CSRF middleware is ours (W003).
SILENCED_SYSTEM_CHECKS = ["security.W002", "security.W003", "security.W008"]

AUTHENTICATION_BACKENDS = ["accounts.backends.AdminBackend"]
PASSWORD_HASHERS = [
    "accounts.hashers.Argon2idHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]

# -- API -------------------------------------------------------------------------------------------
SPECTACULAR_SETTINGS = {
    "TITLE": f"{PRODUCT_NAME} API",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "POSTPROCESSING_HOOKS": ["core.api.schema.document_problems"],
}
MAX_BODY_BYTES = 1024 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_BODY_BYTES

ACCESS_LIFETIME = timedelta(seconds=env.integer("ACCESS_TTL_S", default=600, minimum=1))
REFRESH_LIFETIME = timedelta(seconds=env.integer("REFRESH_TTL_S", default=1_209_600, minimum=1))
JWT_PRIVATE_KEY_FILES = [Path(name) for name in env.words("JWT_PRIVATE_KEY_FILES")]
"""PEM files of Ed25519 keys, or a folder of them; the first entry signs, all verify. None: one is
derived from SECRET_KEY."""

TENANT_RLS = env.boolean("TENANT_RLS", default=False)
"""Put PostgreSQL's row-level security up as a second wall between organizations."""
REGISTRATION = env.choice("REGISTRATION", ("open", "invited"), default="open")
"""Who may open an account: everybody, or those alone whose address is invited."""
ORGANIZATIONS_PER_USER = env.integer("ORGANIZATIONS_PER_USER", default=200)
"""How many one person may make; 0 leaves it to operators."""
INVITATION_LINKS_IN_API = env.boolean("INVITATION_LINKS_IN_API", default=False)
"""For hosts without mail: who invites gets the link, and passes it on."""

PRESENCE_LINGER_S = env.integer("PRESENCE_LINGER_S", default=15, minimum=1)
"""How long somebody whose last socket closed is still shown as present."""
REALTIME_HISTORY_MINUTES = env.integer("REALTIME_HISTORY_MINUTES", default=60, minimum=10)
"""What is pushed can be replayed for at least so long, and the newest 1 000 of a channel beyond."""
REALTIME_HISTORY_DAYS = env.integer("REALTIME_HISTORY_DAYS", default=30, minimum=1)
"""Nothing that was pushed is kept for longer."""
FLAGS_ENVIRONMENT = env.text("FLAGS_ENVIRONMENT", "development" if DEVELOPMENT else "production")
FLAGS_SNAPSHOT = env.text("FLAGS_SNAPSHOT", str(HOME / "flags.json") if DEVELOPMENT else "")
FLAGS_POLL_S = env.integer("FLAGS_POLL_S", default=10)
AUDIT_RETENTION_DAYS = env.integer("AUDIT_RETENTION_DAYS", default=400)
"""0 keeps entries for ever."""

# -- Mail ------------------------------------------------------------------------------------------
DEV_MAIL_FOLDER = HOME / "mail"
email_url = env.text("EMAIL_URL", "" if DEVELOPMENT else None, kind="address")
if email_url:
    globals().update(env.email(email_url))
else:
    EMAIL_BACKEND = "core.dev_mail.FolderEmailBackend"
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.text(
    "DEFAULT_FROM_EMAIL", f"{PRODUCT_NAME} <no-reply@{urlsplit(PUBLIC_URL).hostname}>"
)

# -- Calls of ours to others -----------------------------------------------------------------------
OUTBOUND_ALLOW = env.networks("OUTBOUND_ALLOW")
"""Networks that may be called although they are not public, also without TLS."""
OUTBOUND_PORTS = env.numbers("OUTBOUND_PORTS", minimum=1, maximum=65_535)
"""Ports beside 443."""

VAPID_PRIVATE_KEY = env.text("VAPID_PRIVATE_KEY", "")
"""Who we are to browsers' push services; derived from SECRET_KEY when empty."""
PUSH_URLS = env.words("PUSH_URLS")
"""Services that reach phones: notifications/push/transports has what each entry says."""

# -- Running ---------------------------------------------------------------------------------------
DRAIN_S = env.integer("DRAIN_S", default=0 if DEVELOPMENT else 5)
WEB_THREADS = env.integer("WEB_THREADS", default=12, minimum=1)
"""Threads of one server process that run requests; each holds one database connection."""
GATHER_THREADS = env.boolean("GATHER_THREADS", default=True)
"""Keep the threads of a server process on one core, chosen anew every five seconds; Linux only."""
WORKER_CONCURRENCY = env.integer("WORKER_CONCURRENCY", default=8, minimum=1)
DEBUG_JOBS = env.boolean("DEBUG_JOBS", default=False)
LOG_LEVEL = env.choice("LOG_LEVEL", ("DEBUG", "INFO", "WARNING", "ERROR"), default="INFO")
LOG_FORMAT = env.choice(
    "LOG_FORMAT",
    ("json", "console"),
    default="console" if DEVELOPMENT and sys.stdout.isatty() else "json",
)
LOGGING_CONFIG = None
configure_logging(level=LOG_LEVEL, format=LOG_FORMAT)

globals().update(product.SETTINGS)
