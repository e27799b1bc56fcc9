"""What a simulated radio's user says into it, from a short text: a tone, tones in turn, a file, or speech.

`tone:700` (until the key is let go), `tone:700:1500` (1.5 s), `tones:440,880:200` (each 200 ms, in turn, once),
`file:PATH` (a WAV file, once), `speech` or `speech:TEXT` (espeak-ng, Norwegian, once).
"""

import asyncio

import numpy as np

from kak_sim.audio import read_wav, steady_tone, tone
from kak_sim.callers.sound import spoken, to_8k
from kak_sim.tetra.radios import Source, frames_forever, frames_of

LAB_TEXT = "AMK fra ambulansen. Vi er fremme hos pasienten. Han er våken og puster. Slutt."
TONE_MAX_MS = 600_000
TONES_MAX = 100
TEXT_MAX_CHARS = 2_000


class SourceError(ValueError):
    """The text names no sound there is; the message is for a person."""


async def source_of(text: str) -> Source:
    """The sound a text names. Raises SourceError."""
    kind, _, rest = text.partition(":")
    match kind:
        case "tone":
            freq, _, length = rest.partition(":")
            freq_hz = _number(freq or "700", 50, 3_900)
            if length:
                return frames_of(tone(freq_hz, _number(length, 20, TONE_MAX_MS)))
            return frames_forever(steady_tone(freq_hz))
        case "tones":
            freqs, _, each = rest.partition(":")
            each_ms = _number(each or "500", 20, 60_000)
            numbers = [_number(freq, 50, 3_900) for freq in freqs.split(",")[: TONES_MAX + 1]]
            if len(numbers) > TONES_MAX:
                raise SourceError(f"at most {TONES_MAX} tones")
            return frames_of(np.concatenate([tone(freq_hz, each_ms) for freq_hz in numbers]))
        case "file":
            return await asyncio.to_thread(_file, rest)
        case "speech":
            words = rest or LAB_TEXT
            if len(words) > TEXT_MAX_CHARS:
                raise SourceError(f"at most {TEXT_MAX_CHARS} characters")
            return await _speech(words)
    raise SourceError(f"unknown sound {text[:64]!r}: tone:HZ, tones:HZ,HZ, file:PATH or speech:TEXT")


def _file(path: str) -> Source:
    try:
        samples, rate = read_wav(path)
    except (OSError, ValueError) as problem:
        raise SourceError(str(problem)) from None
    return frames_of(to_8k(samples, rate))


async def _speech(words: str) -> Source:
    try:
        return frames_of(await asyncio.to_thread(spoken, words))
    except OSError as problem:
        raise SourceError(str(problem)) from None


def _number(word: str, lowest: int, highest: int) -> int:
    if not (word.isascii() and word.isdigit() and len(word) <= 7 and lowest <= int(word) <= highest):
        raise SourceError(f"not a number from {lowest} to {highest}: {word[:16]!r}")
    return int(word)
