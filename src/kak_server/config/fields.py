"""Field types that the sections share."""

import ipaddress
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field


class Section(BaseModel):
    """A part of the settings: frozen, and a key nobody knows is an error, not a silence."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, hide_input_in_errors=True)


def number_as_text(value: Any) -> Any:
    """YAML reads 113 as a number; where words are meant it is one."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _network(value: str) -> str:
    try:
        return str(ipaddress.ip_network(value, strict=False))
    except ValueError:
        raise ValueError(f"{value!r} is not an IP address or a network such as 192.0.2.0/24") from None


def _name_server(value: str) -> str:
    host, _, port = value.rpartition(":")
    for text, number in ((value, "53"), (host, port)):
        try:
            ipaddress.ip_address(text.strip("[]"))
        except ValueError:
            continue
        if number.isascii() and number.isdigit() and 0 < int(number) < 65_536:
            return value
    raise ValueError(f"{value!r} is not an IP address, with or without a port")


Text = Annotated[str, BeforeValidator(number_as_text), Field(min_length=1, max_length=200)]
Identifier = Annotated[str, BeforeValidator(number_as_text), Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
DialNumber = Annotated[
    str,
    BeforeValidator(number_as_text),
    Field(pattern=r"^(\+?[0-9*#]{1,20}|urn:service:[a-z0-9.-]{1,60})$"),
]
Host = Annotated[str, Field(pattern=r"^[A-Za-z0-9.:_-]{1,253}$")]
Network = Annotated[str, AfterValidator(_network)]
NameServer = Annotated[str, AfterValidator(_name_server)]
Port = Annotated[int, Field(ge=1, le=65_535)]
ListenPort = Annotated[int, Field(ge=0, le=65_535)]  # 0: any free port, for tests
SkillLevel = Annotated[int, Field(ge=1, le=10)]
