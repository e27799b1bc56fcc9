"""Answers to challenges (RFC 3261 22.2, RFC 8760): only for a trunk that has a password, and only where it is at home.

What a digest gives away can be tried against any password at leisure: nobody else is to hear it.
"""

from kak_server.sip.api import TrunkSettings
from kak_server.sip.context import Context
from kak_server.sip.dialog import Dialog
from kak_server.sip.digest import authorization, strongest
from kak_server.sip.errors import ParseError
from kak_server.sip.headers import parse_name_addr
from kak_server.sip.home import is_home
from kak_server.sip.parser import Response
from kak_server.sip.uri import parse_uri

MAX_CHALLENGES = 3  # in a row to one request: the first, and nonces that had gone stale
CHALLENGED = (401, 407)
HEADERS = ("Authorization", "Proxy-Authorization")
_KINDS = (("www-authenticate", HEADERS[0]), ("proxy-authenticate", HEADERS[1]))

Headers = tuple[tuple[str, str], ...]


class Credentials:
    """The trunks' passwords at work. The newest nonce of each is counted (RFC 7616 3.4: nc)."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._trunks = {trunk.name: trunk for trunk in context.settings.trunks if trunk.username}
        self._counts: dict[str, tuple[str, int]] = {}

    def answer(self, trunk_name: str, response: Response, method: str, uri: str, hop: str, tries: int) -> Headers:
        """The headers that answer a challenge in the next copy of a request, which goes to `hop`; none: it is not to
        be answered, or was answered in vain. `tries`: how many have been answered for this request already."""
        trunk = self._trunks.get(trunk_name)
        if response.status not in CHALLENGED or trunk is None:
            return ()
        if tries >= MAX_CHALLENGES or not self._at_home(trunk, hop):
            self._context.count("sip_challenge_refused", detail=f"{trunk_name}: {hop[:80]}", trunk=trunk_name)
            return ()
        found: list[tuple[str, str]] = []
        for asked, header in _KINDS:
            challenge = strongest(response.fields.get(asked, ()))
            if challenge is None:
                continue
            if tries and not challenge.stale:
                # RFC 7616 3.3: not stale: what we answered was wrong, and would be again
                self._context.count("sip_credentials_wrong", detail=f"{trunk_name}: {method}", trunk=trunk_name)
                return ()
            nonce, count = self._counts.get(trunk_name, ("", 0))
            count = count + 1 if nonce == challenge.nonce else 1
            self._counts[trunk_name] = (challenge.nonce, count)
            cnonce = self._context.new_id("branch")
            value = authorization(challenge, trunk.username, trunk.password, method, uri, cnonce=cnonce, count=count)
            found.append((header, value))
        return tuple(found)

    def in_dialog(
        self, trunk_name: str, dialog: Dialog, response: Response, method: str, uri: str, tries: int
    ) -> Headers:
        """The same for a request inside a dialog."""
        hop = dialog.routes[0] if dialog.routes else dialog.target
        return self.answer(trunk_name, response, method, uri, hop, tries)

    def _at_home(self, trunk: TrunkSettings, hop: str) -> bool:
        try:
            uri = parse_name_addr(hop).uri if "<" in hop else parse_uri(hop)
        except ParseError:
            return False
        return hop == trunk.address or is_home(uri, trunk)
