"""Settings of a project that has Channels and nothing else; LAYER chooses the channel layer."""

import os

LAYERS = {
    "stock": "channels_redis.core.RedisChannelLayer",
    "pubsub": "channels_redis.pubsub.RedisPubSubChannelLayer",
    "hub": "realtime.layer.HubChannelLayer",
}
REDIS_URL = os.environ["REDIS_URL"]
SECRET_KEY = os.environ["SECRET_KEY"]
ALLOWED_HOSTS = ["127.0.0.1"]
INSTALLED_APPS = ["channels"]
LAYER = os.environ["LAYER"]
# Theirs waits for a message for five seconds, after which redis-py 8 gives up unless told not to.
HOSTS = [REDIS_URL] if LAYER == "hub" else [{"address": REDIS_URL, "socket_timeout": None}]
CHANNEL_LAYERS = {"default": {"BACKEND": LAYERS[LAYER], "CONFIG": {"hosts": HOSTS}}}
