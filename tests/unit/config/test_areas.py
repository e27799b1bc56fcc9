"""Services of many municipalities: the table in the file, beside it, and what is wrong with it."""

from pathlib import Path

import pytest

from kak_server.config.compose import to_house_settings
from kak_server.config.compose_sip import to_sip_settings
from kak_server.config.loader import load_settings, parse_settings
from kak_server.config.problems import ConfigError
from kak_server.config.settings import Settings

BASE = """\
sip: {trunks: [{name: north, sources: [192.0.2.1]}]}
rooms: [{id: lv, name: LV, positions: 1}]
queues:
  - {id: amk, name: Nød, rooms: [lv], numbers: [113], class: emergency}
  - {id: oslo, name: Oslo, rooms: [lv]}
  - {id: rest, name: Resten, rooms: [lv]}
"""
AREAS = """\
areas:
  - id: care
    numbers: [116117]
    default: rest
    file: towns.csv
    municipalities: [{code: "0301", name: Oslo, queue: oslo, numbers: ["+4722000000"], prefixes: ["+4722"]}]
    trunks: {north: 5501}
"""
CSV = "\ufeffcode;name;queue;numbers;prefixes\n5501;Tromsø;rest;+4777000000 77000001;+4777\n0302;Ny by;oslo;;\n"


def load(folder: Path, areas: str = AREAS, table: str | bytes = CSV) -> Settings:
    (folder / "kak.yaml").write_text(BASE + areas, encoding="utf-8")
    (folder / "towns.csv").write_bytes(table if isinstance(table, bytes) else table.encode())
    return load_settings(folder / "kak.yaml")


def test_the_table_of_the_file_and_the_one_beside_it(tmp_path: Path) -> None:
    settings = load(tmp_path)
    (service,) = settings.areas
    assert [(town.code, town.name, town.queue) for town in service.municipalities] == [
        ("0301", "Oslo", "oslo"),
        ("5501", "Tromsø", "rest"),
        ("0302", "Ny by", "oslo"),
    ]
    house = to_house_settings(settings)
    assert house.areas[0].municipalities[1].numbers == ("+4777000000", "77000001")
    assert house.areas[0].trunks == {"north": "5501"}
    assert house.emergency_queue == "amk"
    sip = to_sip_settings(settings)
    assert sip.numbers == {"113", "116117", "+4722000000", "+4777000000", "77000001"}
    assert sip.emergency_numbers == {"110", "112", "113"}
    assert sip.emergency_fallback


def test_without_an_emergency_queue_there_is_no_fallback() -> None:
    settings = parse_settings(BASE.replace("class: emergency", "class: normal"))
    assert to_house_settings(settings).emergency_queue is None
    assert not to_sip_settings(settings).emergency_fallback


def problems(folder: Path, areas: str = AREAS, table: str | bytes = CSV) -> str:
    with pytest.raises(ConfigError) as caught:
        load(folder, areas, table)
    return str(caught.value)


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ("", "towns.csv lacks the column code"),
        ("code,queue,colour\n", "has a column 'colour' (known: code, name, queue, numbers, prefixes)"),
        ("code,name\n1,x\n", "lacks the column queue"),
        ("code,queue\n1\n", "towns.csv, line 2: not as many columns"),
        ("code,queue\n1,oslo\n2,oslo,x\n", "towns.csv, line 3: not as many columns"),
        ("code,queue\n1,\n", "towns.csv, line 2: no queue"),
        ('code,queue\n"1,oslo\n', "towns.csv, line"),
        (b"code,queue\n\xff,oslo\n", "is not UTF-8 text"),
        ("code,queue\n" + "1,oslo\n" * 5_001, "more than 5000 rows"),
        (b" " * 4_200_000, "is larger than"),
    ],
)
def test_tables_that_cannot_be_read(tmp_path: Path, table: str | bytes, problem: str) -> None:
    found = problems(tmp_path, table=table)
    assert "line 11: areas[0].file: " in found
    assert problem in found


def test_a_table_that_is_not_there(tmp_path: Path) -> None:
    assert "cannot read" in problems(tmp_path, AREAS.replace("towns.csv", "gone.csv"))


def test_what_does_not_exist_or_means_two_things(tmp_path: Path) -> None:
    table = "code,queue,numbers,prefixes\n0301,gone,113,+4722\n"
    found = problems(tmp_path, AREAS.replace("default: rest", "default: nobody").replace("5501", "9999"), table)
    for text in (
        "line 10: areas[0].default: there is no queue nobody",
        "areas[0].municipalities[1].code: municipality 0301 is used twice",
        "there is no queue gone (municipality 0301)",
        "number 113 leads to queue amk already",
        "callers +4722 belong to municipality 0301 already",
        "areas[0].trunks.north: there is no municipality 9999",
    ):
        assert text in found
    found = problems(
        tmp_path, AREAS.replace("north:", "south:") + "  - {id: care, numbers: ['116 117'], default: rest}"
    )
    assert "not of the form" in found
    found = problems(tmp_path, AREAS.replace("north:", "south:") + "  - {id: care, numbers: [116117], default: rest}")
    assert "areas[0].trunks.south: there is no trunk south" in found
    assert "areas[1].id: service care is used twice" in found
    assert "areas[1].numbers[0]: number 116117 leads to service care already" in found


def test_an_emergency_queue_that_is_not_there() -> None:
    with pytest.raises(ConfigError, match=r"sip\.emergency_queue: there is no queue gone"):
        parse_settings(BASE.replace("sip: {", "sip: {emergency_queue: gone, "))
