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
CHANNEL_LAYERS = {
    "default": {"BACKEND": LAYERS[os.environ["LAYER"]], "CONFIG": {"hosts": [REDIS_URL]}}
}
