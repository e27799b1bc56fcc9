"""Whatever the DNS says, the search ends, keeps its bounds and loses nothing; weights have the chances of RFC 2782."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from kak_server.sip.api import Transport, Want
from kak_server.sip.resolver import MAX_TARGETS, Address, Naptr, Query, Record, Srv, locate, order_srv

NAMES = st.sampled_from(["x", "_sip._udp.x", "_sip._tcp.x", "_sips._tcp.x", "h1", "h2", "192.0.2.1", ""])
SRV = st.builds(Srv, st.integers(0, 3), st.integers(0, 65_535), st.integers(0, 65_535), NAMES)
NAPTR = st.builds(
    Naptr,
    st.integers(0, 3),
    st.integers(0, 3),
    st.sampled_from(["s", "S", "a", "u", ""]),
    st.sampled_from(["SIP+D2U", "SIP+D2T", "SIPS+D2T", "sip+d2u", "SIP+D2S", ""]),
    NAMES,
)
ADDRESS = st.sampled_from([Address("192.0.2.1"), Address("192.0.2.2"), Address("2001:db8::1")])
TRANSPORTS: tuple[Transport, ...] = ("udp", "tcp", "tls")


@settings(max_examples=300, deadline=None)
@given(
    st.dictionaries(
        st.builds(Query, NAMES, st.sampled_from(["NAPTR", "SRV", "A", "AAAA"])),
        st.lists(st.one_of(SRV, NAPTR, ADDRESS), max_size=6).map(tuple),
    ),
    st.builds(
        Want,
        st.just("x"),
        st.none() | st.integers(1, 65_535),
        st.sampled_from(["", "udp", "tcp", "tls", "sctp"]),
        st.booleans(),
        st.permutations(TRANSPORTS).map(tuple),
    ),
)
def test_every_search_ends_within_bounds(zone: dict[Query, tuple[Record, ...]], want: Want) -> None:
    answers: dict[Query, tuple[Record, ...]] = {}
    for _ in range(4):
        step = locate(want, answers, "seed")
        if not step.queries:
            break
        assert not answers.keys() & set(step.queries)
        answers |= {query: zone.get(query, ()) for query in step.queries}
    else:
        raise AssertionError("a fifth round")
    assert len(step.targets) <= MAX_TARGETS
    for target in step.targets:
        assert target.transport in want.usable
        assert target.transport == "tls" or not want.secure


@settings(max_examples=200, deadline=None)
@given(st.lists(SRV, max_size=12), st.text(max_size=8))
def test_order_is_a_permutation_by_priority(records: list[Srv], seed: str) -> None:
    ordered = order_srv(records, seed)
    assert Counter(ordered) == Counter(records)
    assert [record.priority for record in ordered] == sorted(record.priority for record in records)


def test_weights_are_chances() -> None:
    """Weights 70, 20, 10: first that often of 3,000 draws, within four standard deviations."""
    records = [Srv(1, 10, 1, "c"), Srv(1, 70, 1, "a"), Srv(1, 20, 1, "b")]
    rounds = 3000
    first = Counter(order_srv(records, f"seed{number}")[0].target for number in range(rounds))
    for name, chance in (("a", 0.7), ("b", 0.2), ("c", 0.1)):
        deviation = (rounds * chance * (1 - chance)) ** 0.5
        assert abs(first[name] - rounds * chance) < 4 * deviation, first
