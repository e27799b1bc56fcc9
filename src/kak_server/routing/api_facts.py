"""More becomes known of a contact that is here already."""

from kak_server.model.ids import ContactId
from kak_server.model.light import frozen
from kak_server.routing.words_workflow import ContactKind


@frozen
class ContactDescribed:
    """Where it comes from (code of the municipality), its language, or that its picture came or went; None: as it was.
    While it waits, its queue's steps are looked at again at once. Only a call becomes `video`, and voice again."""

    now_ms: int
    contact: ContactId
    area: str | None = None
    language: str | None = None
    kind: ContactKind | None = None
