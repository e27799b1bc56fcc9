"""The audio engine: what a media worker does every 20 ms. No sockets: the worker feeds packets and sends frames."""
