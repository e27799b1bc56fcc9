"""The self-signed certificate: fits its names, is kept, renewed in time, and its key is nobody else's to read."""

import ssl
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509

from kak_server.console.aio.tls import self_signed


def test_made_once_kept_and_made_anew_for_another_name_or_before_it_ends(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    certificate, key = self_signed(tmp_path / "tls", ["lab.example", "192.0.2.7"], now)
    first = certificate.read_bytes()
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    names = x509.load_pem_x509_certificate(first).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "lab.example" in names.get_values_for_type(x509.DNSName)
    assert {"127.0.0.1", "192.0.2.7"} <= {str(ip) for ip in names.get_values_for_type(x509.IPAddress)}
    ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(certificate, key)

    self_signed(tmp_path / "tls", ["lab.example"], now + timedelta(days=300))
    assert certificate.read_bytes() == first
    self_signed(tmp_path / "tls", ["other.example"], now)
    second = certificate.read_bytes()
    assert second != first
    self_signed(tmp_path / "tls", ["other.example"], now + timedelta(days=380))
    assert certificate.read_bytes() != second


def test_a_damaged_one_is_replaced(tmp_path: Path) -> None:
    certificate, _ = self_signed(tmp_path, [])
    certificate.write_text("nonsense")
    self_signed(tmp_path, [])
    x509.load_pem_x509_certificate(certificate.read_bytes())
