"""Fills a migrated database with members of one organization who are signed in.

python -m bench.realtime.crowd COUNT prints the channel, and everybody's id and access token,
as JSON.
"""

import json
import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.utils import timezone  # noqa: E402  settings need the lines above

from accounts import jwt  # noqa: E402
from accounts.models import User, UserSession  # noqa: E402
from accounts.services.sessions import SESSION_LIFETIME  # noqa: E402
from organizations import access  # noqa: E402
from organizations.models import Membership, Organization  # noqa: E402
from organizations.services import lifecycle  # noqa: E402


def main() -> None:
    count, now = int(sys.argv[1]), timezone.now()
    people = User.objects.bulk_create(
        User(email=address, email_normalized=address, email_verified_at=now)
        for address in (f"member{number}@example.com" for number in range(count))
    )
    organization = lifecycle.create(owner=people[0], name="Crowd", now=now)
    join(organization, people[1:], now=now)
    opened = UserSession.objects.bulk_create(
        UserSession(
            user=person,
            refreshed_at=now,
            authenticated_at=now,
            ip_address="127.0.0.1",
            last_seen_at=now,
            expires_at=now + SESSION_LIFETIME,
        )
        for person in people
    )
    tokens = [jwt.mint_access(user_id=each.user_id, session_id=each.pk, now=now) for each in opened]
    found = {
        "channel": f"organization:{organization.pk}",
        "people": [str(person.pk) for person in people],
        "tokens": tokens,
    }
    print(json.dumps(found))


def join(organization: Organization, people: list[User], *, now: object) -> None:
    role = access.role(organization.pk, "member").columns()
    Membership.objects.bulk_create(
        Membership(organization=organization, user=person, joined_at=now, **role)
        for person in people
    )


if __name__ == "__main__":
    main()
