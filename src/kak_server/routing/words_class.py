"""The classes of contacts."""

from enum import StrEnum


class ContactClass(StrEnum):
    """Emergency comes before urgent before normal, always; ageing never crosses classes."""

    EMERGENCY = "emergency"
    URGENT = "urgent"
    NORMAL = "normal"
