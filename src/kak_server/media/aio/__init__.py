"""The control side's client of the media workers."""
