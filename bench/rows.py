"""Fills a migrated database for bench.http and prints who may ask, as JSON.

One person has a list of ordinary length; another one's is long enough for page 5 000. Everybody
else's rows make the table a table.
"""

import json
import os
from datetime import timedelta
from uuid import UUID, uuid4

import django
import jwt

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.conf import settings  # noqa: E402  settings need the lines above
from django.db import connection  # noqa: E402
from django.utils import timezone  # noqa: E402

from accounts.models import User  # noqa: E402
from accounts.services import sessions  # noqa: E402

LISTED_ROWS = 5_000
DEEP_ROWS = 100_100
OTHER_PEOPLE, OTHER_ROWS = 100, 950

SESSIONS = """
insert into accounts_usersession (id, created_at, updated_at, user_id, refresh_id, refreshed_at,
    device, ip_address, last_seen_at, expires_at, end_reason)
select gen_random_uuid(), made, made, %s, gen_random_uuid(), made,
    'Firefox ' || n || ' on Linux', '192.0.2.1', made, now() + interval '80 days', ''
from generate_series(1, %s) n,
    lateral (select now() - n * interval '37.000123 seconds' as made) moment
"""


def person(name: str, *, rows: int) -> User:
    address = f"{name}@example.com"
    user = User.objects.add(
        email=address,
        email_normalized=address,
        full_name=name.title(),
        email_verified_at=timezone.now(),
    )
    with connection.cursor() as cursor:
        cursor.execute(SESSIONS, [user.pk, rows])
    return user


def our_token(user: User) -> str:
    pair = sessions.start_session(
        user=user, device="bench", ip_address="127.0.0.1", now=timezone.now()
    )
    return pair.access


def peers_token(user: User) -> str:
    """A token as the FastAPI template and simplejwt make them by default: HS256, the user's id."""
    expires = timezone.now() + timedelta(hours=1)
    claims = {
        "sub": str(user.pk),
        "user_id": str(user.pk),
        "sid": str(UUID(int=0)),
        "token_type": "access",
        "jti": uuid4().hex,
        "exp": expires,
    }
    return jwt.encode(claims, settings.SECRET_KEY, algorithm="HS256")


def main() -> None:
    for number in range(OTHER_PEOPLE):
        person(f"other{number}", rows=OTHER_ROWS)
    listed, deep = person("listed", rows=LISTED_ROWS), person("deep", rows=DEEP_ROWS)
    tokens = {"ours": our_token(listed), "peers": peers_token(listed), "deep": our_token(deep)}
    with connection.cursor() as cursor:
        cursor.execute("set statement_timeout = 0")
        cursor.execute("vacuum analyze accounts_usersession")
        cursor.execute("vacuum analyze accounts_user")
    print(json.dumps(tokens))


if __name__ == "__main__":
    main()
