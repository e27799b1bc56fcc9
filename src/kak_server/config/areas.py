"""Services of many areas: one number, a queue for each municipality. The table stands in the file, or in a CSV file
beside it."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from kak_server.config.fields import DialNumber, Identifier, Section, number_as_text
from kak_server.config.problems import Location, Problem

CSV_BYTES_MAX = 4 * 1024 * 1024
ROWS_MAX = 5_000
COLUMNS = ("code", "name", "queue", "numbers", "prefixes")
_REQUIRED = ("code", "queue")

AreaCode = Annotated[str, BeforeValidator(number_as_text), Field(pattern=r"^[A-Za-z0-9-]{1,20}$")]
CallerPrefix = Annotated[str, BeforeValidator(number_as_text), Field(pattern=r"^\+[0-9]{1,15}$")]


class MunicipalitySection(Section):
    """One area of a service. A code that stands in a file without quotes and begins with 0 is text all the same."""

    code: AreaCode = Field(description="its code (kommunenummer)")
    name: str = Field("", max_length=100, description="its name, as in civic addresses (RFC 5139 A1 to A4)")
    queue: Identifier = Field(description="who serves it")
    numbers: tuple[DialNumber, ...] = Field((), max_length=20, description="called numbers by which carriers mean it")
    prefixes: tuple[CallerPrefix, ...] = Field((), max_length=200, description="starts of callers' numbers (+4777)")


class AreaServiceSection(Section):
    """A service with one number for all and a queue for each municipality. The municipality is told by the called
    (routing) number, else by the trunk, else by the caller's civic address, else by the caller's number."""

    id: Identifier = Field(description="short name, in messages")
    numbers: tuple[DialNumber, ...] = Field(min_length=1, max_length=20, description="the service's called numbers")
    default: Identifier = Field(description="queue where the municipality is not known, or in no table")
    municipalities: tuple[MunicipalitySection, ...] = Field((), max_length=ROWS_MAX, description="the table")
    file: Path | None = Field(
        None,
        description="more of the table: CSV (UTF-8, comma or semicolon) with the columns code, name, queue, numbers, "
        "prefixes (several with blanks between), relative to this file",
    )
    trunks: dict[Identifier, AreaCode] = Field({}, max_length=256, description="trunks that serve one municipality")


def import_tables(value: dict[str, Any], base: Path) -> Iterator[Problem]:
    """Put the rows of CSV files where those of the file stand. What is wrong is told with file and row."""
    services = value.get("areas")
    for number, service in enumerate(services if isinstance(services, list) else ()):
        if not isinstance(service, dict) or not isinstance(service.get("file"), str):
            continue
        at: Location = ("areas", number, "file")
        path = base / service["file"]
        try:
            rows = list(_rows(path))
        except ValueError as problem:
            yield Problem(at, str(problem))
            continue
        own = service.get("municipalities")
        service["municipalities"] = [*(own if isinstance(own, list) else ()), *rows]


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    """Raises ValueError."""
    try:
        with path.open("rb") as file:
            data = file.read(CSV_BYTES_MAX + 1)
        if len(data) > CSV_BYTES_MAX:
            raise ValueError(f"{path.name} is larger than {CSV_BYTES_MAX} bytes")
        text = data.decode("utf-8-sig")
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"{path.name} is not UTF-8 text (byte {error.start})") from None
    head = text.partition("\n")[0]
    reader = csv.DictReader(io.StringIO(text), delimiter=";" if ";" in head else ",", strict=True)
    names = [name.strip() for name in reader.fieldnames or ()]
    reader.fieldnames = names
    if unknown := [name for name in names if name not in COLUMNS]:
        raise ValueError(f"{path.name} has a column {unknown[0][:40]!r} (known: {', '.join(COLUMNS)})")
    if missing := [name for name in _REQUIRED if name not in names]:
        raise ValueError(f"{path.name} lacks the column {missing[0]}")
    try:
        for count, row in enumerate(reader):
            if count >= ROWS_MAX:
                raise ValueError(f"{path.name} has more than {ROWS_MAX} rows")
            if None in row or None in row.values():
                raise ValueError(f"{path.name}, line {reader.line_num}: not as many columns as the first line names")
            yield _municipality(row, f"{path.name}, line {reader.line_num}")
    except csv.Error as error:
        raise ValueError(f"{path.name}, line {reader.line_num}: {error}") from None


def _municipality(row: dict[str, str], where: str) -> dict[str, Any]:
    """Raises ValueError where a required column is empty."""
    made: dict[str, Any] = {}
    for name, cell in row.items():
        text = cell.strip()
        if not text and name in _REQUIRED:
            raise ValueError(f"{where}: no {name}")
        if text:
            made[name] = text.split() if name in ("numbers", "prefixes") else text
    return made
