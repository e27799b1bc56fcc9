"""Every effect, reason and state of the routing core has a place in the statistics, or is left out on purpose.

When one of these fails, the core has learned something new: decide whether it is a figure (`reducer.py`, `people.py`,
`columns.py`, docs/integrators/statistics.md) or add it here, with why it is none.
"""

from typing import get_args

from kak_server.routing import api
from kak_server.statistics import people
from kak_server.statistics.columns import COLUMNS, INDEX, OTHER_MS
from kak_server.statistics.derived import SIGNED_IN
from kak_server.statistics.reducer import Reducer

NO_FIGURE = {
    api.SetHold: "hold is read off the contact's state",
    api.PositionLeft: "seats have no statistics",
    api.PositionMoved: "seats have no statistics",
    api.SetTimer: "how the core keeps time",
    api.CancelTimer: "how the core keeps time",
    api.MissesTolerated: "the misses are counted; that nobody could be spared is for people to look at",
    api.Forced: "what it leads to is read off the operator's state",
    api.LoanChanged: "a loan changes whom somebody is asked for; what comes of it is counted like other calls",
    api.HandOverChanged: "two people at a position are one operator's time: that of who sits there",
    api.Announce: "what callers hear while they wait is no figure",
    api.Standby: "an offer that ends like others",
    api.RoomChanged: "what it leads to is read off the contacts",
    api.ParticipantJoined: "one contact is one answer, however many take part",
    api.HolderChanged: "likewise",
    api.SearchChanged: "an invitation is counted by nobody, and neither is the search for whom to invite",
    api.Refused: "only arrivals turned away count, which the reducer looks at by itself",
}
EVENTS_SEEN = {  # an event is seen through its effects and the state after it; only these types are looked at
    api.ContactArrived: "to tell a caller turned away from other refusals",
}
EVENTS_THROUGH_EFFECTS = {
    api.Configured,
    api.ConfigChanged,
    api.ContactGone,
    api.ChatIdle,
    api.OperatorSignedIn,
    api.OperatorSignedOut,
    api.ActivitySet,
    api.PositionMedia,
    api.OfferAccepted,
    api.OfferRejected,
    api.ContactConnected,
    api.ConnectFailed,
    api.HangUp,
    api.HoldSet,
    api.ContactDescribed,
    api.TransferToQueue,
    api.ContactDialed,
    api.ContactHandedOver,
    api.HandoverFailed,
    api.ContactPulledBack,
    api.WrapUpDone,
    api.WrapUpExtended,
    api.OperatorForced,
    api.HandOverStarted,
    api.HandOverCancelled,
    api.LoanAsked,
    api.LoanAgreed,
    api.LoanAnswered,
    api.LoanEnded,
    api.RoomStateSet,
    api.TimerFired,
    api.ContactParked,
    api.ParkedTaken,
    api.TransferToOperator,
    api.ColleagueInvited,
    api.ColleagueSought,
    api.ColleagueDropped,
    api.ConsultEnded,
    api.ParticipantQuit,
    api.SupervisorListens,
    api.ContactTakenOver,
}


def test_every_effect_is_a_figure_or_is_none_on_purpose() -> None:
    known = Reducer().handled_effects
    assert known | set(NO_FIGURE) == set(get_args(api.Effect))
    assert not known & set(NO_FIGURE)


def test_every_event_shows_in_effects() -> None:
    assert set(EVENTS_SEEN) | EVENTS_THROUGH_EFFECTS == set(get_args(api.Event))


def test_every_state_has_its_time() -> None:
    assert set(people.BY_STATE) | {api.OperatorState.IDLE, api.OperatorState.BUSY} == set(api.OperatorState)
    assert set(people.BY_ACTIVITY) == set(api.Activity)
    without_operator = {
        api.ContactState.WAITING,
        api.ContactState.OFFERED,
        api.ContactState.HANDED_OVER,
        api.ContactState.PARKED,
        api.ContactState.ENDED,
    }
    assert set(people.BY_CONTACT) | without_operator == set(api.ContactState)


def test_names_and_places_of_columns_agree() -> None:
    """The constants are numbered by hand; the names must be theirs."""
    from kak_server.statistics import columns

    for name, number in INDEX.items():
        assert getattr(columns, name.upper()) == number
    times = [column.name for column in COLUMNS if column.kind is columns.Kind.TIME]
    assert tuple(times) == SIGNED_IN
    assert COLUMNS[OTHER_MS].name == "other_ms"
