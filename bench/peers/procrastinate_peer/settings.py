"""Django with procrastinate as its documentation advises for Django."""

import os

from environ import Env

SECRET_KEY = os.environ["SECRET_KEY"]
INSTALLED_APPS = ["procrastinate.contrib.django", "bench.peers.procrastinate_peer"]
DATABASES = {"default": Env.db_url_config(os.environ["PLAIN_DATABASE_URL"])}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
