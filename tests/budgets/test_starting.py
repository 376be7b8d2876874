"""What a start imports. Time and memory of a start are, for the most part, modules.

A budget of modules is about a twentieth above what was seen when it was set.
"""

import sys

import pytest
from django.conf import settings

from tests.budgets.imported import imported, told
from tests.client import ApiClient
from tests.core.jobs.queues import database_url
from tests.lean import TOOLS_ONLY

LEAN = f"import sys\nsys.modules.update(dict.fromkeys({TOOLS_ONLY}))\n"
COMMAND = LEAN + "import django\ndjango.setup()"
WORKER = f"""{COMMAND}
from core.jobs import registry
from core.management.commands.worker import Command
Command().check()
registry.load()"""
SERVER = f"{LEAN}import core.serving, config.asgi"

BACKPORTS = {"async_timeout"} if sys.version_info < (3, 11, 3) else set()
"""What redis-py takes in place of the standard library's."""
EVERYWHERE = BACKPORTS | {
    "_cffi_backend", "asgiref", "attr", "channels", "corsheaders", "croniter", "cryptography",
    "dateutil", "django", "django_filters", "django_stubs_ext", "drf_spectacular",
    "drf_spectacular_sidecar", "environ", "hiredis", "idna", "inflection", "jwt", "mmh3", "msgpack",
    "orjson", "packaging", "procrastinate", "psycopg", "psycopg_binary", "psycopg_pool", "re2",
    "redis", "rest_framework", "rest_framework_simplejwt", "sqlparse", "structlog",
    "typing_extensions", "unfold", "uritemplate", "uuid_utils", "yaml",
}  # fmt: skip
CHECKED = {"attrs", "jsonschema", "jsonschema_specifications", "referencing", "rpds"}
"""What looks at schemas of kinds before a worker starts."""

STARTS = {
    "a command": (COMMAND, EVERYWHERE, 1_250),
    "a worker": (WORKER, EVERYWHERE | CHECKED | {"django_redis", "whitenoise"}, 1_340),
    "a server": (
        SERVER,
        EVERYWHERE | {"a2wsgi", "click", "ua_parser", "uvicorn", "websockets", "whitenoise"},
        1_500,
    ),
}


@pytest.mark.parametrize("name", STARTS)
def test_what_a_start_imports(name: str) -> None:
    code, packages, modules = STARTS[name]

    found = imported(code)

    new, gone = found.packages - packages, packages - found.packages
    assert not new, (
        f"{name} now imports {sorted(new)} at every start. Import it inside of the function that"
        " needs it, as core/outbound/client.py does httpx2; or put it on the list, if all need it"
    )
    assert not gone, f"{name} no longer imports {sorted(gone)}: take them off the list"
    assert found.modules <= modules, (
        f"{name} now imports {found.modules} modules: make the budget larger, or find with"
        " `python -X importtime` what brings them"
    )


FIRST = f"""{SERVER}
import asyncio, os
from core.http import warming
asyncio.run(config.asgi.prepare())
known = set(sys.modules)
def status(path):
    return warming.ask(config.asgi.django_application, path, token=os.environ["TOKEN"])
statuses = [status(path) for path in os.environ["PATHS"].split()]
found = [statuses, sorted(set(sys.modules) - known)]"""
HOT = ["/api/v1/notifications", "/api/v1/users/me", "/api/v1/organizations", "/api/v1/flags", "/",
       "/admin/login/"]  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_the_first_request_of_a_hot_route_imports_nothing(api: ApiClient) -> None:
    token = str(api.defaults["HTTP_AUTHORIZATION"]).removeprefix("Bearer ")
    names = ("PUBLIC_URL", "REDIS_URL", "SECRET_KEY")
    ours = {"DATABASE_URL": database_url()} | {name: getattr(settings, name) for name in names}

    statuses, fresh = told(FIRST, TOKEN=token, PATHS=" ".join(HOT), **ours)

    assert statuses == [200] * len(HOT)
    assert not fresh, f"somebody waits for {fresh}: have it imported, or asked for in warming.PATHS"
