"""The house's outputs to the shells of its rooms."""

from collections.abc import Callable

from kak_server.bridges.outputs import ToRadio, ToSip
from kak_server.media import rpc
from kak_server.media.aio.client import MediaClient
from kak_server.sip.aio.server import SipServer
from kak_server.sip.api import SipEvent
from kak_server.sip.api_legs import TransferReport
from kak_server.tetra_gw.aio.link import RadioLink
from kak_server.tetra_gw.imw_sim import ImwSimDriver

NOT_ASKED = 480  # what a transfer gets that could not be asked for: temporarily unavailable


class SipCommands:
    """Commands for the SIP server. A call that is over by now is no error: its CallEnded is under way. A transfer that
    could not be asked for is told to `on_event` at once, as one that the carrier has refused: somebody waits for it."""

    def __init__(self, server: SipServer, on_event: Callable[[SipEvent], None]) -> None:
        self._server = server
        self._on_event = on_event

    def carry_out(self, command: ToSip) -> None:
        """Do it."""
        match command.action:
            case "ring":
                self._server.ring(command.call)
            case "progress":
                self._server.progress(command.call, command.sdp)
            case "dial" if command.dial is not None:
                self._server.dial(command.dial)
            case "answer":
                self._server.answer(command.call, command.sdp)
            case "reject":
                self._server.reject(command.call, command.status, command.reason)
            case "hangup":
                self._server.hangup(command.call, command.reason)
            case "probe":
                self._server.probe(command.call)
            case "refer":
                if not self._server.refer(command.call, command.target, command.replaces):
                    self._on_event(TransferReport(command.call, NOT_ASKED, final=True))
            case "accept_transfer":
                self._server.accept_transfer(command.call)
            case "reject_transfer":
                self._server.reject_transfer(command.call, command.status, command.reason)
            case "report_transfer":
                self._server.report_transfer(command.call, command.status)
            case "reoffer":
                self._server.reoffer(command.call, command.sdp, paced=command.paced)


class MediaCommands:
    """Commands for the worker, in order; a refusal is told, for it means the plan and the worker disagree."""

    def __init__(self, client: MediaClient, refused: Callable[[rpc.Command, rpc.Reply], None]) -> None:
        self._client = client
        self._refused = refused

    def carry_out(self, command: rpc.Command) -> None:
        """Send it."""

        def on_refused(reply: rpc.Reply) -> None:
            self._refused(command, reply)

        if not self._client.order(command, on_refused):
            self._refused(command, rpc.Reply(False, code="lost", message="no media worker is attached"))


class RadioCommands:
    """Commands for the radio gateway; without one they fall on the floor, as does the radio."""

    def __init__(self) -> None:
        self.link: RadioLink | None = None

    def carry_out(self, command: ToRadio) -> None:
        """Do it."""
        if self.link is None:
            return
        self.link.command(lambda driver, now_ms: _radio(driver, command, now_ms))


def _radio(driver: ImwSimDriver, command: ToRadio, now_ms: int) -> None:
    match command.action:
        case "attach":
            driver.attach(command.gssi, now_ms)
        case "open_leg":
            driver.open_leg(command.gssi, command.host, command.port, now_ms)
        case "close_leg":
            driver.close_leg(command.gssi, now_ms)
        case "request_tx" if command.op is not None:
            driver.request_tx(command.gssi, command.op, command.priority, now_ms)
        case "cease_tx":
            driver.cease_tx(command.gssi, now_ms)
        case "create_patch" if command.op is not None:
            driver.create_patch(command.patch, command.sip_call, command.gssi, command.op, command.owner_ok, now_ms)
        case "remove_patch":
            driver.remove_patch(command.patch, now_ms)
        case "ack_alarm" if command.op is not None:
            driver.acknowledge(command.alarm, command.op, now_ms)
        case "clear_alarm":
            driver.clear_alarm(command.alarm, command.reason, command.op, now_ms)
        case _:
            raise ValueError(f"radio command {command.action} without an operator")
