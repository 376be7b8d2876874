"""Invitations of one organization, by their number; other organizations have 50 000."""

from functools import partial
from typing import Any

from bench.growth.paths import LINEAR, Lines, Path
from bench.lab.rows import Api, account, execute, filling, organization

BETWEEN = 50_000
OPENED = 20
"""Invitations whose link is opened, made by the service as every other."""
STATUSES = ["pending", "accepted", "declined", "revoked", "expired"]
TABLE = "invitations_invitation"
FILL = f"""
INSERT INTO {TABLE} (id, created_at, updated_at, organization_id, email,
    email_normalized, role, message, invited_by_id, expires_at, accepted_at, declined_at,
    revoked_at, sent_count, last_sent_at, delivery)
SELECT gen_random_uuid(), made, made, %(organization)s, mail, mail, 'member', 'Come in.',
    %(inviter)s, CASE WHEN n %% 10 = 4 THEN made + interval '7 days' ELSE now() + interval '7 days'
    END, CASE WHEN n %% 10 < 4 THEN made END, CASE WHEN n %% 50 = 5 THEN made END,
    CASE WHEN n %% 10 = 6 THEN made END, 1, made, 'sent'
FROM generate_series(1, %(rows)s) n,
    LATERAL (SELECT 'person' || n || '@example.net' AS mail,
        now() - interval '30 days' - n * interval '37.000123 seconds' AS made) moment
"""


def measure(sizes: list[int]) -> Lines:
    lines, boss = Lines(), account("boss")
    elsewhere = organization(boss, "Elsewhere")
    fill(elsewhere, boss, BETWEEN)
    for size in sizes:
        owner = account(f"owner{size}")
        place = organization(owner, f"Of {size}")
        fill(place, owner, size)
        links = Links(place, owner, size)
        lines.ask(size, [*listing(Api(owner), place, size), *links.paths()])
    return lines


def fill(place: Any, inviter: Any, rows: int) -> None:
    with filling(TABLE):
        execute(FILL, rows=rows, organization=place.pk, inviter=inviter.pk)


def listing(api: Api, place: Any, size: int) -> list[Path]:
    here = f"/organizations/{place.pk}/invitations"
    last = api.cursor_of_page(here, size // 20)
    names = iter(range(OPENED))
    return [
        Path("first page with its total", lambda: api.read(here), LINEAR, is_drawn=True),
        Path("first page by cursor", lambda: api.read(f"{here}?cursor=")),
        Path("last page by cursor", lambda: api.read(f"{here}?cursor={last}"), is_drawn=True),
        *(Path(f"by cursor, {status}", partial(api.read, f"{here}?cursor=&status={status}"))
          for status in STATUSES),
        Path("search, none found", lambda: api.read(f"{here}?cursor=&search=nobodyhere"),
             LINEAR, is_drawn=True),
        Path("invite one", lambda: api.send("POST", here, {
            "email": f"guest{next(names)}@example.net", "role": "member"}), is_drawn=True),
    ]  # fmt: skip


class Links:
    """What is done with the links of mails, each by somebody of its own."""

    def __init__(self, place: Any, owner: Any, size: int) -> None:
        self.secrets = [
            self._invited(place, owner, account(f"new{number}.of{size}"))
            for number in range(OPENED)
        ]

    def _invited(self, place: Any, owner: Any, user: Any) -> tuple[Api, str]:
        from django.utils import timezone

        from core import tokens
        from invitations import links
        from invitations.services import sending

        made = sending.create(
            organization_id=place.pk, actor_id=owner.pk, email=user.email, role="member",
            now=timezone.now(),
        )  # fmt: skip
        token = links.current(made)
        assert token is not None
        return Api(user), tokens.secret_of(token)

    def paths(self) -> list[Path]:
        return [Path("preview", self.preview), Path("accept", self.accept, is_drawn=True)]

    def preview(self) -> None:
        api, secret = self.secrets[0]
        api.send("POST", "/invitations/preview", {"token": secret})

    def accept(self) -> None:
        api, secret = self.secrets.pop()
        api.send("POST", "/invitations/accept", {"token": secret})
