"""How statistics are kept and shown."""

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator

from kak_server.config.fields import Section


class StatisticsSection(Section):
    """Figures by half hour. They are kept in UTC; the time zone is for showing them, and says where a day begins."""

    timezone: str = Field(
        "Europe/Oslo", max_length=64, description="time zone (IANA) of local times in the rows, and in workflows"
    )
    keep_days: int = Field(1_100, ge=2, le=36_500, description="rows of queues and rooms are kept for so long")
    keep_operator_days: int = Field(92, ge=2, le=36_500, description="rows of operators, which are about persons")

    @field_validator("timezone")
    @classmethod
    def _known(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"no time zone {value!r} on this machine") from None
        return value
