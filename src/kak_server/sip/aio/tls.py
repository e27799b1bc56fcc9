"""TLS of one listener (RFC 3261 26.3.1, RFC 5922): contexts, their renewal, and the names in a peer's certificate."""

import os
import ssl
from collections.abc import Callable, Mapping
from typing import Any

from kak_server.sip.listening import TlsFiles

Count = Callable[[str, str], None]


class TlsContexts:
    """The contexts for taking and for making connections. Renewed ones serve new connections; those that are up keep
    what they have. Raises OSError (ssl.SSLError is one) when the files cannot be used at the start."""

    def __init__(self, files: TlsFiles, count: Count) -> None:
        self.files = files
        self._count = count
        self._stamp = self._read_stamp()
        self.server, self.client = self._build()

    @property
    def names_proved(self) -> bool:
        """Whether a peer we dial is made to prove its name."""
        return self.files.verify_peer

    def renew(self, *, force: bool = False) -> bool:
        """Read the files again when they have changed (or in any case); broken ones leave everything as it was."""
        try:
            stamp = self._read_stamp()
            if stamp == self._stamp and not force:
                return False
            self._stamp = stamp  # a broken file is complained about once, not at every look
            self.server, self.client = self._build()
        except OSError as problem:
            self._count("sip_tls_reload_failed", f"{self.files.cert}: {problem}; the old certificate stays in use")
            return False
        self._count("sip_tls_reloaded", self.files.cert)
        return True

    def _read_stamp(self) -> tuple[tuple[int, int], ...]:
        files = self.files
        names = (files.cert, files.key, files.client_ca, files.peer_ca)
        found = (os.stat(name) for name in names if name)
        return tuple((status.st_mtime_ns, status.st_ino) for status in found)

    def _build(self) -> tuple[ssl.SSLContext, ssl.SSLContext]:
        files = self.files
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        for context in (server, client):
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            context.load_cert_chain(files.cert, files.key)
        server.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
        if files.client_ca:
            server.load_verify_locations(files.client_ca)
            server.verify_mode = ssl.CERT_REQUIRED if files.require_client_cert else ssl.CERT_OPTIONAL
        # Names are compared by us after the handshake: a trunk's may be other than the address we dial
        client.check_hostname = False
        if not files.verify_peer:
            client.verify_mode = ssl.CERT_NONE
        elif files.peer_ca or files.client_ca:
            client.load_verify_locations(files.peer_ca or files.client_ca)
        else:
            client.load_default_certs()
        return server, client


def certificate_names(certificate: Mapping[str, Any] | None) -> tuple[str, ...]:
    """The names a verified certificate (as `getpeercert` gives it) carries, in lower case: SAN of the kinds DNS, IP
    and sip URI, and the subject's common names. RFC 5922 7.2: no wildcards; they are compared letter by letter."""
    if not certificate:
        return ()
    names: list[str] = []
    for kind, value in certificate.get("subjectAltName", ()):
        if kind in ("DNS", "IP Address"):
            names.append(value)
        elif kind == "URI" and value.lower().startswith("sip:"):
            names.append(value[len("sip:") :])
    names += [value for part in certificate.get("subject", ()) for name, value in part if name == "commonName"]
    return tuple(dict.fromkeys(name.lower() for name in names))
