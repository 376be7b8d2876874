"""HTTP alone, for those who serve it apart from WebSockets."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django_application = get_wsgi_application()

from django.conf import settings  # noqa: E402  settings need the line above

from core.http.body import guarded  # noqa: E402
from core.postgres import row_security  # noqa: E402
from flags import snapshots  # noqa: E402

row_security.confine()
snapshots.start(settings.FLAGS_ENVIRONMENT)
application = guarded(django_application)
