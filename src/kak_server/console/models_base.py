"""The base of all that is sent to consoles."""

from pydantic import BaseModel, ConfigDict


class Outgoing(BaseModel):
    """A thing we send. Serialised by alias (`class`)."""

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)
