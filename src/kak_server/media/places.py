"""How a caller's place in the queue is said: by prompts that follow an announcement.

An organisation's own recordings take the place of the spoken ones: WAV files under these names.
"""

PLACES_MAX = 20
"""The last place that has a prompt of its own."""


def place_prompt(place: int) -> str:
    """The prompt that says this place, from 1; behind the last one callers hear that there are many before them."""
    return f"place-{place}" if place <= PLACES_MAX else "place-more"
