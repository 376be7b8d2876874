from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_ec_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from pytest_django.fixtures import Settings
from structlog.testing import capture_logs

from accounts import keys
from accounts.models import User
from core.errors import ConfigurationError
from tests.client import ApiClient, problem

ME = "/api/v1/users/me"
REFRESH = "/api/v1/auth/token/refresh"
JWKS = "/.well-known/jwks.json"

Install = Callable[..., None]


def pem(private: Any, encryption: KeySerializationEncryption | None = None) -> bytes:
    found: bytes = private.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption()
    )
    return found


def new_key() -> bytes:
    return pem(Ed25519PrivateKey.generate())


def public_half() -> bytes:
    public = Ed25519PrivateKey.generate().public_key()
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Two files with a key each."""
    paths = [tmp_path / "one.pem", tmp_path / "two.pem"]
    for path in paths:
        path.write_bytes(new_key())
    return paths


@pytest.fixture
def install(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Let this process begin with these files, and look at them again before every use."""
    monkeypatch.setattr(keys, "RECHECK_SECONDS", -1.0)

    def restart(*names: Path) -> None:
        settings.JWT_PRIVATE_KEY_FILES = list(names)
        monkeypatch.setattr(keys, "_ring", None)
        keys.ring()

    return restart


def kids() -> list[str]:
    return [key.kid for key in keys.ring().current()]


def test_keys_rotate_without_logging_anybody_out(
    install: Install, files: list[Path], user: User
) -> None:  # ACC 24
    old, new = files
    client = ApiClient()
    install(old)
    pair = client.sign_in(user)
    client.read(ME)

    for order in ([old, new], [new, old]):
        install(*order)
        client.read(ME)
        assert len(client.read(JWKS)["keys"]) == 2

    refreshed = client.send("POST", REFRESH, {"refresh": pair.refresh}).json()
    install(new)
    assert problem(client.send("GET", ME))["code"] == "token_invalid"
    client.read(ME, Authorization=f"Bearer {refreshed['access']}")


def test_the_first_key_signs_and_all_are_shown(
    install: Install, files: list[Path], anonymous: ApiClient
) -> None:
    install(*files)

    shown = anonymous.read(JWKS)["keys"]

    assert [key["kid"] for key in shown] == kids()
    assert len(set(kids())) == 2
    for key in shown:
        assert key.keys() == {"kty", "crv", "x", "kid", "alg", "use"}
        assert (key["kty"], key["crv"], key["alg"], key["use"]) == (
            "OKP",
            "Ed25519",
            "EdDSA",
            "sig",
        )


def test_a_key_is_named_by_its_thumbprint() -> None:  # RFC 8037, appendices A.1 to A.3
    d = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"
    key = keys.SigningKey.of(Ed25519PrivateKey.from_private_bytes(bytes.fromhex(d)))

    assert key.jwk["x"] == "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
    assert key.kid == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


@pytest.mark.parametrize(
    "spoil",
    [
        Path.unlink,
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"no key"),
        lambda path: path.write_bytes(path.read_bytes()[:60]),
        lambda path: path.write_bytes(pem(generate_ec_key(SECP256R1()))),
        lambda path: path.write_bytes(public_half()),
        lambda path: (path.unlink(), path.mkdir()),
    ],
    ids=["vanished", "empty", "other text", "cut off", "another kind", "public half", "folder"],
)
@pytest.mark.parametrize("which", [0, 1])
def test_a_file_that_breaks_keeps_the_last_good_keys_and_says_so(
    install: Install, files: list[Path], user: User, spoil: Callable[[Path], Any], which: int
) -> None:  # ACC 24
    install(*files)
    client = ApiClient()
    client.sign_in(user)
    before = kids()

    spoil(files[which])

    with capture_logs() as lines:
        assert kids() == before
    assert [(line["event"], line["log_level"]) for line in lines] == [("keys.unusable", "error")]
    assert str(files[which]) in lines[0]["error"]
    client.read(ME)
    client.sign_in(user)
    client.read(ME)


def test_a_file_that_is_repaired_is_used_again(install: Install, files: list[Path]) -> None:
    install(files[0])
    (first,) = kids()
    files[0].write_bytes(b"broken")
    assert kids() == [first]

    files[0].write_bytes(new_key())

    with capture_logs() as lines:
        (second,) = kids()
    assert second != first
    assert [(line["event"], line["kids"]) for line in lines] == [("keys.loaded", [second])]


def test_files_that_stay_are_not_read_again(install: Install, files: list[Path]) -> None:
    install(*files)
    before = keys.ring().current()

    assert keys.ring().current() is before


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no key",
        pem(generate_ec_key(SECP256R1())),
        pem(Ed25519PrivateKey.generate(), BestAvailableEncryption(b"secret")),
        public_half(),
    ],
    ids=["empty", "other text", "another kind", "encrypted", "public half"],
)
def test_nothing_begins_with_a_file_that_is_no_key(
    install: Install, files: list[Path], content: bytes
) -> None:
    files[1].write_bytes(content)

    with pytest.raises(ConfigurationError, match=r"^JWT_PRIVATE_KEY_FILES: \S+two\.pem .+\.$"):
        install(*files)


def test_nothing_begins_without_a_file_that_was_named(install: Install, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"nowhere\.pem can't be read"):
        install(tmp_path / "nowhere.pem")


def test_without_files_the_secret_makes_one_key(install: Install, settings: Settings) -> None:
    install()
    (first,) = kids()
    install()
    assert kids() == [first]

    settings.SECRET_KEY = "another secret, as long as the one that was there before it"
    install()

    assert kids() != [first]


def test_a_key_does_not_show_itself() -> None:
    secret = Ed25519PrivateKey.generate()

    shown = repr(keys.SigningKey.of(secret))

    assert "private" not in shown
    assert secret.private_bytes_raw().hex() not in shown
