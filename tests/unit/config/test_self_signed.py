"""The lab's certificate: made once, for the right host, and again when it must."""

import datetime
import ssl
from pathlib import Path

import pytest
from cryptography import x509

from kak_server.config.self_signed import LIFETIME_DAYS, ensure_self_signed

NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


def names(cert: Path) -> set[str]:
    loaded = x509.load_pem_x509_certificate(cert.read_bytes())
    extension = loaded.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {str(name.value) for name in extension}


@pytest.mark.parametrize("host", ["192.0.2.7", "kak.example", "2001:db8::1", "localhost"])
def test_a_certificate_for_the_host(tmp_path: Path, host: str) -> None:
    cert, key = ensure_self_signed(tmp_path / "tls", host, NOW)
    assert names(cert) == {host, "localhost", "127.0.0.1"}
    assert key.stat().st_mode & 0o077 == 0, "the key is for its owner only"
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(cert, key)


def test_it_is_kept_until_it_must_be_new(tmp_path: Path) -> None:
    cert, _ = ensure_self_signed(tmp_path, "a.example", NOW)
    first = cert.read_bytes()
    ensure_self_signed(tmp_path, "a.example", NOW + datetime.timedelta(days=30))
    assert cert.read_bytes() == first
    ensure_self_signed(tmp_path, "a.example", NOW + datetime.timedelta(days=LIFETIME_DAYS - 1))
    second = cert.read_bytes()
    assert second != first
    ensure_self_signed(tmp_path, "b.example", NOW + datetime.timedelta(days=LIFETIME_DAYS - 1))
    assert "b.example" in names(cert)


def test_a_damaged_certificate_is_replaced(tmp_path: Path) -> None:
    cert, _ = ensure_self_signed(tmp_path, "a.example", NOW)
    cert.write_text("not a certificate")
    ensure_self_signed(tmp_path, "a.example", NOW)
    assert "a.example" in names(cert)
