from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import User
from audit.models import AuditEntry
from core import tokens
from core.admin import EstimatingPaginator
from core.errors import GoneError
from core.jobs.rows import execute
from core.models import MailedToken
from invitations import links
from invitations.models import Invitation, InvitationBlock, InvitationPolicy
from invitations.services import answering, joining, linking, policies, sending
from organizations.models import Organization
from tests.bounds import faults
from tests.client import ApiClient
from tests.conftest import make_user
from tests.invitations.invited import ADA, expire, fresh, invite, role_of, secret

INVITATIONS, POLICIES, BLOCKS, LINKS = (
    f"/admin/invitations/{name}/"
    for name in ("invitation", "invitationpolicy", "invitationblock", "invitationlink")
)
STATUSES = ["accepted", "declined", "expired", "pending", "revoked"]


@pytest.fixture
def admin(db: None) -> ApiClient:
    client = ApiClient(HTTP_ACCEPT="text/html")
    client.force_login(make_user("olga@example.com", staff=True))
    return client


@pytest.fixture
def block(acme: Organization, user: User) -> InvitationBlock:
    answering.decline(token=secret(invite(acme, user)), block=True, now=timezone.now())
    return InvitationBlock.objects.get()


def ask(admin: ApiClient, path: str, action: str, *rows: Any, **more: str) -> str:
    body = {"action": action, "_selected_action": [str(row.pk) for row in rows], **more}
    page = admin.post(path, body, follow=True)
    assert page.status_code == 200
    return " ".join(page.content.decode().split())


def act(admin: ApiClient, path: str, action: str, *rows: Any) -> str:
    return ask(admin, path, action, *rows, confirmed="1")


def listed(admin: ApiClient, path: str, **query: str) -> list[str]:
    return [str(row.pk) for row in admin.get(path, query).context["cl"].result_list]


def one_of_each(acme: Organization, user: User) -> dict[str, Invitation]:
    found = {status: invite(acme, user, f"{status}@example.com") for status in STATUSES}
    now = timezone.now()
    ada = make_user("accepted@example.com")
    answering.accept(token=secret(found["accepted"]), user_id=ada.pk, now=now)
    answering.decline(token=secret(found["declined"]), now=now)
    gone: dict[str, Any] = {"organization_id": acme.pk, "invitation_id": found["revoked"].pk}
    sending.revoke(**gone, actor_id=user.pk, now=now)
    expire(found["expired"])
    return found


def test_every_page_shows_and_none_has_a_token(
    admin: ApiClient, acme: Organization, user: User, block: InvitationBlock
) -> None:
    invitation = invite(acme, user, "b@example.com", message="Do come.")
    policies.change(
        organization_id=acme.pk, actor_id=user.pk, allowed_domains=[],
        denied_domains=["b.example"], now=timezone.now(),
    )  # fmt: skip
    policy = InvitationPolicy.objects.of(acme.pk)

    for path, row in ((INVITATIONS, invitation), (POLICIES, policy), (BLOCKS, block)):
        for page in (path, f"{path}{row.pk}/change/", f"{path}{row.pk}/history/"):
            answer = admin.get(page)
            assert answer.status_code == 200, page
            token = links.current(invitation)
            assert token is not None
            assert tokens.secret_of(token) not in answer.content.decode()
    detail = admin.get(f"{INVITATIONS}{invitation.pk}/change/").content.decode()
    for text in ("b@example.com", "Pending", "Queued", "Do come.", "uma@example.com"):
        assert text in detail
    named = admin.get(f"{POLICIES}{policy.pk}/change/").content.decode()
    for text in ("of Acme", "Every domain", "b.example"):
        assert text in named


def test_each_status_is_a_filter_in_words(admin: ApiClient, acme: Organization, user: User) -> None:
    rows = one_of_each(acme, user)

    page = admin.get(INVITATIONS).content.decode()
    assert "Invitation policies" in page
    for status in STATUSES:
        assert f"{status.title()}</a>" in " ".join(page.split()).replace(" </a>", "</a>"), status
        assert listed(admin, INVITATIONS, status=status) == [str(rows[status].pk)], status
    assert len(listed(admin, INVITATIONS)) == 5
    assert "Came back" in page
    assert listed(admin, INVITATIONS, delivery__exact="bounced") == []
    sending.mark_bounced(email="pending@example.com", now=timezone.now())
    assert listed(admin, INVITATIONS, delivery__exact="bounced") == [str(rows["pending"].pk)]


def test_invitations_are_found_by_address_organization_and_id(
    admin: ApiClient, acme: Organization, globex: Organization, user: User, stranger: User
) -> None:
    mine, theirs = invite(acme, user), invite(globex, stranger, "b@example.com")

    for text in (" ADA@Example.com ", "acme", str(acme.pk), str(mine.pk)):
        assert listed(admin, INVITATIONS, q=text) == [str(mine.pk)], text
    assert listed(admin, INVITATIONS, q="globex") == [str(theirs.pk)]
    for text in ("%", "ada@", "@", "ada", "'", "x" * 5_000):
        assert listed(admin, INVITATIONS, q=text) == [], text


def test_how_a_link_begins_finds_its_invitation(  # INV 1
    admin: ApiClient, acme: Organization, user: User, settings: Settings
) -> None:
    settings.RATE_LIMITS = {}
    invitation, other = invite(acme, user), invite(acme, user, "b@example.com")
    first = secret(invitation)
    sending.resend(
        organization_id=acme.pk, actor_id=user.pk, invitation_id=invitation.pk, now=timezone.now()
    )
    second = secret(invitation)

    page = admin.get(f"{INVITATIONS}{invitation.pk}/change/").content.decode()

    assert f"{second[:6]}…, before that {first[:6]}…" in page
    for token in (first, second):
        assert listed(admin, INVITATIONS, q=f" {token[:6]} ") == [str(invitation.pk)]
        for text in (token[:5], token[:7], token[1:7], token):
            assert listed(admin, INVITATIONS, q=text) == []
        assert token[:7] not in page
    assert listed(admin, INVITATIONS, q=secret(other)[:6]) == [str(other.pk)]


def test_how_a_link_for_many_begins_finds_it(  # INV 1
    admin: ApiClient, acme: Organization, user: User
) -> None:
    link, address = linking.create(
        organization_id=acme.pk, actor_id=user.pk, role="member", now=timezone.now()
    )
    hint = address.rpartition("/")[2][:6]

    assert f"{hint}…" in admin.get(f"{LINKS}{link.pk}/change/").content.decode()
    assert listed(admin, LINKS, q=hint) == [str(link.pk)]
    assert listed(admin, INVITATIONS, q=hint) == []


def test_a_link_of_before_there_were_beginnings_is_shown_without(
    admin: ApiClient, acme: Organization, user: User
) -> None:
    invitation = invite(acme, user)
    MailedToken.objects.update(hint="")

    assert "None known" in admin.get(f"{INVITATIONS}{invitation.pk}/change/").content.decode()
    assert tokens.hinted(purpose=links.PURPOSE, hint="") == []


@pytest.mark.parametrize(("action", "words"), [("resend", "again?"), ("revoke", "Revoke these")])
def test_what_is_done_is_asked_by_name_first(
    admin: ApiClient, acme: Organization, user: User, action: str, words: str
) -> None:
    invitation = invite(acme, user)
    before = Invitation.objects.values().get(pk=invitation.pk)

    page = ask(admin, INVITATIONS, action, invitation)

    assert words in page
    assert "ada@example.com to Acme" in page
    assert Invitation.objects.values().get(pk=invitation.pk) == before


def test_sending_again_leaves_the_inviter_and_tells_what_is_refused(
    admin: ApiClient, acme: Organization, user: User
) -> None:
    rows = one_of_each(acme, user)
    old = secret(rows["pending"])

    page = act(admin, INVITATIONS, "resend", *rows.values())

    assert "accepted@example.com to Acme: This invitation was accepted." in page
    assert "revoked@example.com to Acme: This invitation was revoked." in page
    assert "2 will be mailed." in page
    sent = fresh(rows["pending"])
    assert (sent.sent_count, sent.invited_by, sent.by_operator) == (2, user, False)
    assert secret(sent) != old


def test_revoking_tells_what_is_refused(admin: ApiClient, acme: Organization, user: User) -> None:
    rows = one_of_each(acme, user)

    page = act(admin, INVITATIONS, "revoke", rows["accepted"], rows["pending"])

    assert "accepted@example.com to Acme: This invitation was accepted." in page
    assert "1 revoked." in page
    assert fresh(rows["pending"]).revoked_at is not None
    entry = AuditEntry.objects.filter(action="invitation.revoked").order_by("-id")[0]
    assert entry.actor_kind == "operator"


def test_a_block_ends_when_an_operator_lifts_it(
    admin: ApiClient, acme: Organization, user: User, block: InvitationBlock
) -> None:
    for text in (ADA, "acme", str(block.pk)):
        assert listed(admin, BLOCKS, q=text) == [str(block.pk)]
    assert "Acme by ada@example.com" in ask(admin, BLOCKS, "lift", block)
    assert InvitationBlock.objects.exists()

    assert "1 allowed again." in act(admin, BLOCKS, "lift", block)

    assert not InvitationBlock.objects.exists()
    entry = AuditEntry.objects.get(action="invitation_block.lifted")
    assert (entry.organization_id, entry.after["email"]) == (None, "a…@example.com")
    assert role_of(acme, user) == "owner"


def test_a_link_is_looked_at_and_revoked_and_its_address_shown_nowhere(
    admin: ApiClient, acme: Organization, user: User
) -> None:
    link, address = linking.create(
        organization_id=acme.pk, actor_id=user.pk, role="member", now=timezone.now()
    )

    for page in (LINKS, f"{LINKS}{link.pk}/change/", f"{LINKS}?q=acme", f"{LINKS}?q={link.pk}"):
        shown = admin.get(page).content.decode()
        assert "uma@example.com" in shown, page
        assert address.rpartition("/")[2] not in shown
    assert "to Acme as member" in ask(admin, LINKS, "revoke", link)
    assert "1 revoked." in act(admin, LINKS, "revoke", link)
    with pytest.raises(GoneError):
        joining.preview(token=address.rpartition("/")[2], now=timezone.now())


ROWS = 12_000
LARGE = "01900000-0000-7000-8000-000000000007"
PAGES = [
    *(INVITATIONS, f"{INVITATIONS}?p=2", f"{INVITATIONS}?q={LARGE}", f"{INVITATIONS}?q=acme"),
    *(f"{INVITATIONS}?status={status}" for status in STATUSES),
    *(f"{INVITATIONS}?delivery__exact={d}" for d in ("queued", "sent", "failed", "bounced")),
    *(f"{INVITATIONS}?q=person777@example.com", f"{INVITATIONS}?q=nobody@example.com"),
    *(f"{page}?q={hint}" for page in (INVITATIONS, LINKS) for hint in ("Zz0-9_", "no-one")),
    *(f"{INVITATIONS}?q=acme&status={status}" for status in ("pending", "declined")),
    *(BLOCKS, f"{BLOCKS}?q=person777@example.com", f"{BLOCKS}?q=acme", f"{BLOCKS}?p=2"),
    *(POLICIES, f"{POLICIES}?q=acme"),
    *(LINKS, f"{LINKS}?q=acme", f"{LINKS}?p=2"),
]
ADD_INVITATIONS = """
INSERT INTO invitations_invitation (id, created_at, updated_at, organization_id, email,
    email_normalized, role, message, invited_by_id, by_operator, expires_at, accepted_at,
    declined_at, revoked_at, sent_count, delivery)
SELECT ('01900000-0000-7000-a000-' || lpad(to_hex(%(rows)s * 2 - n), 12, '0'))::uuid,
    now() - n * interval '1 minute', now(), %(organization)s, mail, mail, 'member', '',
    %(user)s, false,
    now() + CASE WHEN n > %(rows)s / 2 + 500 THEN interval '-1 day' ELSE interval '1 day' END,
    CASE WHEN n <= %(rows)s / 2 THEN now() END,
    CASE WHEN n = %(rows)s - 5 THEN now() END,
    CASE WHEN n = %(rows)s - 6 THEN now() END, 1,
    CASE n WHEN %(rows)s THEN 'failed' WHEN %(rows)s - 1 THEN 'bounced' ELSE 'sent' END
FROM generate_series(1, %(rows)s) n, LATERAL (SELECT 'person' || n || '@example.com' AS mail) m
"""
ADD_TOKENS = """
INSERT INTO core_mailedtoken (id, created_at, updated_at, purpose, subject_id, binding, data, nonce,
    digest, hint, expires_at)
SELECT gen_random_uuid(), created_at, now(), 'invitation', id, email, '{}', '',
    sha256(id::text::bytea),
    CASE WHEN email = 'person777@example.com' THEN 'Zz0-9_' ELSE left(md5(email), 6) END, now()
FROM invitations_invitation
"""
ADD_BLOCKS = """
INSERT INTO invitations_invitationblock (id, created_at, updated_at, organization_id,
    email_normalized)
SELECT gen_random_uuid(), now(), now(), organization_id, email_normalized
FROM invitations_invitation
"""
ADD_LINKS = """
INSERT INTO invitations_invitationlink (id, created_at, updated_at, organization_id, role, max_uses,
    uses, allowed_domains, expires_at)
SELECT gen_random_uuid(), created_at, now(), organization_id, 'member', 25, 0, '{}', now()
FROM invitations_invitation
"""


@pytest.fixture
def many(acme: Organization, user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """Large tables: the newer half is accepted, what is open has expired, the rare is oldest."""
    monkeypatch.setattr(EstimatingPaginator, "reach", 200)
    execute("SET LOCAL random_page_cost = 1.1")  # of a disk without heads
    execute("SET LOCAL statement_timeout = 60000")
    execute(ADD_INVITATIONS, rows=ROWS, organization=acme.pk, user=user.pk)
    execute(ADD_TOKENS)
    execute(ADD_BLOCKS)
    execute(ADD_LINKS)
    for table in ("invitation", "invitationblock", "invitationlink"):
        execute(f"ANALYZE invitations_{table}")
    execute("ANALYZE core_mailedtoken")


@pytest.mark.usefixtures("many")
def test_no_statement_reads_a_table_through(db: None) -> None:  # PLT 22
    staff = Client()
    staff.force_login(make_user("staff@example.com", staff=True))

    assert {page: found for page in PAGES if (found := faults(staff, page))} == {}
