"""What a dialog has agreed, in the journal."""

from hypothesis import given
from hypothesis import strategies as st

from kak_server.model.codec import from_json
from kak_server.sip.session import PLAIN, Reoffer, Session, sparse


def test_a_plain_session_is_nothing_and_most_are_little() -> None:
    assert sparse(PLAIN) == {}
    assert sparse(Session(peer_updates=True)) == {"peer_updates": True}


@given(st.from_type(Session))
def test_written_and_read_again(session: Session) -> None:
    assert from_json(Session, sparse(session)) == session


def test_what_is_inside_is_whole() -> None:
    value = sparse(Session(reoffer=Reoffer("v=0", cseq=7)))
    assert value["reoffer"]["cseq"] == 7
    assert value["reoffer"]["tries"] == 0
