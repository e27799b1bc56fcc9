"""The one error a peer's bytes can cause."""


class ParseError(ValueError):
    """What came in is not SIP by its grammar; the peer's fault, never ours.

    `status` is the response code a request with this fault deserves (RFC 3261 section 21.4).
    """

    def __init__(self, problem: str, status: int = 400) -> None:
        super().__init__(problem)
        self.problem = problem
        self.status = status


class SdpError(ValueError):
    """A session description that is broken, or has nothing in common with what we can do: answered 488."""
