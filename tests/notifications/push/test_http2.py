"""Apple's service speaks HTTP/2 alone: one connection over TLS carries every push."""

import datetime
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import h2.config
import h2.connection
import h2.events
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from core.models import new_id
from notifications.models import PushDevice
from notifications.push.pushes import Outcome, Push
from notifications.push.transports.apns import Apns


def certificate(folder: Path) -> Path:
    """Write a certificate of this machine that is its own authority, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(here, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "both.pem"
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(secret + made.public_bytes(Encoding.PEM))
    return path


class Apple:
    """Takes one connection, and answers its streams as it is told to."""

    def __init__(self, pem: Path) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
        context.set_alpn_protocols(["h2"])
        self._listener = context.wrap_socket(
            socket.create_server(("127.0.0.1", 0)), server_side=True
        )
        self.port = self._listener.getsockname()[1]
        self.requests: list[dict[str, str]] = []
        self.bodies: list[bytes] = []
        self.protocol: str | None = None
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        stream, _ = self._listener.accept()
        self.protocol = stream.selected_alpn_protocol()
        config = h2.config.H2Configuration(client_side=False, header_encoding="utf-8")
        connection = h2.connection.H2Connection(config)
        connection.initiate_connection()
        stream.sendall(connection.data_to_send())
        with stream:
            while data := stream.recv(65_536):
                for event in connection.receive_data(data):
                    self._heard(connection, event)
                stream.sendall(connection.data_to_send())

    def _heard(self, connection: h2.connection.H2Connection, event: h2.events.Event) -> None:
        if isinstance(event, h2.events.RequestReceived):
            self.requests.append({str(k): str(v) for k, v in event.headers})
        elif isinstance(event, h2.events.DataReceived):
            self.bodies.append(event.data)
        elif isinstance(event, h2.events.StreamEnded):
            gone = len(self.requests) > 1
            connection.send_headers(event.stream_id, [(":status", "410" if gone else "200")])
            body = b'{"reason":"Unregistered"}' if gone else b""
            connection.send_data(event.stream_id, body, end_stream=True)

    def end(self) -> None:
        self._thread.join(10)
        self._listener.close()


@pytest.fixture
def pem(tmp_path: Path) -> Path:
    return certificate(tmp_path)


@pytest.fixture
def apple(pem: Path) -> Iterator[Apple]:
    running = Apple(pem)
    yield running
    running.end()


def test_pushes_share_one_connection(apple: Apple, pem: Path) -> None:
    trusted = ssl.create_default_context(cafile=str(pem))
    key = ec.generate_private_key(ec.SECP256R1())
    base = f"https://127.0.0.1:{apple.port}"
    made = Apns(team_id="T", key_id="K", topic="com.example", key=key, base=base, verify=trusted)
    push = Push(new_id(), "Title", "", "/", "info", 1)

    first = made.send(PushDevice(kind="apns", token="aa"), push)
    second = made.send(PushDevice(kind="apns", token="bb"), push)
    made.close()

    assert (apple.protocol, first.outcome, second.outcome) == ("h2", Outcome.SENT, Outcome.GONE)
    assert [request[":path"] for request in apple.requests] == ["/3/device/aa", "/3/device/bb"]
    assert apple.requests[0][":method"] == "POST"
    assert apple.requests[0]["apns-topic"] == "com.example"
    assert b'"alert":{"title":"Title","body":""}' in apple.bodies[0]
