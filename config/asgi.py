"""One process, one port: HTTP in a pool of threads, WebSockets and health probes on the loop.

Django's own ASGI handler hops between threads around every middleware (3.3 ms a request). Here the
whole synchronous chain runs in one hop, on threads that keep their database connections.
"""

import os
from contextvars import copy_context
from functools import partial
from typing import Any
from uuid import uuid4

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django_application = get_wsgi_application()

from django.conf import settings  # noqa: E402  settings need the line above
from django.urls import get_resolver, path, re_path  # noqa: E402
from django.utils import timezone  # noqa: E402

from accounts import jwt  # noqa: E402
from core import health, lifecycle  # noqa: E402
from core.http import warming  # noqa: E402
from core.http.body import BodyGuard, Receive, Scope, Send  # noqa: E402
from core.http.threads import InThreads  # noqa: E402
from core.postgres import row_security  # noqa: E402
from flags import event_streams as flag_streams  # noqa: E402
from flags import snapshots  # noqa: E402
from realtime import event_streams  # noqa: E402
from realtime.consumers import RealtimeConsumer  # noqa: E402

row_security.confine()
snapshots.start(settings.FLAGS_ENVIRONMENT)
lifecycle.before_the_end(snapshots.astop)
get_resolver().url_patterns  # noqa: B018  imports every view now, not during the first request
pool = InThreads(django_application, threads=settings.WEB_THREADS)
threads = BodyGuard(pool)
streams = event_streams.mounted(threads)
changes_of_flags = flag_streams.mounted(threads)
lifecycle.before_the_end(flag_streams.end)


async def prepare() -> None:
    """Warm the thread that serves the first request, in the name of nobody who has a session."""
    token = jwt.mint_access(user_id=uuid4(), session_id=uuid4(), now=timezone.now())
    warm = partial(warming.warm, django_application, token=token)
    await pool.in_thread(partial(copy_context().run, warm))


lifecycle.before_the_start(prepare)


async def http(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["path"].startswith("/health/"):
        await health.application(scope, receive, send)
    elif scope["path"] == "/sse/v1":
        await streams(scope, receive, send)
    elif scope["path"] == "/ofrep/v1/events":
        await changes_of_flags(scope, receive, send)
    else:
        await threads(scope, receive, send)


async def nowhere(scope: Scope, receive: Receive, send: Send) -> None:
    """Refuse the handshake: nothing is served at this address."""
    await receive()
    await send({"type": "websocket.close"})


websocket = URLRouter(
    [path("ws/v1", RealtimeConsumer.as_asgi()), re_path("", nowhere)]  # type: ignore[arg-type,no-untyped-call]
)
application: Any = ProtocolTypeRouter(  # type: ignore[no-untyped-call]
    {"http": http, "websocket": websocket}
)
