"""The media worker: a process of its own that holds the sockets, the tick and the recordings."""
