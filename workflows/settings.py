"""Every setting of the project; values come from the environment."""

import os
from datetime import timedelta
from pathlib import Path

import environ  # type: ignore[import-untyped]
from django.core.exceptions import ImproperlyConfigured
from django.utils.csp import CSP

from runner.errors import RunnerError
from runner.execution.mail import servers_in
from runner.execution.network import network_in
from runner.graph.reading import MAX_BYTES
from workflows.channel_layers import layer_in
from workflows.databases import database_in
from workflows.job_limits import job_limits_in
from workflows.limits import bytes_in, count_in, days_in, lease_in, limits_in, seconds_in
from workflows.log_lines import JsonLine, Line, format_in, without_strangers_traces
from workflows.mailers import mailers_for
from workflows.secret_key import secret_key_in

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

HOST = env.str("HOST", default="127.0.0.1")
LAST_PORT = 65535
try:
    PORT = env.int("PORT", default=8000)
except ValueError:
    PORT = -1
if not 0 <= PORT <= LAST_PORT:
    raise ImproperlyConfigured(f"PORT must be a number up to {LAST_PORT}, such as 8000.")
DATA_DIR = Path(env.str("ANABRANCH_DATA", default=str(BASE_DIR / "var"))).resolve()
try:
    DATA_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
except OSError as fault:
    raise ImproperlyConfigured(
        f"ANABRANCH_DATA must be a directory to write to: {fault}."
    ) from fault

DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY", default="") or secret_key_in(DATA_DIR)

# A wildcard address is where to listen, never a name a browser asks for.
_NAMES = ["localhost", "127.0.0.1", *([] if HOST in {"0.0.0.0", "::"} else [HOST])]  # noqa: S104
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=list(dict.fromkeys(_NAMES)))
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
# Exact origins: scheme, host and port. What a browser may open a socket from.
SOCKET_ORIGINS = [*(f"http://{name}:{PORT}" for name in _NAMES), *CSRF_TRUSTED_ORIGINS]
# Behind a proxy that ends TLS; then cookies and redirects are for HTTPS only.
HTTPS = env.bool("HTTPS", default=False)

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "channels",
    "django_htmx",
    "axes",
    "workflows",
    *env.list("ANABRANCH_APPS", default=[]),
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "workflows.views.refusals.SaysWhatIsAllowed",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "workflows.urls"
ASGI_APPLICATION = "workflows.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
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
                "workflows.framing.framed",
            ],
        },
    },
]

DATABASES = {"default": database_in(env.str("DATABASE_URL", default=""), DATA_DIR)}
# For how long a process that says nothing keeps its runs; it says something six times as often.
LEASE_SECONDS = lease_in(env.str("ANABRANCH_LEASE_SECONDS", default=""))
CHANNEL_LAYERS = {"default": layer_in(env.str("REDIS_URL", default=""))}

# How many tasks may work at once: in this process, in each run, for each person, in a group that
# task types name. "process=64,run:*=16,user:*=32,group:ollama=1"; what is not named is unlimited.
TASK_LIMITS = limits_in(env.str("ANABRANCH_LIMITS", default=""))

# How many jobs of a group may be worked on at once, and how many may begin in a time, over all
# job queue runners: "mail=4,mail=30/minute". And for how long a runner that says nothing keeps
# its jobs.
JOB_LIMITS = job_limits_in(env.str("ANABRANCH_JOB_LIMITS", default=""))
JOB_LEASE_SECONDS = seconds_in(
    "ANABRANCH_JOB_LEASE_SECONDS", env.str("ANABRANCH_JOB_LEASE_SECONDS", default=""), 10.0
)

# What rings when a job was posted. A backend of Django's own runs tasks at once, in the server,
# or never: then nothing rings, and job queue runners look every 100 ms.
TASKS = {
    "default": {
        "BACKEND": env.str(
            "ANABRANCH_TASKS_BACKEND", default="django.tasks.backends.immediate.ImmediateBackend"
        )
    }
}

# For how many days after its end the streams and logs of a run are kept, and its results; 0: ever.
# And for how many days it is kept who did what.
KEEP_STREAMS_DAYS, KEEP_OUTPUTS_DAYS, KEEP_AUDIT_DAYS = (
    days_in(name, env.str(name, default=""), days)
    for name, days in (
        ("ANABRANCH_KEEP_STREAMS_DAYS", 30),
        ("ANABRANCH_KEEP_OUTPUTS_DAYS", 180),
        ("ANABRANCH_KEEP_AUDIT_DAYS", 400),
    )
)

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
# Who gives a wrong password for a user name five times from one address waits an hour there;
# elsewhere that person signs in as ever, so nobody can lock them out.
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(hours=1)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_LOCKOUT_CALLABLE = "workflows.views.people.locked_out"
AXES_CLIENT_IP_CALLABLE = "workflows.client_address.address_of"
AXES_RESET_ON_SUCCESS = True
AXES_DISABLE_ACCESS_LOG = True
AXES_VERBOSE = False
LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "sign-in"
SESSION_COOKIE_AGE = 12 * 60 * 60
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
# Browsers keep cookies by host and not by port: two copies on one machine must not sign each
# other's people out.
SESSION_COOKIE_NAME = f"anabranch-session-{PORT}"
CSRF_COOKIE_NAME = f"anabranch-csrf-{PORT}"
CSRF_COOKIE_HTTPONLY = True
SECURE_HSTS_SECONDS = 365 * 24 * 60 * 60 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SECURE_CSP = {
    "default-src": [CSP.NONE],
    "script-src": [CSP.SELF],
    "style-src": [CSP.SELF],
    "img-src": [CSP.SELF],
    "connect-src": [CSP.SELF],
    "form-action": [CSP.SELF],
    "base-uri": [CSP.NONE],
    "frame-ancestors": [CSP.NONE],
}
# What any request may hold; Daphne refuses more while it arrives (body_cap.py). A form that
# takes in a definition may hold more, once somebody has signed in, so Django looks at that.
BODY_LIMIT = 2 * 1024 * 1024
IMPORT_LIMIT = MAX_BYTES
DATA_UPLOAD_MAX_MEMORY_SIZE = BODY_LIMIT + IMPORT_LIMIT
# Not where the system keeps such files: that may be memory.
FILE_UPLOAD_TEMP_DIR = DATA_DIR / "uploads"
FILE_UPLOAD_TEMP_DIR.mkdir(mode=0o700, exist_ok=True)


def _bytes(name: str, default: int) -> int:
    return bytes_in(name, env.str(name, default=""), default)


# How much one port of a task may give at once, and stream in all, as JSON.
OUTPUT_LIMIT = _bytes("ANABRANCH_OUTPUT_BYTES", 8 * 1024 * 1024)
STREAM_LIMIT = _bytes("ANABRANCH_STREAM_BYTES", 64 * 1024 * 1024)
# What the evaluation of one expression may take: time, memory, and the values that go in or out.
EXPRESSION_SECONDS = seconds_in(
    "ANABRANCH_EXPRESSION_SECONDS", env.str("ANABRANCH_EXPRESSION_SECONDS", default=""), 0.5
)
EXPRESSION_MEMORY = _bytes("ANABRANCH_EXPRESSION_MEMORY_BYTES", 64 * 1024 * 1024)
EXPRESSION_VALUES = _bytes("ANABRANCH_EXPRESSION_VALUE_BYTES", 8 * 1024 * 1024)
# What the operator lets the Python code in a task take at most.
CODE_SECONDS = seconds_in(
    "ANABRANCH_CODE_SECONDS", env.str("ANABRANCH_CODE_SECONDS", default=""), 60.0, most=3600.0
)
CODE_MEMORY = _bytes("ANABRANCH_CODE_MEMORY_BYTES", 256 * 1024 * 1024)
# Which hosts inside tasks may reach, and how much of an answer they take.
try:
    NETWORK = network_in(os.environ)
    _MAIL_SERVERS = servers_in(os.environ)
except RunnerError as fault:
    raise ImproperlyConfigured(fault.sentence) from fault
# Who sends mail for tasks, and to people for whom something waits; without a server nobody does,
# and the task says what to set.
if _MAIL_SERVERS:
    MAILERS = mailers_for(_MAIL_SERVERS)
    DEFAULT_FROM_EMAIL = SERVER_EMAIL = next(iter(_MAIL_SERVERS.values())).sender
# Where the links lead in a mail about what waits for somebody.
SITE_URL = env.str(
    "ANABRANCH_URL", default=(CSRF_TRUSTED_ORIGINS or [f"http://{_NAMES[-1]}:{PORT}"])[0]
).rstrip("/")
# How much that a run gave may wait for the database before its tasks wait as well.
AHEAD_LIMIT = _bytes("ANABRANCH_AHEAD_BYTES", 64 * 1024 * 1024)
# A file that a person may send, a file that a task may save, and how large a value is
# kept in the database; what is larger is kept as a file beside it.
UPLOAD_LIMIT = _bytes("ANABRANCH_UPLOAD_BYTES", 64 * 1024 * 1024)
ARTIFACT_LIMIT = _bytes("ANABRANCH_ARTIFACT_BYTES", 1024 * 1024 * 1024)
LARGE_VALUE = _bytes("ANABRANCH_LARGE_VALUE_BYTES", 256 * 1024)
# How many open pages of one person a process keeps up to date; further ones look by themselves.
SOCKETS_A_PERSON = count_in(
    "ANABRANCH_SOCKETS_A_PERSON", env.str("ANABRANCH_SOCKETS_A_PERSON", default=""), 20
)
# How many filters of the list of runs a person may keep.
SAVED_FILTERS = 50

# What opens the credentials of people: "id:key,id:key", the newest first, each key 32 bytes in
# base64; without it, a file in the data folder. And how many a person may keep.
CREDENTIAL_KEYS = env.str("ANABRANCH_CREDENTIAL_KEYS", default="")
CREDENTIALS_A_PERSON = 100

# For how many days the link of an invitation lets somebody in, how many may be open in a team,
# and to how many teams a person may belong.
INVITATION_DAYS = 7
OPEN_INVITATIONS = 50
TEAMS_A_PERSON = 50

# How many share links of a run may be open, and how often one may be copied; for how long a guest
# is let in by having opened one, and how many may watch by it from one process; and how often somebody may try: with links, from one address, and
# with passwords, from one address and in all.
SHARE_LINKS_A_RUN = 50
SHARE_TOKENS_A_LINK = 20
SHARE_VISIT = timedelta(hours=12)
SHARE_SOCKETS_A_LINK = 200
SHARE_TRIES = (60, timedelta(minutes=1))
SHARE_PASSWORD_TRIES_HERE = (5, timedelta(minutes=15))
SHARE_PASSWORD_TRIES = (50, timedelta(hours=1))
SHARE_COOKIE_NAME = f"anabranch-share-{PORT}"

# How often webhooks may be asked from one address, and for how long an answer waits for a run; how
# many triggers a workflow may have.
HOOK_TRIES = (120, timedelta(minutes=1))
HOOK_WAIT_SECONDS = 25
TRIGGERS_A_WORKFLOW = 50

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"] if (BASE_DIR / "static").is_dir() else []
STATIC_ROOT = DATA_DIR / "static"
STATIC_ROOT.mkdir(exist_ok=True)
# Under plain `daphne` nobody collected them.
WHITENOISE_USE_FINDERS = True
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "artifacts": {"BACKEND": "workflows.artifacts.ArtifactFiles"},
    "staticfiles": {"BACKEND": "workflows.hashed_static.HashedStaticStorage"},
}

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True

LOG_FORMAT = format_in(env.str("ANABRANCH_LOG_FORMAT", default="line"))
# No request line, header or body: a log is read by more people than the pages are.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"()": Line, "format": "{asctime} {levelname} {name}: {message}", "style": "{"},
        "json": {"()": JsonLine},
    },
    "filters": {
        "faults": {"()": "django.utils.log.CallbackFilter", "callback": without_strangers_traces}
    },
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT, "filters": ["faults"]}
    },
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {
        "workflows": {"level": env.str("LOG_LEVEL", default="INFO")},
        "runner": {"level": env.str("LOG_LEVEL", default="INFO")},
        # It tells every second that Redis is away; the doorbell tells it once.
        "channels_redis": {"level": "CRITICAL"},
    },
}
