"""Transfers inside a dialog, in both roles: REFER and the NOTIFYs that tell how it goes (RFC 3515, 4488, 5589)."""

from dataclasses import replace

from kak_server.model.ids import CallId
from kak_server.sip import build
from kak_server.sip.api_legs import TransferAsked, TransferReport
from kak_server.sip.calls import Call, CallTable
from kak_server.sip.context import Context
from kak_server.sip.dialing import replaces_value
from kak_server.sip.ending import Ending
from kak_server.sip.errors import ParseError
from kak_server.sip.headers import parse_name_addr
from kak_server.sip.parser import Request, Response
from kak_server.sip.refer import SIPFRAG, notice_of, refer_to, referred_by, wants_reports
from kak_server.sip.replaces import Replacing, escaped, parse_replaces
from kak_server.sip.session import Referral, Subscription
from kak_server.sip.transactions import ServerEntry
from kak_server.sip.uri import bracketed, parse_uri

DECIDE_MS = 20_000  # the house must have said yes or no by then: the peer gives up after 32 s
SUBSCRIPTION_S = 300  # how long a peer hears of the transfer it asked for
REPORT_MS = 330_000  # how long we wait for the end of one we asked for
_Headers = tuple[tuple[str, str], ...]


class Transfers:
    """The REFERs of all calls; one at a time in each direction."""

    def __init__(self, context: Context, table: CallTable, ending: Ending, replacing: Replacing) -> None:
        self._context = context
        self._table = table
        self._ending = ending
        self._replacing = replacing
        self._transactions = ending.transactions

    # --- the peer asks ----------------------------------------------------------------------------------------------

    def asked(self, call: Call, entry: ServerEntry, request: Request) -> None:
        """REFER inside a dialog. Raises ParseError."""
        subscription = call.session.subscription
        if subscription is not None and subscription.cseq == request.cseq.number:
            self._accepted(entry, subscription)  # a copy of one that an earlier process has accepted
            return
        if call.state != "confirmed":
            self._transactions.respond(entry, 403)
            return
        if call.asked is not None or subscription is not None:
            self._transactions.respond(entry, 491)
            return
        target = refer_to(request)
        joined = self._replacing.named(parse_replaces(target.replaces)) if target.replaces else None
        call.asked = entry
        self._context.arm("dialog", call.id, "transfer", DECIDE_MS)
        self._context.emit(
            TransferAsked(
                call.id,
                target.target,
                joined.id if joined is not None and joined is not call else None,
                target.replaces if joined is None else "",
                referred_by(request),
            )
        )

    def accept(self, call: Call) -> bool:
        """202, and a NOTIFY that it is being tried."""
        entry = call.asked
        if entry is None:
            return False
        self._decided(call)
        number = entry.request.cseq.number
        subscription = Subscription(
            number,
            self._context.now_ms + 1000 * SUBSCRIPTION_S,
            numbered=call.session.refers > 0,
            silent=not wants_reports(entry.request),
        )
        call.session = replace(call.session, subscription=subscription, refers=call.session.refers + 1)
        self._ending.keep(call)
        self._accepted(entry, subscription)
        self._arm(call)
        self._tell(call)
        return True

    def _accepted(self, entry: ServerEntry, subscription: Subscription) -> None:
        contact = self._context.contact(entry.request, entry.source)
        headers: _Headers = (("Contact", contact), ("Expires", str(SUBSCRIPTION_S)))
        if subscription.silent:
            # RFC 4488 4: we agree that there is no subscription
            headers = (("Contact", contact), ("Refer-Sub", "false"), ("Supported", build.SUPPORTED))
        self._transactions.respond(entry, 202, headers=headers)

    def reject(self, call: Call, status: int, reason: str) -> bool:
        """A final refusal of the REFER."""
        entry = call.asked
        if entry is None:
            return False
        self._decided(call)
        self._transactions.respond(entry, status, reason=reason)
        return True

    def _decided(self, call: Call) -> None:
        call.asked = None
        self._context.disarm("dialog", call.id, "transfer")

    def report(self, call: Call, status: int) -> bool:
        """The new call goes on: the peer hears of it; with a final status for the last time."""
        subscription = call.session.subscription
        if subscription is None or subscription.status >= 200:
            return False
        call.session = replace(call.session, subscription=replace(subscription, status=status))
        self._ending.keep(call)
        self._tell(call)
        return True

    def _tell(self, call: Call) -> None:
        """One NOTIFY at a time: of two on their way the second might come first, and be refused (12.2.2)."""
        subscription = call.session.subscription
        if subscription is None or subscription.busy or call.state != "confirmed":
            return
        if subscription.silent:
            if subscription.status >= 200:
                self._unsubscribe(call)
            return
        left_s = (subscription.until_ms - self._context.now_ms) // 1000
        if subscription.status >= 200:
            state = "terminated;reason=noresource"  # RFC 3515 2.4.7
        elif left_s <= 0:
            state = "terminated;reason=timeout"
        else:
            state = f"active;expires={left_s}"
        number = f";id={subscription.cseq}" if subscription.numbered else ""
        phrase = build.PHRASES.get(subscription.status, "Progress" if subscription.status < 200 else "Failed")
        call.session = replace(call.session, subscription=replace(subscription, told=subscription.status, busy=True))
        self._ending.ask(
            call,
            "NOTIFY",
            self._on_notify_answer,
            (
                ("Event", f"refer{number}"),
                ("Subscription-State", state),
                ("Content-Type", f"{SIPFRAG};version=2.0"),
            ),
            f"SIP/2.0 {subscription.status} {phrase}\r\n".encode(),
            record=True,
        )

    def _on_notify_answer(self, call: Call, status: int, _response: Response | None) -> None:
        subscription = call.session.subscription
        if subscription is None or call.state != "confirmed":
            return
        over = subscription.told >= 200 or subscription.until_ms <= self._context.now_ms
        if over or status >= 300:
            # RFC 6665 4.2.2, RFC 5057 5.1: a NOTIFY that fails ends its subscription, not the call
            if status >= 300:
                self._context.count("sip_notify_failed", status=str(status))
            self._unsubscribe(call)
            return
        call.session = replace(call.session, subscription=replace(subscription, busy=False))
        if subscription.status != subscription.told:
            self._tell(call)

    def _unsubscribe(self, call: Call) -> None:
        self._context.disarm("dialog", call.id, "subscription")
        call.session = replace(call.session, subscription=None)
        self._ending.keep(call)

    # --- we ask -----------------------------------------------------------------------------------------------------

    def refer(self, call: Call, target: str, replaces: CallId | None) -> bool:
        """REFER. False: the call is not up, another one is open, `replaces` is no call that is up, or the target is
        neither number nor URI."""
        referral = call.session.referral
        if call.state != "confirmed" or (referral is not None and referral.status < 200):
            return False
        other = self._table.get(replaces) if replaces is not None else None
        if replaces is not None and (other is None or other.state != "confirmed" or other is call):
            return False
        try:
            uri = _address(target, call, other)
        except ParseError as problem:
            self._context.count("sip_target_unusable", detail=problem.problem, call=call.id)
            return False
        if other is not None:
            uri = f"{uri.partition('?')[0]}?Replaces={escaped(replaces_value(other.dialog))}"
        cseq = call.dialog.local_cseq + 1
        referral = Referral(cseq, self._context.now_ms + REPORT_MS)
        call.session = replace(call.session, referral=referral)
        self._context.arm("dialog", call.id, "refer", REPORT_MS)
        us = parse_name_addr(call.dialog.local).uri
        self._ending.ask(
            call,
            "REFER",
            lambda found, status, response: self._on_refer_answer(found, cseq, status, response),
            (("Refer-To", f"<{uri}>"), ("Referred-By", f"<{us}>"), ("Supported", build.SUPPORTED)),
            record=True,
        )
        return True

    def _on_refer_answer(self, call: Call, cseq: int, status: int, response: Response | None) -> None:
        referral = call.session.referral
        if referral is None or referral.cseq != cseq or call.state != "confirmed":
            return
        if status < 300 and response is not None:
            if (response.get("refer-sub") or "").strip().lower().startswith("false"):
                self._report(call, status, final=True)  # RFC 4488 4: nothing will ever be said of it
                self._dismiss(call)
            return
        if referral.status < 200:  # a NOTIFY may have overtaken the answer
            self._report(call, status, final=True)
        self._dismiss(call)
        if status in (408, 481):
            self._ending.probe(call)  # RFC 5057 5.1: the REFER may have failed alone: ask whether the call is there

    def notified(self, call: Call, entry: ServerEntry, request: Request) -> None:
        """NOTIFY inside a dialog. Raises ParseError."""
        notice = notice_of(request)
        referral = call.session.referral
        # RFC 3515 2.4.6: the id is the CSeq of the REFER; one that was challenged went out again with a later number
        if referral is None or not (notice.cseq is None or referral.cseq <= notice.cseq <= call.dialog.local_cseq):
            self._transactions.respond(entry, 481)  # RFC 6665 4.1.3: no such subscription
            return
        if referral.status < 200:
            status = notice.status or 0
            if notice.over and status < 200:  # it ends without an end
                status = 408 if notice.why == "timeout" else 480
            if status != referral.status or status >= 200:
                self._report(call, status, final=status >= 200)
        if notice.over:
            self._dismiss(call)
        self._ending.keep(call)
        self._transactions.respond(entry, 200)

    def _report(self, call: Call, status: int, *, final: bool) -> None:
        referral = call.session.referral
        if referral is not None:
            call.session = replace(call.session, referral=replace(referral, status=status))
        self._context.emit(TransferReport(call.id, status, final))

    def _dismiss(self, call: Call) -> None:
        self._context.disarm("dialog", call.id, "refer")
        call.session = replace(call.session, referral=None)
        self._ending.keep(call)

    # --- time, restart ----------------------------------------------------------------------------------------------

    def on_timer(self, call: Call, name: str) -> None:
        """The house has not decided, a subscription has run out, or nobody reports."""
        if name == "transfer" and call.asked is not None:
            self._context.count(
                "sip_transfer_undecided", detail="a REFER was neither accepted nor refused", call=call.id
            )
            self.reject(call, 480, "")
        elif name == "subscription":
            self._tell(call)
        elif name == "refer" and call.session.referral is not None:
            if call.session.referral.status < 200:
                self._report(call, 408, final=True)
            self._dismiss(call)

    def resume(self, call: Call) -> None:
        """After a restart: nobody knows whether the newest NOTIFY got through, so it is said again."""
        if call.state != "confirmed":
            return
        referral, subscription = call.session.referral, call.session.subscription
        if referral is not None:
            self._context.arm("dialog", call.id, "refer", max(0, referral.until_ms - self._context.now_ms))
        if subscription is not None:
            call.session = replace(call.session, subscription=replace(subscription, busy=False))
            self._arm(call)
            self._tell(call)

    def _arm(self, call: Call) -> None:
        subscription = call.session.subscription
        if subscription is not None:
            after_ms = subscription.until_ms - self._context.now_ms
            self._context.arm("dialog", call.id, "subscription", max(0, after_ms))


def _address(target: str, call: Call, other: Call | None) -> str:
    """The URI for Refer-To: of a call that is to be joined its remote target; a number at the peer's own host."""
    if not target:
        return other.dialog.target if other is not None else call.dialog.target
    if ":" in target:
        return str(parse_uri(target))
    peer = parse_uri(call.dialog.target)
    port = f":{peer.port}" if peer.port else ""
    return str(parse_uri(f"sip:{target.replace('#', '%23')}@{bracketed(peer.host)}{port}"))
