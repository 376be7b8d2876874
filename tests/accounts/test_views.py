from accounts.models import User
from tests.client import ApiClient, problem


def test_me_tells_who_the_token_belongs_to(api: ApiClient, user: User) -> None:
    me = api.read("/api/v1/users/me")

    assert me["id"] == str(user.pk)
    assert me["email"] == "uma@example.com"


def test_without_a_token_the_api_says_so(anonymous: ApiClient) -> None:
    response = anonymous.send("GET", "/api/v1/users/me")

    assert problem(response)["code"] == "not_authenticated"
    assert response["WWW-Authenticate"] == 'Bearer realm="api"'
