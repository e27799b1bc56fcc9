"""A certificate the server signs itself, for a lab whose browsers are on other machines: they give a microphone only to
HTTPS pages (and localhost), and a person accepts the warning once."""

import ipaddress
import os
import socket
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

VALID_DAYS = 397  # what browsers take at most
RENEW_DAYS = 30


def self_signed(folder: Path, hosts: Sequence[str], now: datetime | None = None) -> tuple[Path, Path]:
    """Certificate and key files for these names and addresses; those of last time while they fit and are fresh.

    Raises OSError when the folder cannot be written.
    """
    now = now or datetime.now(UTC)
    names = sorted({"localhost", "127.0.0.1", "::1", socket.gethostname(), *(host for host in hosts if host)})
    certificate, key = folder / "self-signed.crt", folder / "self-signed.key"
    if not (key.is_file() and _still_good(certificate, names, now)):
        folder.mkdir(parents=True, exist_ok=True)
        _make(certificate, key, names, now)
    return certificate, key


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _still_good(path: Path, names: Sequence[str], now: datetime) -> bool:
    try:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
        present = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (OSError, ValueError, x509.ExtensionNotFound):
        return False
    fresh = now + timedelta(days=RENEW_DAYS) < certificate.not_valid_after_utc
    return fresh and {_alternative(name) for name in names} <= set(present)


def _make(certificate: Path, key: Path, names: Sequence[str], now: datetime) -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kak-server lab")])
    signed = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=VALID_DAYS))
        .add_extension(x509.SubjectAlternativeName([_alternative(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(private, hashes.SHA256())
    )
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    _write(key, pem, 0o600)
    _write(certificate, signed.public_bytes(serialization.Encoding.PEM), 0o644)


def _write(path: Path, content: bytes, mode: int) -> None:
    """Whole or not at all, and never readable by others in between."""
    fresh = path.with_suffix(path.suffix + ".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    fresh.replace(path)
