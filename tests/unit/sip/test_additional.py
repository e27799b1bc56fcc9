"""Additional data of an emergency call (RFC 7852)."""

import pytest

from kak_server.sip.additional import MAX_DETAILS, additional_data, read_block
from kak_server.sip.api import DataReference, Detail, IncomingCall
from tests.unit.sip.test_location import invite
from tests.unit.sip.uac import Bench, Caller

NS = "urn:ietf:params:xml:ns:EmergencyCallData"
PROVIDER = (
    f'<ad:EmergencyCallData.ProviderInfo xmlns:ad="{NS}:ProviderInfo"><ad:DataProviderReference>r1@x.example'
    "</ad:DataProviderReference><ad:DataProviderString>Eksempel Mobil AS</ad:DataProviderString><ad:ProviderID>"
    "urn:nena:companyid:1</ad:ProviderID><ad:TypeOfProvider>Access Network Provider</ad:TypeOfProvider>"
    "<ad:ContactURI>tel:+4722000000</ad:ContactURI><ad:Language>nb</ad:Language></ad:EmergencyCallData.ProviderInfo>"
).encode()
SERVICE = (
    f'<s:EmergencyCallData.ServiceInfo xmlns:s="{NS}:ServiceInfo"><s:ServiceEnvironment>Residence'
    "</s:ServiceEnvironment><s:ServiceType>wireless</s:ServiceType><s:ServiceMobility>Mobile</s:ServiceMobility>"
    "</s:EmergencyCallData.ServiceInfo>"
).encode()
DEVICE = (
    f'<d:EmergencyCallData.DeviceInfo xmlns:d="{NS}:DeviceInfo"><d:DeviceClassification>smart-phone'
    "</d:DeviceClassification><d:DeviceMfgr>Eksempel</d:DeviceMfgr><d:DeviceModelNr>9</d:DeviceModelNr>"
    '<d:UniqueDeviceID TypeOfDeviceID="IMEI">350000000000001</d:UniqueDeviceID></d:EmergencyCallData.DeviceInfo>'
).encode()
SUBSCRIBER = (
    f'<u:EmergencyCallData.SubscriberInfo xmlns:u="{NS}:SubscriberInfo" xmlns="urn:ietf:params:xml:ns:vcard-4.0" '
    'privacyRequested="false"><u:SubscriberData><vcards><vcard><fn><text>Kari Nordmann</text></fn>'
    "<tel><parameters><type><text>cell</text></type></parameters><uri>tel:+4790000001</uri></tel>"
    "<adr><parameters><label><text>hidden</text></label></parameters><street>Storgata 1</street>"
    "<locality>Oslo</locality><code>0155</code></adr><lang><language-tag>nb</language-tag></lang>"
    "<note><text>Hjertesyk</text></note></vcard></vcards></u:SubscriberData></u:EmergencyCallData.SubscriberInfo>"
).encode()
COMMENT = (
    f'<c:EmergencyCallData.Comment xmlns:c="{NS}:Comment"><c:Comment xml:lang="nb">Nøkkel hos nabo</c:Comment>'
    '<c:Comment xml:lang="en">Key at the neighbour</c:Comment></c:EmergencyCallData.Comment>'
).encode()


def test_each_block_in_lines() -> None:
    assert read_block("providerinfo", PROVIDER) == (
        Detail("provider", "Eksempel Mobil AS, urn:nena:companyid:1, Access Network Provider, tel:+4722000000, nb"),
    )
    assert read_block("serviceinfo", SERVICE) == (Detail("service", "Residence, wireless, Mobile"),)
    assert read_block("deviceinfo", DEVICE) == (Detail("device", "smart-phone, Eksempel, 9, 350000000000001"),)
    assert read_block("subscriberinfo", SUBSCRIBER) == (
        Detail("subscriber", "Kari Nordmann, +4790000001, Storgata 1 Oslo 0155, nb, Hjertesyk"),
    )
    assert read_block("comment", COMMENT) == (
        Detail("comment", "Nøkkel hos nabo"),
        Detail("comment", "Key at the neighbour"),
    )
    assert read_block("ecall.msd", b"\x00\x01") == (Detail("other-data", "ecall.msd (2 bytes)"),)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not well-formed"),
        (b"<a>", "not well-formed"),
        (b"<a/>", "nothing to read"),
        (b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', "document type"),
        (b"<a>" + b"x" * 40_000 + b"</a>", "too large"),
    ],
)
def test_what_cannot_be_read_says_so(data: bytes, reason: str) -> None:
    for kind in ("providerinfo", "subscriberinfo", "comment"):
        (detail,) = read_block(kind, data)
        assert detail.label == "unreadable-data"
        assert detail.text.startswith(f"{kind}: ")
        assert reason in detail.text


def test_by_value_by_reference_missing_and_unasked() -> None:
    request, parts = invite(
        "Call-Info: <http://example.com/icon.png>;purpose=icon, <cid:two@x>;purpose=EmergencyCallData.Comment",
        "Call-Info: <cid:one@x>;purpose=emergencycalldata.providerinfo, <nonsense",
        "Call-Info: <https://data.example/s?a=1>;purpose=EmergencyCallData.SubscriberInfo",
        "Call-Info: <cid:gone@x>;purpose=EmergencyCallData.DeviceInfo, <mailto:a@b>;purpose=EmergencyCallData.Comment",
        parts=(
            ("application/EmergencyCallData.ProviderInfo+xml", "one@x", PROVIDER),
            ("application/EmergencyCallData.Comment+xml", "two@x", COMMENT),
            ("application/EmergencyCallData.ServiceInfo+xml", "unasked@x", SERVICE),
        ),
    )
    details, references = additional_data(request, parts)
    assert [detail.label for detail in details] == [
        "comment",
        "comment",
        "provider",
        "unreadable-data",
        "unreadable-data",
        "service",
    ]
    assert references == (DataReference("subscriberinfo", "https://data.example/s?a=1"),)


def test_their_number_is_bounded() -> None:
    many = ", ".join(f"<https://x.example/{number}>;purpose=EmergencyCallData.Comment" for number in range(50))
    request, parts = invite(
        f"Call-Info: {many}",
        parts=tuple(("application/EmergencyCallData.Comment+xml", f"{number}@x", COMMENT) for number in range(25)),
    )
    details, references = additional_data(request, parts)
    assert len(details) == MAX_DETAILS
    assert len(references) == 12


def test_a_call_brings_them_along_and_a_lone_block_is_no_reason_to_refuse_it() -> None:
    bench = Bench()
    text = Caller(uri="urn:service:sos").invite(
        body=PROVIDER.decode(),
        content_type="application/EmergencyCallData.ProviderInfo+xml",
        extra=("Resource-Priority: esnet.1, q735.0",),
    )
    assert [reply.status for reply in bench.receive(text)] == [100]
    incoming = bench.event(IncomingCall)
    assert isinstance(incoming, IncomingCall)
    assert incoming.offer_sdp is None
    assert [(detail.label, detail.text[:16]) for detail in incoming.details] == [
        ("priority", "esnet.1, q735.0"),
        ("provider", "Eksempel Mobil A"),
    ]
