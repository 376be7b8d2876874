"""Our settings, with both of Django's caches in Redis beside, each as its documentation has it."""

from config.settings import *  # noqa: F403
from config.settings import REDIS_URL

CACHES = {
    "default": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": REDIS_URL},
    "builtin": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "builtin",
    },
}
