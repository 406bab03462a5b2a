"""Encryption: a payer that cannot prove who it is gets nothing."""

import ipaddress
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from claims_pipeline.errors import ErrorClass, PayerError
from claims_pipeline.payers.base import CallKind
from claims_pipeline_tests.payers.builders import connected, sweep
from claims_pipeline_tests.payers.scripted import ScriptedPayer, scripted_payer


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 that nobody has signed, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "payer.invalid")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "payer.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture
def encrypted(certificate: Path) -> Iterator[ScriptedPayer]:
    """A payer behind that certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with scripted_payer(tls=context) as payer:
        yield payer


def test_an_unknown_certificate_is_refused_without_another_try(encrypted: ScriptedPayer) -> None:
    asked = connected(encrypted.url)

    with pytest.raises(PayerError) as caught:
        asked.payer.search(sweep())

    assert (caught.value.error_class, caught.value.code) == (ErrorClass.CONFIG, "tls_failed")
    assert len(asked.records_of(CallKind.TOKEN)) == 1
    assert not encrypted.seen


def test_a_certificate_bundle_from_the_environment_is_honoured(
    encrypted: ScriptedPayer, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    assert connected(encrypted.url).payer.search(sweep()).complete


def test_a_payer_without_encryption_is_not_asked_in_the_clear(script: ScriptedPayer) -> None:
    asked = connected(script.url.replace("http://", "https://"))

    with pytest.raises(PayerError) as caught:
        asked.payer.search(sweep())

    assert (caught.value.error_class, caught.value.code) == (ErrorClass.CONFIG, "tls_failed")
    assert not script.seen
