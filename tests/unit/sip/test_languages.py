"""What an INVITE tells of the caller's language."""

import pytest

from kak_server.sip.languages import MAX_LANGUAGES, languages_of
from kak_server.sip.parser import Request, parse

OFFER = "v=0\r\nm=audio 4000 RTP/AVP 8\r\na=hlang-send:se-NO nb *\r\na=hlang-recv:en\r\nm=text 1 RTP/AVP 98\r\n"


def invite(*lines: str) -> Request:
    head = "\r\n".join(["INVITE sip:113@kak.example SIP/2.0", *lines, "Content-Length: 0", "", ""])
    message = parse(head.encode())
    assert isinstance(message, Request)
    return message


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        (["da, en-gb;q=0.8, en;q=0.7"], ("da", "en")),
        (["en;q=0.3, nb-NO", "se;q=0.9"], ("nb", "se", "en")),
        (["*, fr;q=0"], ()),
        ([""], ()),
        (["pl;q=nonsense, uk;q=0.5"], ("pl", "uk")),
        (["x-klingon, 12, thelongone, no"], ("no",)),
        (["no,NO-nb,No"], ("no",)),
    ],
)
def test_accept_language(values: list[str], wanted: tuple[str, ...]) -> None:
    assert languages_of(invite(*(f"Accept-Language: {value}" for value in values)), None, header=True) == wanted


def test_what_is_offered_for_the_conversation_counts_before_what_texts_should_be_in() -> None:
    request = invite("Accept-Language: en")
    assert languages_of(request, OFFER, header=True) == ("se", "nb")
    assert languages_of(request, OFFER.replace("a=hlang-send:se-NO nb *\r\n", ""), header=True) == ("en",)
    assert languages_of(request, "v=0\r\na=hlang-send:se\r\n", header=True) == ("en",), "of no audio"


def test_no_more_than_some_are_kept() -> None:
    many = ", ".join(f"{a}{b}" for a in "abc" for b in "abcdefgh")
    assert len(languages_of(invite(f"Accept-Language: {many}"), None, header=True)) == MAX_LANGUAGES
    assert languages_of(invite(), None, header=True) == ()


def test_the_header_of_a_trunk_that_is_not_believed_says_nothing_and_the_sdp_does() -> None:
    request = invite("Accept-Language: en")
    assert languages_of(request, None, header=False) == ()
    assert languages_of(request, OFFER, header=False) == ("se", "nb")
