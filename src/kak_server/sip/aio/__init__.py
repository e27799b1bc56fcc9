"""The asyncio shell of the SIP room: sockets, connections and one timer around `sip.core`."""
