"""A self-signed certificate for the lab: browsers give a microphone on another host only over HTTPS."""

import datetime
import ipaddress
import os
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

LIFETIME_DAYS = 365
RENEW_BEFORE_DAYS = 14


def ensure_self_signed(folder: Path, host: str, now: datetime.datetime) -> tuple[Path, Path]:
    """Certificate and key files for `host` in `folder`, made when missing, for another host, or about to expire.

    `now` is an aware time. Raises OSError when the folder cannot be written.
    """
    cert, key = folder / "cert.pem", folder / "key.pem"
    if not (key.exists() and _still_good(cert, host, now)):
        folder.mkdir(parents=True, exist_ok=True)
        _make(cert, key, host, now)
    return cert, key


def _still_good(cert: Path, host: str, now: datetime.datetime) -> bool:
    try:
        found = x509.load_pem_x509_certificate(cert.read_bytes())
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (OSError, ValueError, x509.ExtensionNotFound):
        return False
    return _name(host) in names and found.not_valid_after_utc > now + datetime.timedelta(days=RENEW_BEFORE_DAYS)


def _name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _make(cert: Path, key: Path, host: str, now: datetime.datetime) -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host[:64])])
    names = {
        _name(host): None,
        x509.DNSName("localhost"): None,
        x509.IPAddress(ipaddress.ip_address("127.0.0.1")): None,
    }
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(days=LIFETIME_DAYS))
        .add_extension(x509.SubjectAlternativeName(list(names)), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(private, hashes.SHA256())
    )
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with os.fdopen(os.open(key, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(pem)
    cert.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
