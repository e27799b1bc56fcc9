"""Field types that the sections share."""

import ipaddress
from dataclasses import field
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator

from kak_server.config.yaml_tree import ElsewhereText
from kak_server.model.light import frozen


class Section(BaseModel):
    """A part of the settings: frozen, and a key nobody knows is an error, not a silence. `versioned`: a section at the
    top that is the organisation's and not a machine's, kept in versions as the lists are."""

    versioned: ClassVar[bool] = False

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


@frozen
class SecretText:
    """A password that never shows in messages. `literal`: it stands in the file itself, which a lab alone may do."""

    value: str = field(repr=False)
    literal: bool


def _secret(value: Any) -> SecretText:
    if isinstance(value, SecretText):
        return value
    text = number_as_text(value)
    if not isinstance(text, str) or not 0 < len(text) <= 1_000:
        raise ValueError("should be text of 1 to 1000 characters")
    return SecretText(str(text), not isinstance(text, ElsewhereText))


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
Secret = Annotated[SecretText, PlainValidator(_secret)]
SkillLevel = Annotated[int, Field(ge=1, le=10)]
