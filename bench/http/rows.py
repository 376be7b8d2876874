"""Fills a migrated database for bench.http and prints who may ask about what, as JSON.

One person has lists of ordinary length; another one's are long enough for page 5 000. Everybody
else's rows make the tables tables; `few` leaves those away, and organizations.
"""

import json
import os
import sys
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
from accounts.services import sessions as sign_ins  # noqa: E402
from bench.lab.rows import MEMBERS, PEOPLE, execute, filling, organization  # noqa: E402

DEEP_ROWS = 100_100
OTHER_PEOPLE = 100
SESSION_ROWS, OTHER_SESSIONS = 5_000, 950
NOTIFICATION_ROWS = 1_000
MEMBERS_LISTED = 1_000

SESSIONS = """
insert into accounts_usersession (id, created_at, updated_at, user_id, refresh_id, refreshed_at,
    device, ip_address, last_seen_at, expires_at, end_reason)
select gen_random_uuid(), made, made, %s, gen_random_uuid(), made,
    'Firefox ' || n || ' on Linux', '192.0.2.1', made, now() + interval '80 days', ''
from generate_series(1, %s) n,
    lateral (select now() - n * interval '37.000123 seconds' as made) moment
"""

NOTIFICATIONS = """
insert into notifications_notification (id, user_id, kind, type, title, body, actions, metadata,
    payload_version, actor_ids, dedupe_key, group_key, group_count, is_group_open, is_listed, mail,
    created_at, read_at, seen_at)
select gen_random_uuid(), %s, 'build.finished', 'success', 'Build ' || n || ' is done',
    'It took ' || n %% 60 || ' minutes.', '[{"label": "See", "url": "/builds"}]',
    jsonb_build_object('build', n, 'branch', 'main'), 1, '{}', '', '', 1, false, true, 'none',
    made, read, read
from generate_series(1, %s) n,
    lateral (select now() - n * interval '37.000123 seconds' as made) moment,
    lateral (select case when n %% 4 > 0 then now() - interval '1 hour' end as read) looked
"""


def person(name: str, *, sessions: int, notifications: int) -> User:
    address = f"{name}@example.com"
    user = User.objects.add(
        email=address,
        email_normalized=address,
        full_name=name.title(),
        email_verified_at=timezone.now(),
    )
    with connection.cursor() as cursor:
        cursor.execute(SESSIONS, [user.pk, sessions])
        cursor.execute(NOTIFICATIONS, [user.pk, notifications])
    return user


def organizations(listed: User, deep: User) -> dict[str, str]:
    """Found one of ordinary size, and a large one; return their ids."""
    ordinary, large = organization(listed, "Ordinary"), organization(deep, "Large")
    with filling("accounts_user", "organizations_membership"):
        execute(PEOPLE, first=1, last=DEEP_ROWS)
        execute(MEMBERS, first=1, last=MEMBERS_LISTED, organization=ordinary.pk)
        execute(MEMBERS, first=1, last=DEEP_ROWS, organization=large.pk)
    return {"organization": str(ordinary.pk), "large_organization": str(large.pk)}


def our_token(user: User) -> str:
    pair = sign_ins.start_session(
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


def main(*, few: bool) -> None:
    for number in range(0 if few else OTHER_PEOPLE):
        person(f"other{number}", sessions=OTHER_SESSIONS, notifications=NOTIFICATION_ROWS)
    listed = person("listed", sessions=SESSION_ROWS, notifications=NOTIFICATION_ROWS)
    deep_rows = NOTIFICATION_ROWS if few else DEEP_ROWS
    deep = person("deep", sessions=deep_rows, notifications=deep_rows)
    asked = {"ours": our_token(listed), "peers": peers_token(listed), "deep": our_token(deep)}
    if not few:
        asked |= organizations(listed, deep)
    with connection.cursor() as cursor:
        cursor.execute("set statement_timeout = 0")
        for table in ("accounts_usersession", "accounts_user", "notifications_notification"):
            cursor.execute(f"vacuum analyze {table}")
    print(json.dumps(asked))


if __name__ == "__main__":
    main(few=sys.argv[1:] == ["few"])
