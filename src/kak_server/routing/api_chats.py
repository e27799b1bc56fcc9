"""What the core is told of chats alone. Who writes what, and for how long nobody has, is the shells' to know."""

from kak_server.model.ids import ContactId
from kak_server.model.light import frozen

IDLE = "idle"
"""Why such a chat ended, and why its operator was parted from it."""


@frozen
class ChatIdle:
    """Nobody has written in this chat for longer than its queue allows: it is over (cause "idle"), and its operator has
    the place free. Refused: "not-a-chat", "emergency" (such a chat never ends by itself), "busy" (nobody has it: who
    waits for an operator is not silent but waits)."""

    now_ms: int
    contact: ContactId
