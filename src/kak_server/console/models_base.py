"""What all objects we send have in common, and words that several of them use."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

Activity = Literal["available", "break", "after-call-work"]
OperatorState = Literal["idle", "offered", "busy", "wrap-up", "unreachable"]


class Outgoing(BaseModel):
    """A thing we send. Serialised by alias (`class`)."""

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)
