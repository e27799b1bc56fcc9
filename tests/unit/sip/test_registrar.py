"""The registrar, clause by clause of RFC 3261 10.3."""

import itertools
from dataclasses import replace

import pytest

from kak_server.sip.api import Flow, IncomingCall, SipSettings
from kak_server.sip.api_devices import DeviceContacts, RegistrarSettings
from tests.unit.sip.phone import DEVICE, PHONE, SETTINGS, STRANGER, Phone, contacts_told, make_bench
from tests.unit.sip.uac import PEER, Bench, Caller

KEY = "sip:legevakt2@10.0.0.7:5062"


def named(bench: Bench, name: str) -> int:
    return sum(count.name == name for count in bench.counts)


@pytest.mark.parametrize("algorithm", ["SHA-256", "MD5"])
def test_a_phone_registers_over_where_its_request_came_from(algorithm: str) -> None:
    bench = make_bench()
    reply = Phone(bench, algorithm=algorithm).register(expires=600)
    assert reply.status == 200
    assert reply["contact"] == "<sip:legevakt2@10.0.0.7:5062>;expires=600;q=1"
    assert contacts_told(bench) == [(KEY,)]
    assert bench.core.contacts("desk-1")[0].flow == PHONE
    assert set(bench.records) == {"sip/reg/desk-1"}
    assert bench.order.index("put") < bench.order.index("send 200"), "the record is written before the answer leaves"


def test_the_challenge_offers_the_stronger_first_and_costs_nothing() -> None:
    bench = make_bench()
    phone = Phone(bench)
    (reply,) = bench.receive(phone.text("REGISTER", "sip:kak", (f"Contact: {phone.contact}",)), PHONE)
    assert reply.status == 401
    assert ["algorithm=SHA-256" in value for value in reply.all("www-authenticate")] == [True, False]
    assert "algorithm=MD5" in reply.all("www-authenticate")[1]
    assert set(bench.core.census().values()) == {0}
    assert bench.records == {}


def test_a_device_is_challenged_in_its_own_algorithms_and_judged_by_them() -> None:
    old = replace(DEVICE, ha1={"MD5": DEVICE.ha1["MD5"]})
    bench = make_bench(replace(SETTINGS, registrar=replace(SETTINGS.registrar, devices=(old,))))
    phone = Phone(bench, algorithm="MD5")
    (reply,) = bench.receive(phone.text("REGISTER", "sip:kak", ()), PHONE)
    assert "algorithm=MD5" in reply["www-authenticate"]
    assert phone.register().status == 200
    new = replace(DEVICE, ha1={"SHA-256": DEVICE.ha1["SHA-256"]})
    strict = make_bench(replace(SETTINGS, registrar=replace(SETTINGS.registrar, devices=(new,))))
    other = Phone(strict, algorithm="SHA-256")
    (challenged,) = strict.receive(other.text("REGISTER", "sip:kak", ()), PHONE)
    weak = other.answer(challenged, "REGISTER", "sip:kak").replace("SHA-256", "MD5")
    assert strict.receive(other.text("REGISTER", "sip:kak", (weak,)), PHONE)[0].status == 401
    assert other.register().status == 200


def test_strangers_and_trunks_are_not_even_challenged() -> None:
    bench = make_bench()
    for flow, status in ((STRANGER, 403), (PEER, 405)):
        (reply,) = bench.receive(Phone(bench).text("REGISTER", "sip:kak", ()), flow)
        assert reply.status == status
        assert reply.all("www-authenticate") == []
    dropping = make_bench(replace(SETTINGS, unknown_peers="drop"))
    assert dropping.receive(Phone(dropping).text("REGISTER", "sip:kak", ()), STRANGER) == []


def test_no_devices_no_registrar() -> None:
    bench = make_bench(replace(SETTINGS, registrar=RegistrarSettings()))
    (reply,) = bench.receive(Phone(bench).text("REGISTER", "sip:kak", ()), PHONE)
    assert reply.status == 403


def test_a_device_comes_only_from_its_networks_and_its_listener() -> None:
    registrar = replace(SETTINGS.registrar, devices=(replace(DEVICE, listener="phones"),))
    bench = make_bench(replace(SETTINGS, registrar=registrar))
    (reply,) = bench.receive(Phone(bench).text("REGISTER", "sip:kak", ()), PHONE)
    assert reply.status == 403
    assert Phone(bench, flow=replace(PHONE, listener="phones")).register().status == 200


def test_a_wrong_password_is_challenged_again_and_counted() -> None:
    bench = make_bench()
    reply = Phone(bench, password="guess").register()
    assert reply.status == 401
    assert "stale" not in reply.all("www-authenticate")[0]
    assert named(bench, "sip_auth_failed") == 1
    assert contacts_told(bench) == []
    assert "guess" not in str(bench.counts)


def test_a_captured_request_is_worth_nothing_later() -> None:
    bench = make_bench()
    phone = Phone(bench)
    (challenged,) = bench.receive(phone.text("REGISTER", "sip:kak", (f"Contact: {phone.contact}",)), PHONE)
    header = phone.answer(challenged, "REGISTER", "sip:kak")
    assert (
        bench.receive(phone.text("REGISTER", "sip:kak", ("Contact: <sip:legevakt2@a>", header)), PHONE)[0].status == 200
    )
    replayed = bench.receive(phone.text("REGISTER", "sip:kak", ("Contact: <sip:thief@b>", header)), PHONE)[0]
    assert replayed.status == 401
    assert "stale=true" in replayed.all("www-authenticate")[0]
    elsewhere = replace(PHONE, host="198.18.0.9")
    assert bench.receive(phone.text("REGISTER", "sip:kak", (header,)), elsewhere)[0].status == 401


def test_a_repeated_request_gets_the_same_answer() -> None:
    bench = make_bench()
    phone = Phone(bench)
    (challenged,) = bench.receive(phone.text("REGISTER", "sip:kak", (f"Contact: {phone.contact}",)), PHONE)
    header = phone.answer(challenged, "REGISTER", "sip:kak")
    text = phone.text("REGISTER", "sip:kak", (f"Contact: {phone.contact}", header))
    first, again = bench.receive(text, PHONE)[0], bench.receive(text, PHONE)[0]
    assert first == again
    assert len(contacts_told(bench)) == 1


def test_a_binding_runs_out() -> None:
    bench = make_bench()
    Phone(bench).register(expires=60)
    bench.advance(59_999)
    assert len(contacts_told(bench)) == 1
    bench.advance(1)
    assert contacts_told(bench)[1:] == [()]
    assert named(bench, "sip_registration_expired") == 1
    bench.advance(40_000)
    assert set(bench.core.census().values()) == {0}


def test_expiry_has_bounds() -> None:
    bench = make_bench()
    phone = Phone(bench)
    brief = phone.register(expires=29)
    assert (brief.status, brief["min-expires"]) == (423, "30")
    assert contacts_told(bench) == []
    assert "expires=3600" in phone.register(expires=86_400)["contact"]
    assert "expires=300" in phone.register(expires=None)["contact"]
    assert "expires=300" in phone.register(f"{phone.contact};expires=soon")["contact"]
    assert "expires=3600" in phone.register(f"{phone.contact};expires=99999999999999999999")["contact"]


def test_refreshing_unregistering_and_asking() -> None:
    bench = make_bench()
    phone = Phone(bench)
    phone.register(expires=60)
    bench.advance(50_000)
    phone.register(expires=60)
    bench.advance(50_000)
    assert phone.register("")["contact"].startswith("<sip:legevakt2@10.0.0.7:5062>;expires=10")
    assert phone.register(f"{phone.contact};expires=0").all("contact") == []
    assert contacts_told(bench) == [(KEY,), (KEY,), ()]
    assert phone.register("").all("contact") == []
    assert named(bench, "sip_unregistered") == 1


def test_the_asterisk_removes_everything_and_stands_alone() -> None:
    bench = make_bench()
    phone = Phone(bench)
    phone.register("<sip:a@10.0.0.7>", "<sip:b@10.0.0.7>")
    assert len(bench.core.contacts("desk-1")) == 2
    assert phone.register("*").status == 400
    assert phone.register("*", expires=60).status == 400
    assert phone.register("*", phone.contact, expires=0).status == 400
    assert len(bench.core.contacts("desk-1")) == 2
    assert phone.register("*", expires=0).status == 200
    assert contacts_told(bench)[-1] == ()


def test_contacts_are_told_in_the_order_of_preference() -> None:
    bench = make_bench()
    phone = Phone(bench)
    phone.register("<sip:a@h>;q=0.2", "<sip:b@h>;q=0.9")
    assert contacts_told(bench) == [("sip:b@h:", "sip:a@h:")]
    phone.register("<sip:a@h>;q=rubbish")
    assert contacts_told(bench)[-1] == ("sip:a@h:", "sip:b@h:")


def test_beyond_the_limit_the_oldest_contact_goes() -> None:
    """A phone that was switched off and on has another contact, and must not wait for the old one to run out."""
    bench = make_bench()
    phone = Phone(bench)
    for number in range(3):
        phone.register(f"<sip:p{number}@h>")
        bench.advance(1_000)
    assert contacts_told(bench)[-1] == ("sip:p2@h:", "sip:p1@h:")


def test_an_instance_is_one_contact_whatever_its_address() -> None:
    bench = make_bench()
    phone = Phone(bench)
    for port in (5062, 5099):
        phone.flow = replace(PHONE, port=port)
        phone.register(f'<sip:l@10.0.0.7:{port}>;+sip.instance="<urn:uuid:1>";reg-id=1')
    (binding,) = bench.core.contacts("desk-1")
    assert (binding.uri, binding.flow.port) == ("sip:l@10.0.0.7:5099", 5099)
    assert named(bench, "sip_registration_moved") == 1


def test_an_overtaken_request_changes_nothing() -> None:
    bench = make_bench()
    phone = Phone(bench)
    phone.cseq = 10
    phone.register(expires=600)
    phone.cseq = 5
    late = phone.register(f"{phone.contact};expires=0", "<sip:new@h>")
    assert late.status == 500
    assert contacts_told(bench) == [(KEY,)]
    phone.cseq = 5
    assert phone.register("*", expires=0).status == 500
    phone.call_id = "another"  # the phone was restarted: its numbers begin anew
    assert phone.register(f"{phone.contact};expires=0").status == 200


def test_a_device_registers_only_itself() -> None:
    bench = make_bench()
    assert Phone(bench).register(to="<sip:amk1@kak>").status == 403
    assert Phone(bench, username="amk1", password="other").register().status == 200


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ("Contact: <sip:a@h", 400),
        ("Contact: sip:a@h?x=y", 400),
        ("Contact: <sip:" + "a" * 600 + "@h>", 400),
        ("Contact: " + ",".join(f"<sip:a{number}@h>" for number in range(17)), 400),
        ("Require: outbound", 420),
        ('Authorization: Digest username="u"', 400),
        ("Authorization: NoOneKnowsThisScheme opaque-data=here", 401),
    ],
)
def test_what_cannot_be_read_is_refused_without_state(header: str, status: int) -> None:
    bench = make_bench()
    (reply,) = bench.receive(Phone(bench).text("REGISTER", "sip:kak", (header,)), PHONE)
    assert reply.status == status
    assert set(bench.core.census().values()) == {0}


def test_parameters_of_header_and_uri_are_told_apart() -> None:
    """RFC 4475 3.3.12, 3.3.13."""
    bench = make_bench()
    phone = Phone(bench)
    assert phone.register("sip:+19725552222@gw1.example.net;unknownparam")["contact"].startswith(
        "<sip:+19725552222@gw1.example.net>;"
    )
    phone.register(f"{phone.contact};expires=0", "<sip:+19725552222@gw1.example.net;unknownparam>")
    assert "<sip:+19725552222@gw1.example.net;unknownparam>" in bench.sent[-1][1]["contact"]


# --- restart -----------------------------------------------------------------------------------------------------


def test_registrations_outlive_a_kill() -> None:
    bench = make_bench()
    Phone(bench).register(expires=60)
    Phone(bench, username="amk1", password="other").register(expires=600)
    reborn = make_bench(prefix="x")
    reborn.now_ms = bench.now_ms + 50_000
    reborn.core.restore(bench.records, reborn.now_ms)
    reborn.drain()
    told = {one.device: one.contacts for one in reborn.core.devices()}
    assert told["desk-1"] == (KEY,)
    assert len(told["desk-2"]) == 1
    reborn.advance(10_000)
    assert [event.device for event in reborn.events if isinstance(event, DeviceContacts)] == ["desk-1"]
    assert Phone(reborn, cseq=50).register().status == 200


def test_a_device_that_is_no_longer_configured_is_forgotten() -> None:
    bench = make_bench()
    Phone(bench).register()
    registrar = replace(SETTINGS.registrar, devices=SETTINGS.registrar.devices[1:])
    reborn = make_bench(replace(SETTINGS, registrar=registrar))
    reborn.records = dict(bench.records)
    reborn.core.restore(bench.records, bench.now_ms)
    reborn.drain()
    assert reborn.records == {}


def test_a_broken_record_is_counted_and_costs_only_itself() -> None:
    bench = make_bench()
    bench.core.restore({"sip/reg/desk-1": {"device": 1}}, bench.now_ms)
    bench.drain()
    assert named(bench, "sip_record_unreadable") == 1
    assert Phone(bench).register().status == 200


# --- lock-out ----------------------------------------------------------------------------------------------------


def fail(bench: Bench, times: int, flow: Flow, username: str = "legevakt2") -> list[int]:
    return [
        Phone(bench, username=username, password="guess", flow=flow, call_id=f"g{flow.host}{flow.port}{time}")
        .register()
        .status
        for time in range(times)
    ]


def test_an_address_that_guesses_is_locked_for_a_while() -> None:
    bench = make_bench()
    guesser = replace(PHONE, host="198.18.0.9")
    assert fail(bench, 6, guesser) == [401] * 5 + [403]
    assert named(bench, "sip_auth_locked_out") == 2  # the address, and the device it aimed at
    locked = Phone(bench, flow=guesser).register()
    assert (locked.status, int(locked["retry-after"]) > 0) == (403, True)
    bench.advance(SETTINGS.registrar.lock_ms)
    assert Phone(bench, flow=guesser, call_id="later").register().status == 200


def test_a_registered_phone_is_never_locked_out_by_others() -> None:
    bench = make_bench()
    phone = Phone(bench)
    assert phone.register().status == 200
    for number in range(10, 20):
        fail(bench, 1, replace(PHONE, host=f"198.18.0.{number}"))
    assert Phone(bench, flow=replace(PHONE, host="198.18.0.99"), call_id="n").register().status == 403, "device locked"
    assert phone.register().status == 200
    fail(bench, 6, replace(PHONE, port=40_000))  # behind the same NAT
    assert Phone(bench, flow=replace(PHONE, port=41_000), call_id="m").register().status == 403, "address locked"
    assert phone.register().status == 200


def test_a_phone_that_was_switched_off_and_on_at_its_place_is_not_locked_by_others() -> None:
    bench = make_bench()
    Phone(bench).register(expires=60)
    bench.advance(120_000)
    for number in range(10, 20):
        fail(bench, 1, replace(PHONE, host=f"198.18.0.{number}"))
    assert Phone(bench, flow=replace(PHONE, port=6_000), call_id="again").register().status == 200


def test_forged_addresses_lock_nobody() -> None:
    """Who cannot hear the challenge has no nonce of ours for that flow, and nothing he sends is a failure."""
    bench = make_bench()
    forger = Phone(bench, flow=replace(PHONE, host="198.18.0.9"), password="guess")
    (challenged,) = bench.receive(forger.text("REGISTER", "sip:kak", ()), forger.flow)
    header = forger.answer(challenged, "REGISTER", "sip:kak")
    for _ in range(20):
        assert bench.receive(forger.text("REGISTER", "sip:kak", (header,)), PHONE)[0].status == 401
    assert named(bench, "sip_auth_failed") == 0
    assert Phone(bench).register().status == 200


def test_unknown_names_lock_the_address_only() -> None:
    bench = make_bench()
    fail(bench, 5, PHONE, "nobody")
    assert [count.labels["kind"] for count in bench.counts if count.name == "sip_auth_locked_out"] == ["address"]


# --- calls of devices --------------------------------------------------------------------------------------------


def test_a_call_of_a_device_is_challenged_and_says_whose_it_is() -> None:
    bench = make_bench()
    phone = Phone(bench)
    phone.register()
    assert phone.invite("110").status == 100
    call = bench.event(IncomingCall)
    assert isinstance(call, IncomingCall)
    assert (call.device, call.called, call.trunk) == ("desk-1", "110", "devices")


def test_a_call_with_a_wrong_password_is_none() -> None:
    bench = make_bench()
    assert Phone(bench, password="guess").invite("113").status == 401
    assert not [event for event in bench.events if isinstance(event, IncomingCall)]
    assert set(bench.core.census().values()) == {0}


def test_over_its_connection_a_device_needs_no_second_proof() -> None:
    bench = make_bench()
    phone = Phone(bench, flow=replace(PHONE, transport="tcp", connection=3))
    assert phone.invite("*11*1234%23").status == 100  # by digest
    phone.register()
    (reply,) = bench.receive(
        phone.text("INVITE", "sip:113@kak", (f"Contact: {phone.contact}",), to="<sip:113@kak>"), phone.flow
    )
    assert reply.status == 100
    assert [event.called for event in bench.events if isinstance(event, IncomingCall)] == ["*11*1234#", "113"]


def test_a_trunk_that_shares_an_address_with_devices_calls_as_a_trunk() -> None:
    registrar = replace(SETTINGS.registrar, devices=(replace(DEVICE, sources=("192.0.2.0/24",)),))
    settings: SipSettings = replace(SETTINGS, registrar=registrar)
    bench = make_bench(settings)
    bench.receive(Caller().invite())
    call = bench.event(IncomingCall)
    assert isinstance(call, IncomingCall)
    assert (call.device, call.trunk) == ("", "carrier")
    phone = Phone(bench, flow=replace(PEER, port=5999))
    phone.register()
    assert phone.invite("110").status == 100
    assert [event.device for event in bench.events if isinstance(event, IncomingCall)] == ["", "desk-1"]


def test_strangers_calls_are_still_refused() -> None:
    bench = make_bench()
    assert [reply.status for reply in bench.receive(Caller().invite(), STRANGER)] == [403]


def test_numbers_of_messages_are_counted_once_each() -> None:
    bench = make_bench()
    phone = Phone(bench)
    for _ in itertools.repeat(None, 3):
        phone.register()
    assert (named(bench, "sip_registered"), named(bench, "sip_registration_refreshed")) == (1, 2)
