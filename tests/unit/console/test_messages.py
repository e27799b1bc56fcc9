"""The tables of events and commands, their schemas, and the page that explains them."""

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from kak_server.console.aio.app import openapi_json
from kak_server.console.arguments import COMMANDS
from kak_server.console.messages import EVENTS, check_event, stream_schemas

ROOT = Path(__file__).resolve().parents[3]


def test_the_openapi_document_is_current() -> None:
    """After a change: .venv/bin/kak-server openapi > docs/integrators/openapi.json"""
    assert (ROOT / "docs/integrators/openapi.json").read_text(encoding="utf-8") == openapi_json()


def test_every_reference_in_the_document_resolves() -> None:
    document = json.loads(openapi_json())
    schemas = document["components"]["schemas"]
    references = [part.split('"')[0] for part in json.dumps(document).split('"$ref": "#/components/schemas/')[1:]]
    assert references
    assert set(references) <= set(schemas)
    assert "ServerMessage" in schemas
    assert "ClientMessage" in schemas


def test_the_page_names_every_event_and_command() -> None:
    page = (ROOT / "docs/integrators/position-api.md").read_text(encoding="utf-8")
    assert [name for name in (*EVENTS, *COMMANDS) if f"`{name}`" not in page] == []


def test_schemas_keep_class_by_its_name_on_the_wire() -> None:
    offer = stream_schemas("#/x/{model}")["Offer"]
    assert "class" in offer["properties"]
    assert "class" in offer["required"]


def test_events_are_held_against_their_models() -> None:
    check_event("notice.cleared", {"id": "n1"})
    check_event("waiting", [])
    with pytest.raises(ValidationError):
        check_event("notice.cleared", {})
    with pytest.raises(ValidationError):
        check_event("media", {"state": "sideways"})
    with pytest.raises(KeyError):
        check_event("nonsense", {})
