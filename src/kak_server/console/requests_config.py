"""Bodies of the requests about the configuration's versions, and of their answers."""

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from kak_server.console.arguments import Incoming
from kak_server.console.models import Outgoing

OBJECTS_A_REQUEST_MAX = 2_000
Comment = Annotated[str, StringConstraints(max_length=1_000)]
Kind = Annotated[str, StringConstraints(min_length=1, max_length=32, pattern=r"^[a-z_]+$")]
ObjectName = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[a-z0-9][a-z0-9._-]*$")]
DraftId = Annotated[str, StringConstraints(min_length=1, max_length=32, pattern=r"^[0-9a-f]+$")]
Apply = Literal["new", "all"]
Content = dict[str, Any]

# --- asked ------------------------------------------------------------------------------------------------------------


class NewDraft(Incoming):
    """Begin a draft on the version that runs."""

    comment: Comment = ""


class ObjectEdit(Incoming):
    """An object as it is to be; null: it goes."""

    kind: Kind
    name: ObjectName
    content: Content | None


class DraftEdits(Incoming):
    """Several objects at once: all of them are put in, or none."""

    objects: Annotated[list[ObjectEdit], Field(min_length=1, max_length=OBJECTS_A_REQUEST_MAX)]


class YamlText(Incoming):
    """A configuration, or the part of one: its lists take the place of the draft's."""

    yaml: Annotated[str, StringConstraints(min_length=1, max_length=262_144)]


class Publish(Incoming):
    """`apply` "new": contacts that are here follow the rules they came in on; "all": they follow the new ones."""

    comment: Comment = ""
    apply: Apply = "new"


class NewPassword(Incoming):
    """A person's new password."""

    password: Annotated[str, StringConstraints(min_length=10, max_length=1024)] = Field(repr=False)


# --- answered ---------------------------------------------------------------------------------------------------------


class ConfigVersion(Outgoing):
    """A published version. `digest` is equal for equal content; `hash` covers content, history and who made it.
    `apply`: contacts that were here then follow it too ("all"), or keep the rules they came in on ("new")."""

    number: int
    parent: int | None
    hash: str
    digest: str
    author: str
    at_ms: int
    comment: str
    apply: Apply
    source: str


class ConfigVersions(Outgoing):
    """The newest first. `running`: the number of the one that runs."""

    running: int
    versions: list[ConfigVersion]


class ObjectChange(Outgoing):
    """What a version does to an object."""

    kind: str
    name: str
    change: Literal["added", "removed", "changed"]


class ConfigVersionInfo(ConfigVersion):
    """A version and the objects it changed."""

    changes: list[ObjectChange]


class ConfigObject(Outgoing):
    """An object of a version, known by the hash of its content."""

    kind: str
    name: str
    hash: str
    content: Content


class ConfigObjects(Outgoing):
    """In the order of the version."""

    objects: list[ConfigObject]


class ObjectDifference(ObjectChange):
    """An object before and after. Each field is {"field", "old", "new"}; what is at its default has no value."""

    fields: list[Content]


class ConfigDifference(Outgoing):
    """What differs, for programs and as text for people."""

    changes: list[ObjectDifference]
    text: str


class ConfigDraft(Outgoing):
    """A draft. `base`: the version that ran when it was begun."""

    draft: str
    base: int
    author: str
    created_at_ms: int
    changed_at_ms: int
    comment: str


class ConfigDrafts(Outgoing):
    """The oldest first."""

    drafts: list[ConfigDraft]


class DraftEdit(Outgoing):
    """An object as the draft has it; null: it goes."""

    kind: str
    name: str
    content: Content | None


class ConfigDraftInfo(ConfigDraft):
    """A draft with its edits. `passwords`: whose password hash comes with it; the hashes are not told."""

    edits: list[DraftEdit]
    passwords: list[str]


class ConfigProblem(Outgoing):
    """One thing to mend; kind and name are empty where it is about the whole or about the machine's file."""

    kind: str
    name: str
    path: str
    text: str


class ConfigProblems(Outgoing):
    """Everything that is wrong; `ok` when nothing is. `warnings`: may be published, and should be looked at all the
    same. `ignored`: sections that belong to the machine's file."""

    ok: bool
    problems: list[ConfigProblem]
    warnings: list[ConfigProblem] = Field(default_factory=list)
    ignored: list[str] = Field(default_factory=list)


class ConfigHistory(Outgoing):
    """Whether every version is as it was published; `problems` says in words what is not."""

    ok: bool
    problems: list[str]


class ConfigRunning(Outgoing):
    """The version that runs."""

    number: int
    digest: str
