"""Sections of what keeps SIP standing: sizes of messages, and what is let in when there is too much."""

from pathlib import Path

from pydantic import Field

from kak_server.config.fields import Network, Section


class SipLimitsSection(Section):
    """Sizes of SIP messages. What is larger is refused (413, 414, 400); location and additional data of a call that are
    larger are shown as unreadable, and the call proceeds."""

    message_bytes: int = Field(65_535, ge=1_500, le=1_048_576, description="one message")
    headers: int = Field(256, ge=20, le=10_000, description="header lines of a message")
    header_chars: int = Field(65_535, ge=200, le=65_535, description="one header")
    uri_chars: int = Field(2_048, ge=100, le=65_535, description="the Request-URI")
    sdp_bytes: int = Field(16_384, ge=1_000, le=65_535, description="a session description")
    xml_bytes: int = Field(32_768, ge=1_000, le=1_048_576, description="a location or a block of additional data")


class OverloadSection(Section):
    """What is let in when there is too much. Emergency calls are those to numbers of emergency queues, to
    `urn:service:sos` and below, with Resource-Priority `esnet` from a trunk whose identity is trusted, and all of a
    trunk that is `emergency_only`; only limits.max_sip_calls holds them back."""

    reserve_calls: int | None = Field(
        None, ge=0, le=100_000, description="of limits.max_sip_calls kept for emergency calls; a tenth of them"
    )
    lag_ms: int = Field(
        300, ge=0, le=60_000, description="event loop so late, thrice in a row: others get 503; 0: never mind"
    )
    retry_after_s: int = Field(5, ge=1, le=600, description="least Retry-After; at random up to three times that")
    stranger_answers_per_s: float = Field(2.0, gt=0, le=1_000, description="403s a second to one unknown address")
    stranger_answers_all_per_s: float = Field(50.0, gt=0, le=10_000, description="and to all of them together")


class ReferencesSection(Section):
    """Locations (RFC 6442) and additional data (RFC 7852) that a call names by an https reference. They are fetched
    once the call is in its queue, and shown on the card as they come; sizes are those of sip.limits.xml_bytes."""

    enabled: bool = Field(True, description="fetch them; else the card says that there are some")
    timeout_ms: int = Field(3_000, ge=100, le=60_000, description="one attempt of two, from the name to the last byte")
    plain_http: bool = Field(False, description="fetch http references too")
    networks: tuple[Network, ...] = Field(
        (), max_length=100, description="addresses that are not public and may be asked all the same (CIDR)"
    )
    ca: Path | None = Field(None, description="PEM file of the authorities believed; those the system trusts")
