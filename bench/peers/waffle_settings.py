"""Django with waffle as both their docs advise: PostgreSQL, and the cache in Redis."""

import os

from environ import Env

SECRET_KEY = os.environ["SECRET_KEY"]
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "waffle"]
DATABASES = {
    "default": {**Env.db_url_config(os.environ["WAFFLE_DATABASE_URL"]), "CONN_MAX_AGE": None}
}
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": os.environ["REDIS_URL"],
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
