"""TLS with client certificates: real certificates, a real service."""

import datetime as dt
import ipaddress
import os
import ssl
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from serving.tls import tls_of
from switchyard.children import free_port
from switchyard.client import Client, UnreachableError
from switchyard.errors import ConfigurationError

ROOT = Path(__file__).parents[2]


class Authority:
    """Issues certificates into a folder."""

    def __init__(self, folder, name):
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.file = folder / f"{name}.pem"
        constraints = x509.BasicConstraints(ca=True, path_length=0)
        built = self.builder(self.name, self.key).add_extension(constraints, critical=True)
        self.certificate = built.sign(self.key, hashes.SHA256())
        self.file.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))

    def builder(self, subject, key):
        now = dt.datetime.now(dt.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(hours=1))
            .not_valid_after(now + dt.timedelta(days=1))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False
            )
        )

    def issue(self, name, usage):
        """Certificate and private key in one file."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        built = self.builder(subject, key).add_extension(names, critical=False)
        built = built.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        certificate = built.sign(self.key, hashes.SHA256())
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        file = self.folder / f"{name}.pem"
        file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + private)
        return file


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("certificates"), "authority")


@pytest.fixture(scope="module")
def service_file(authority):
    return authority.issue("service", ExtendedKeyUsageOID.SERVER_AUTH)


@pytest.fixture(scope="module")
def gateway_file(authority):
    return authority.issue("gateway", ExtendedKeyUsageOID.CLIENT_AUTH)


def test_tls__files_missing_or_not_belonging_together__said_before_anything_starts(
    tmp_path, authority, service_file, gateway_file
):
    assert tls_of(None, None, None) is None
    assert tls_of(service_file, service_file, authority.file).options()["ssl_cert_reqs"] == ssl.CERT_REQUIRED
    for given, said in (
        ((service_file, None, None), "private key"),
        ((None, None, authority.file), "certificate"),
        ((service_file, gateway_file, None), "belong together"),
        ((tmp_path / "none.pem", service_file, None), r"none\.pem"),
        ((service_file, service_file, tmp_path / "none.pem"), "client authority"),
    ):
        with pytest.raises(ConfigurationError, match=said):
            tls_of(*given)


def test_tls__private_key_with_a_password__said_and_not_asked_for(tmp_path, service_file):
    content = service_file.read_bytes()
    private = serialization.load_pem_private_key(content[content.index(b"-----BEGIN PRIVATE") :], None)
    locked = tmp_path / "locked.pem"
    locked.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )
    with pytest.raises(ConfigurationError, match="has a password"):
        tls_of(service_file, locked, None)


@pytest.fixture(scope="module")
def port():
    return free_port()


@pytest.fixture(scope="module")
def url(tmp_path_factory, make_publisher, authority, service_file, gateway_file, port):
    """A service that listens on all addresses because it asks for client certificates."""
    root = tmp_path_factory.mktemp("tls")
    publisher = make_publisher(root)
    publisher.publish()
    arguments = ["--home", publisher.home.root, "--host", "0.0.0.0", "--port", str(port)]
    arguments += ["--tls-cert", service_file, "--tls-key", service_file, "--client-ca", authority.file]
    with (root / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "serving.run", *arguments],
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
    address = f"https://127.0.0.1:{port}"
    try:
        with Client(address, ca=authority.file, certificate=gateway_file) as client:
            deadline = time.monotonic() + 180
            while not client.ready():
                assert process.poll() is None, (root / "server.log").read_text()
                assert time.monotonic() < deadline, (root / "server.log").read_text()
                time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        process.wait(60)


def test_service__certificate_of_its_authority__answered(url, authority, gateway_file, item):
    with Client(url, ca=authority.file, certificate=gateway_file) as client:
        assert client.infer(item())["monitoring"]["phase_imbalance"]["status"] == "ok"


def test_service__no_certificate_or_a_strangers_or_plain_http__no_answer(
    url, authority, tmp_path, item, port
):
    stranger = Authority(tmp_path, "stranger").issue("gateway", ExtendedKeyUsageOID.CLIENT_AUTH)
    for certificate in (None, stranger):
        with Client(url, ca=authority.file, certificate=certificate, attempts=1) as client:
            assert not client.ready()
            with pytest.raises(UnreachableError):
                client.infer(item())
    with pytest.raises(httpx.TransportError):
        httpx.get(f"http://127.0.0.1:{port}/livez")


def test_client__service_of_an_authority_that_it_does_not_trust__no_request_is_sent(
    url, tmp_path, gateway_file
):
    other = Authority(tmp_path, "other")
    with (
        Client(url, ca=other.file, certificate=gateway_file, attempts=1) as client,
        pytest.raises(UnreachableError, match="certificate verify failed"),
    ):
        client.models()


def test_client__certificate_that_cannot_be_loaded__configuration_error(tmp_path):
    with pytest.raises(ConfigurationError, match=r"none\.pem"):
        Client("https://127.0.0.1:1", certificate=tmp_path / "none.pem")
