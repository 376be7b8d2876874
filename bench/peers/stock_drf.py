"""Ordinary DRF on Django's own ASGI handler, for uvicorn: the project in `stock`."""

import os

from django.core.asgi import get_asgi_application

from core.lifecycle import exit_with_parent

exit_with_parent()
os.environ["DJANGO_SETTINGS_MODULE"] = "bench.peers.stock.settings"
app = get_asgi_application()
