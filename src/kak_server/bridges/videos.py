"""The citizen's video: a link with a token, a page that sends pictures, a viewer at the operator's call card."""

from collections.abc import Mapping
from dataclasses import replace

from kak_server.bridges.calls import JOINED, Calls
from kak_server.bridges.context import Context
from kak_server.bridges.line import Line, Video
from kak_server.bridges.outputs import Note
from kak_server.media import rpc
from kak_server.media.plan import EMPTY, Plan
from kak_server.model.ids import ContactId, LegId, PositionId
from kak_server.routing.api import ContactDescribed, ContactKind, ContactState


def video_leg(contact: ContactId) -> LegId:
    """The citizen's PeerConnection."""
    return LegId(f"video-{contact}")


def viewer_leg(position: PositionId) -> LegId:
    """The operator's PeerConnection that shows it: one a seat."""
    return LegId(f"view-{position}")


class Videos:
    """Links and legs of video."""

    def __init__(self, ctx: Context, calls: Calls) -> None:
        self.ctx = ctx
        self.calls = calls
        self.tokens: dict[str, ContactId] = {}
        self.viewers: dict[PositionId, ContactId] = {}

    def invite(self, line: Line) -> Video:
        """A link for this call's citizen; asking again while it is open gives the same one."""
        video = line.video
        if video is not None and (video.live or video.expires_ms > self.ctx.now_ms):
            return video
        if video is not None:
            self.tokens.pop(video.token, None)
        video = Video(self.ctx.ids.new("video"), self.ctx.now_ms + self.ctx.settings.video_link_ms)
        self.tokens[video.token] = line.contact
        self.calls.keep(replace(line, video=video))
        self.calls.refresh(line.contact)
        self.ctx.emit(Note("video_invited", fields={"contact": line.contact}))
        return video

    def url(self, video: Video) -> str:
        """What the citizen opens."""
        return f"{self.ctx.settings.public_url}/v/{video.token}"

    def contact_of(self, token: str) -> ContactId | None:
        """The call behind a token, None when it is over, unknown or the link has expired unused."""
        contact = self.tokens.get(token)
        line = self.calls.lines.get(contact) if contact is not None else None
        if line is None or line.video is None or line.video.token != token:
            return None
        if not line.video.live and line.video.expires_ms <= self.ctx.now_ms:
            return None
        return line.contact

    def media_event(self, leg: str, state: str) -> ContactId | None:
        """Pictures began or ceased. Returns the contact to redraw."""
        line = self.calls.lines.get(ContactId(leg.removeprefix("video-")))
        if line is None or line.video is None:
            return None
        live = state == "up"
        if line.video.live == live:
            return None
        self.calls.keep(replace(line, video=replace(line.video, live=live)))
        known = self.ctx.core.contact(line.contact)
        self._describe(line.contact, known.kind if known is not None else ContactKind.VOICE, live)
        return line.contact

    def _describe(self, contact: ContactId, known: ContactKind, live: bool) -> None:
        kind = ContactKind.VIDEO if live else ContactKind.VOICE
        if kind is not known:
            self.ctx.route(ContactDescribed(self.ctx.now_ms, contact, kind=kind))

    def watch(self, position: PositionId, contact: ContactId) -> LegId:
        """This seat is about to view the contact's video; its viewer leg is no stranger from now on."""
        self.restore_viewer(position, contact)
        self.ctx.put(f"view/{position}", {"contact": contact})
        return viewer_leg(position)

    def close(self, contact: ContactId) -> None:
        """The call is over or moves on: viewers close. The citizen's link stays for whoever has the call next."""
        for position in [seat for seat, seen in self.viewers.items() if seen == contact]:
            self.leave(position)

    def leave(self, position: PositionId) -> None:
        """Nobody views there any more."""
        if self.viewers.pop(position, None) is not None:
            self.ctx.plan(f"view/{position}", EMPTY)
            self.ctx.delete(f"view/{position}")

    def end(self, line: Line) -> None:
        """The call is over: the link is dead."""
        self.close(line.contact)
        if line.video is not None:
            self.tokens.pop(line.video.token, None)

    def restore(self, line: Line) -> None:
        """From the journal."""
        if line.video is not None:
            self.tokens[line.video.token] = line.contact

    def restore_viewer(self, position: PositionId, contact: ContactId) -> None:
        """From the journal."""
        self.viewers[position] = contact
        self.ctx.plan(f"view/{position}", Plan(browser_legs=frozenset({viewer_leg(position)})))

    def resume(self) -> None:
        """After a restart: who views a call that went elsewhere meanwhile views no longer; and what we had noted of a
        picture, and died before the core knew, is said to it now."""
        for contact in self.tokens.values():
            line, known = self.calls.lines.get(contact), self.ctx.core.contact(contact)
            if line is None or line.video is None or known is None:
                continue
            if known.state is not ContactState.ENDED:
                self._describe(contact, known.kind, line.video.live)
        for position, contact in list(self.viewers.items()):
            view = self.ctx.core.contact(contact)
            if view is None or view.state not in JOINED or view.position != position:
                self.leave(position)

    def worker_attached(self, legs: Mapping[str, rpc.LegCensus]) -> list[ContactId]:
        """The worker's word on pictures counts; without a leg there are none. Returns the contacts to redraw."""
        named = [str(video_leg(contact)) for contact in self.calls.lines]
        changed = [self.media_event(leg, legs[leg].media if leg in legs else "closed") for leg in named]
        return [contact for contact in changed if contact is not None]
