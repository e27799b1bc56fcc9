"""kak-server: an open control-room communication server for emergency health services."""

__version__ = "0.1.0"
