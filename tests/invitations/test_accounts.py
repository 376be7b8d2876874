"""What becomes of invitations when the account behind an address moves, or goes."""

from django.utils import timezone

from accounts.models import User
from accounts.services import address_change, deletion, password
from core.models import MailedToken
from organizations.models import Organization
from tests.client import ApiClient
from tests.conftest import PASSWORD, make_user
from tests.invitations.invited import ADA, MINE, address, fresh, invite, secret
from tests.mails import newest_secret
from tests.tenants import signed_in

NEW = "ada@new.example.com"


def offers(client: ApiClient) -> list[str]:
    return [offer["id"] for offer in client.read(MINE)["items"]]


def test_a_new_address_counts_once_it_is_proved_and_the_old_one_no_more(  # ACC 30
    acme: Organization, globex: Organization, user: User, stranger: User
) -> None:
    ada = make_user(ADA)
    to_old, to_new = invite(acme, user), invite(globex, stranger, email=NEW)
    client, now = signed_in(ada), timezone.now()

    address_change.request(user=ada, email=NEW, password=PASSWORD, now=now)
    assert offers(client) == [str(to_old.pk)]
    token = newest_secret(ada.pk, password.CHANGE_ADDRESS)
    address_change.confirm(token=token, now=now)

    assert offers(client) == [str(to_new.pk)]
    refused = client.send("POST", f"{MINE}/accept", {"token": secret(to_old)})
    assert refused.status_code == 403
    assert client.send("POST", f"{MINE}/accept", {"token": secret(to_new)}).status_code == 200


def test_a_purged_account_leaves_no_address_and_an_open_offer_stays(  # ACC 35
    api: ApiClient, acme: Organization, globex: Organization, user: User, stranger: User
) -> None:
    ada = make_user(ADA)
    accepted, still_open = invite(acme, user), invite(globex, stranger)
    signed_in(ada).send("POST", f"{MINE}/accept", {"token": secret(accepted)})
    now = timezone.now()
    deletion.request(user=ada, password=PASSWORD, now=now)

    deletion.purge_some(10, now=now + deletion.GRACE)

    assert fresh(accepted).email == f"deleted-user-{ada.pk}@invalid"
    assert not MailedToken.objects.about(accepted.pk).exists()
    assert fresh(still_open).email == ADA
    shown = api.read(address(acme, accepted))
    assert (shown["status"], shown["email"]) == ("accepted", f"deleted-user-{ada.pk}@invalid")
