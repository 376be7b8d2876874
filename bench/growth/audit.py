"""The audit log of one organization, by its entries; other organizations have 200 000."""

from functools import partial
from typing import Any

from bench.growth.paths import BOUNDED, BULKY, LEVEL, LINEAR, Lines, Path
from bench.lab.rows import Api, account, bytes_of, execute, filling, organization

TABLE = "audit_auditentry"
OTHERS = 200_000
RARE = {
    "action": "organization.changed",
    "actor": "00000000-0000-7000-8000-00000000abcd",
    "target_type": "role",
    "target_id": "00000000-0000-7000-8000-00000000dcba",
}
"""What one entry in 50 000 has, and so at least one."""
FILL = f"""
INSERT INTO {TABLE} (id, created_at, organization_id, actor_kind, actor_id, action,
    target_type, target_id, before, after, ip_address, request_id)
SELECT gen_random_uuid(), now() - n * interval '10.000123 seconds',
    coalesce(%(organization)s, gen_random_uuid()), 'user',
    CASE WHEN n %% 50000 = 7 THEN %(actor)s::uuid
        ELSE ('00000000-0000-7000-8000-' || lpad(to_hex(n %% 50), 12, '0'))::uuid END,
    CASE WHEN n %% 50000 = 7 THEN %(action)s ELSE
        (ARRAY['member.joined', 'member.role_changed', 'member.removed'])[1 + n %% 3] END,
    CASE WHEN n %% 50000 = 7 THEN %(target_type)s ELSE 'user' END,
    CASE WHEN n %% 50000 = 7 THEN %(target_id)s ELSE gen_random_uuid()::text END,
    '{{"role": "admin"}}', '{{"role": "viewer"}}', '192.0.2.1', md5(n::text)
FROM generate_series(%(first)s, %(last)s) n
"""


def measure(sizes: list[int]) -> Lines:
    lines, owner = Lines(), account("owner")
    api = Api(owner)
    with filling(TABLE, rebuilds=True):
        execute(FILL, organization=None, first=1, last=OTHERS, **RARE)
    for size in sizes:
        place = organization(owner, f"Of {size}")
        with filling(TABLE, rebuilds=size > OTHERS):
            execute(FILL, organization=place.pk, first=1, last=size, **RARE)
        each = sum(bytes_of(TABLE)) / (size + OTHERS)
        lines.note("an entry, with its indexes", size, each, "bytes", LEVEL)
        lines.ask(size, [*reading(api, place, size), *working(place)])
    return lines


def reading(api: Api, place: Any, size: int) -> list[Path]:
    here = f"/organizations/{place.pk}/audit"
    deep = api.cursor_of_page(here, size // 20)
    filters = [f"{name}={value}" for name, value in RARE.items()]
    usual = "actor=00000000-0000-7000-8000-000000000007"
    return [
        Path("first page with its total", lambda: api.read(here), LINEAR, is_drawn=True),
        # Of a tenant that owns most of the table, the index of all tenants seems as good.
        Path("first page by cursor", lambda: api.read(f"{here}?cursor="), BOUNDED),
        Path("last page by cursor", lambda: api.read(f"{here}?cursor={deep}"), is_drawn=True),
        *(Path(f"by cursor, a rare {each.partition('=')[0]}",
               partial(api.read, f"{here}?cursor=&{each}"), BOUNDED) for each in filters),
        Path("by cursor, one of fifty actors", lambda: api.read(f"{here}?cursor=&{usual}")),
        Path("by cursor, nothing found",
             lambda: api.read(f"{here}?cursor=&{filters[0]}&target_type=user"), LINEAR,
             is_drawn=True),  # two filters are the one that finds less, and a look at all of it
    ]  # fmt: skip


def working(place: Any) -> list[Path]:
    return [
        Path("keep one", lambda: keep(place)),
        Path("export all as JSON Lines", lambda: export(place), BULKY, rounds=1, is_drawn=True),
        Path("remove all", lambda: remove(place), BULKY, rounds=1, is_drawn=True),
    ]


def keep(place: Any) -> None:
    from django.db import transaction
    from django.utils import timezone

    from audit import services
    from core.models import new_id
    from organizations.events import MemberRoleChanged

    event = MemberRoleChanged(place.pk, new_id(), new_id(), ("member", "admin"))
    with transaction.atomic():
        services.keep(event=event, now=timezone.now())


def export(place: Any) -> None:
    from audit import exports
    from audit.models import AuditEntry

    entries = AuditEntry.objects.for_organization(place.pk)
    for _ in exports.parts(entries, "jsonl"):
        pass


def remove(place: Any) -> None:
    from audit import prunes
    from core import pruning

    pruning.in_batches(partial(prunes.remove_some, place.pk))
