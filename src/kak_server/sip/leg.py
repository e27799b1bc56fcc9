"""A call of ours as its record has it: what was ordered, where it has been tried, what was heard."""

from kak_server.model.light import frozen
from kak_server.sip.api import Flow, SipSettings
from kak_server.sip.api_legs import Dial
from kak_server.sip.dialog import Dialog, Outgoing

MAX_GIVEN_UP = 8  # INVITEs of one call whose late answers are waited for
MAX_EARLY = 16  # branches of one forked INVITE


@frozen
class Attempt:
    """One INVITE that has left: enough to repeat, acknowledge and cancel it after a restart."""

    branch: str
    start_uri: str
    before: tuple[tuple[str, str], ...]
    after: tuple[tuple[str, str], ...]
    flow: Flow
    secure: bool = False
    trunk: str = ""

    def outgoing(self, settings: SipSettings, offer_sdp: str) -> Outgoing:
        """The request as it was."""
        return Outgoing(
            settings,
            "INVITE",
            self.start_uri,
            self.before,
            self.after,
            self.branch,
            self.flow,
            None,
            None,
            self.secure,
            offer_sdp.encode(),
        )


def attempt_of(outgoing: Outgoing, trunk: str) -> Attempt:
    """The journalled form of an INVITE of ours."""
    return Attempt(
        outgoing.branch,
        outgoing.start_uri,
        tuple(outgoing.before),
        tuple(outgoing.after),
        outgoing.flow,
        outgoing.secure,
        trunk,
    )


@frozen
class Early:
    """What one branch of the INVITE has said before any final answer (12.1.2)."""

    dialog: Dialog
    sdp: str = ""
    rseq: int = 0  # of its newest reliable provisional answer (RFC 3262); 0: none
    settled: bool = False  # `sdp` came reliably: our offer has its answer


@frozen
class Leg:
    """The outgoing side of a call."""

    dial: Dial
    uri: str = ""  # Request-URI being tried
    hop: str = ""  # where it is sent: a URI
    trunk: str = ""  # being tried, or that has the call; "": `dial.target` directly
    left: tuple[str, ...] = ()  # trunks still to try
    cseq: int = 0  # of the newest INVITE
    attempt: Attempt | None = None  # None: it has not left yet
    heard: int = 0  # newest provisional status to the attempt; 0: silence so far
    early: tuple[Early, ...] = ()  # the newest last
    sdp: str = ""  # the peer's description that counts: early media, then the answer
    answered_by: str = ""
    ring_until_ms: int = 0  # UTC
    given_up: tuple[Attempt, ...] = ()  # may still be answered
    ended: tuple[str, ...] = ()  # To tags of answers that came second: acknowledged, and ended by BYE
    visited: tuple[str, ...] = ()  # where 3xx answers have led
    challenges: int = 0  # answered for the trunk being tried
    status: int = 0  # newest refusal
    asked_at_ms: int = 0  # when the attempt left, UTC; 0: an answer has been heard

    def early_of(self, tag: str) -> Early | None:
        """The early dialog with a To tag."""
        return next((one for one in self.early if one.dialog.remote_tag == tag), None)
