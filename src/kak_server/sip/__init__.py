"""SIP, sans-IO: calls from carriers and sibling networks. `api` is the contract, `core` the way in."""
