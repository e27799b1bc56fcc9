"""docs/sip-conformance.md out of the verdicts; printed by `python -m tests.unit.sip.torture.document`."""

from tests.unit.sip.torture.verdicts import RFC_4475, RFC_5118, Verdict

_HEAD = """# SIP conformance: the torture messages

What this server does with the messages of RFC 4475 and RFC 5118 when they come from an address that trunks and devices
share: a well-formed REGISTER is asked who it is (401). The tests in
[tests/unit/sip/torture](../tests/unit/sip/torture/test_torture.py) send each one over UDP and over TCP. "100, call"
means that the call was taken and waits for an operator; "nothing" means that the message is dropped and counted.
This page is made from the tests' own table ([verdicts.py](../tests/unit/sip/torture/verdicts.py)).
"""


def _action(statuses: tuple[int, ...]) -> str:
    return ", ".join("100, call" if status == 100 else str(status) for status in statuses) or "nothing"


def _row(verdict: Verdict) -> str:
    tcp = _action(verdict.over_tcp) + (", closed" if verdict.closes else "")
    cells = (
        verdict.section,
        f"`{verdict.name}`",
        verdict.title,
        verdict.role,
        verdict.says,
        _action(verdict.udp),
        tcp,
        verdict.differs,
    )
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def render() -> str:
    """The whole page."""
    parts = [_HEAD]
    for name, verdicts in (("RFC 4475", RFC_4475), ("RFC 5118 (IPv6)", RFC_5118)):
        ours = sum(bool(verdict.differs) for verdict in verdicts)
        parts += [
            f"## {name}\n",
            f"{len(verdicts)} messages, {len(verdicts) - ours} as the RFC says, {ours} otherwise for a reason.\n",
            "| section | message | subject | our role | the RFC says | over UDP | over TCP | why otherwise |",
            "|---|---|---|---|---|---|---|---|",
            *(_row(verdict) for verdict in verdicts),
            "",
        ]
    return "\n".join(parts)


if __name__ == "__main__":
    print(render(), end="")
