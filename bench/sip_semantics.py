"""Which of the rules of RFC 3261 a server keeps that matter when datagrams are lost or come twice: asked of each server
over UDP, in the same run as its speed is measured.

Alone: `.venv/bin/python bench/sip_semantics.py`.
"""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import sip_peers
from figures import table
from sip_phone import T1_S, Message, Phone

NO_ACK_S = 64 * T1_S


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a server did; `said` in few words where it was wrong."""

    ok: bool
    said: str = ""


@dataclass(frozen=True, slots=True)
class Probe:
    """One rule. `mandatory`: without it a lost or doubled datagram loses or doubles a call."""

    name: str
    clause: str
    run: Callable[[Phone], Awaitable[Verdict]]
    mandatory: bool = False


GOOD = Verdict(True)


def _statuses(messages: list[Message]) -> str:
    return ", ".join(str(one.status or one.method) for one in messages) or "nothing"


def _expect(message: Message | None, *wanted: int) -> Verdict:
    if message is None:
        return Verdict(False, "no answer")
    return GOOD if message.status in wanted else Verdict(False, str(message.status))


def _same_call(phone: Phone, messages: list[Message]) -> Verdict:
    """Nothing but 100 and the 200 that was given before."""
    for one in messages:
        if one.method == "INVITE" and one.status >= 200 and (one.status != 200 or one.tag != phone.to_tag):
            return Verdict(False, "a second dialog" if one.status == 200 else str(one.status))
    return GOOD


async def repeated_invite(phone: Phone) -> Verdict:
    """The 200 was lost, so the INVITE comes again."""
    invite = await phone.call()
    await asyncio.sleep(0.1)
    phone.send(invite)
    heard = await phone.listen(1.2)
    verdict = _same_call(phone, heard)
    again = any(one.status == 200 and one.method == "INVITE" for one in heard)
    phone.send(phone.request("ACK", 1))
    if verdict.ok and not again:
        return Verdict(False, "no 200 any more")
    return verdict


async def repeated_200(phone: Phone) -> Verdict:
    """No ACK: the 200 comes again; an ACK: it does not."""
    await phone.call()
    repeated = await phone.final("INVITE", 4 * T1_S)
    if repeated is None or repeated.status != 200:
        return Verdict(False, "not repeated")
    phone.send(phone.request("ACK", 1))
    await phone.listen(0.2)
    late = [one for one in await phone.listen(6 * T1_S) if one.method == "INVITE"]
    return Verdict(False, "goes on after the ACK") if late else GOOD


async def unacknowledged(phone: Phone) -> Verdict:
    """No ACK ever: the server gives the call up, with a BYE."""
    await phone.call()
    bye = await phone.wait(lambda message: message.status == 0 and message.method == "BYE", NO_ACK_S + 4)
    return GOOD if bye is not None else Verdict(False, "no BYE")


async def late_invite(phone: Phone) -> Verdict:
    """A copy of the INVITE that was long on its way."""
    invite = await phone.established()
    await phone.listen(0.3)
    phone.send(invite)
    return _same_call(phone, await phone.listen(1.2))


async def repeated_bye(phone: Phone) -> Verdict:
    """The 200 to the BYE was lost, so the BYE comes again."""
    await phone.established()
    bye = phone.send(phone.request("BYE", 2))
    first = _expect(await phone.final("BYE"), 200)
    if not first.ok:
        return Verdict(False, f"the BYE itself: {first.said}")
    phone.send(bye)
    return _expect(await phone.final("BYE"), 200)


async def cancel_after_answer(phone: Phone) -> Verdict:
    """A CANCEL that crosses the 200 is answered, and changes nothing."""
    invite = await phone.call()
    branch = invite.partition("branch=")[2].partition("\r\n")[0]
    phone.send(phone.request("CANCEL", 1, branch=branch, to_tag=""))
    answer = _expect(await phone.final("CANCEL"), 200)
    phone.send(phone.request("ACK", 1))
    phone.send(phone.request("BYE", 2))
    bye = _expect(await phone.final("BYE"), 200)
    return answer if bye.ok else Verdict(False, f"the call is gone: {bye.said}")


async def wrong_tag(phone: Phone) -> Verdict:
    """A request for a dialog that is not there."""
    await phone.established()
    phone.send(phone.request("BYE", 2, to_tag="nobody"))
    return _expect(await phone.final("BYE"), 481)


async def merged(phone: Phone) -> Verdict:
    """The same request by another path."""
    await phone.call()
    phone.send(phone.request("INVITE", 1, to_tag=""))
    answer = await phone.wait(lambda one: one.status >= 200 and (one.status != 200 or one.tag != phone.to_tag))
    phone.send(phone.request("ACK", 1))
    return _expect(answer, 482)


async def unknown_extension(phone: Phone) -> Verdict:
    """An extension nobody has."""
    phone.send(phone.request("INVITE", 1, extra="Require: teleportation"))
    answer = await phone.final("INVITE")
    verdict = _expect(answer, 420)
    if verdict.ok and answer is not None and "teleportation" not in answer.header("unsupported"):
        return Verdict(False, "420 without Unsupported")
    return verdict


async def old_cseq(phone: Phone) -> Verdict:
    """A request of the dialog that is out of order."""
    await phone.established(10)
    await phone.listen(0.2)
    phone.send(phone.request("INVITE", 5))
    answer = await phone.final("INVITE")
    phone.send(phone.request("ACK", 5))
    return _expect(answer, 500)


async def unknown_method(phone: Phone) -> Verdict:
    """A method nobody has."""
    phone.send(phone.request("TELEPORT", 1))
    return _expect(await phone.final("TELEPORT"), 405, 501)


async def options(phone: Phone) -> Verdict:
    """What can you do, and are you there?"""
    phone.send(phone.request("OPTIONS", 1))
    return _expect(await phone.final("OPTIONS"), 200)


async def reinvite(phone: Phone) -> Verdict:
    """A new offer inside the call."""
    await phone.established()
    await phone.listen(0.2)
    phone.send(phone.request("INVITE", 2))
    answer = await phone.final("INVITE")
    phone.send(phone.request("ACK", 2))
    return _expect(answer, 200)


PROBES = (
    Probe(
        "INVITE comes again before the ACK: its 200 again, no second dialog",
        "13.3.1.4, RFC 6026 7.1",
        repeated_invite,
        True,
    ),
    Probe("200 comes again until the ACK, and not after it", "13.3.1.4", repeated_200, True),
    Probe("BYE comes again: its 200 again", "17.2.2", repeated_bye, True),
    Probe("a late copy of the INVITE after the ACK is absorbed", "RFC 6026 7.1", late_invite),
    Probe("a 200 that is never acknowledged ends with BYE", "13.3.1.4", unacknowledged),
    Probe("CANCEL of an answered INVITE: 200, and the call goes on", "9.2", cancel_after_answer),
    Probe("re-INVITE: 200", "14.2", reinvite),
    Probe("BYE with another To tag: 481", "12.2.2", wrong_tag),
    Probe("merged request: 482", "8.2.2.2", merged),
    Probe("unknown Require: 420 with Unsupported", "8.2.2.3", unknown_extension),
    Probe("re-INVITE with an older CSeq: 500", "12.2.2", old_cseq),
    Probe("unknown method: 405 or 501", "8.2.1, 21.5.2", unknown_method),
    Probe("OPTIONS outside a dialog: 200", "11.2", options),
)
Verdicts = dict[str, dict[str, Verdict]]  # by server, then by probe


async def ask(port: int) -> dict[str, Verdict]:
    """All probes of one server, side by side."""

    async def one(probe: Probe) -> Verdict:
        phone = Phone(port)
        await phone.begin()
        try:
            return await probe.run(phone)
        except LookupError as problem:
            return Verdict(False, str(problem))
        finally:
            phone.close()

    verdicts = await asyncio.gather(*(one(probe) for probe in PROBES))
    return {probe.name: verdict for probe, verdict in zip(PROBES, verdicts, strict=True)}


async def ask_all(ports: dict[str, int]) -> Verdicts:
    """Several servers at once; it takes a little more than 64*T1."""
    found = await asyncio.gather(*(ask(port) for port in ports.values()))
    return dict(zip(ports, found, strict=True))


def passes(verdicts: dict[str, Verdict]) -> bool:
    """Whether a server keeps the rules without which a lost datagram loses or doubles a call."""
    return all(verdicts[probe.name].ok for probe in PROBES if probe.mandatory)


def show(verdicts: Verdicts) -> str:
    """The table: a rule a line."""
    rows = [["rule (* mandatory)", "RFC 3261", *verdicts]]
    for probe in PROBES:
        told = [verdict.said if not (verdict := found[probe.name]).ok else "yes" for found in verdicts.values()]
        rows.append([f"{probe.name}{' *' if probe.mandatory else ''}", probe.clause, *told])
    return table(rows)


def main() -> None:
    """All servers that are here, the probes only."""
    for problem in sip_peers.install():
        print(problem)
    with tempfile.TemporaryDirectory(prefix="kak-bench-") as name, sip_peers.all_running(Path(name)) as servers:
        print(show(asyncio.run(ask_all({server.name: server.port for server in servers}))))


if __name__ == "__main__":
    main()
