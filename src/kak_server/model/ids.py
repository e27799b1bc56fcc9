"""Identifiers. All are opaque strings; the shells make them, the pure rooms only compare them."""

from typing import NewType

ContactId = NewType("ContactId", str)  # one citizen's call, video call, alarm: the thing that is routed
CallId = NewType("CallId", str)  # one SIP call leg of ours (not the SIP Call-ID header, which may be forked)
LegId = NewType("LegId", str)  # one media leg in a worker
MixId = NewType("MixId", str)  # one set of who-hears-whom edges in a worker
RecordingId = NewType("RecordingId", str)  # one recorded track
OperatorId = NewType("OperatorId", str)  # a person
PositionId = NewType("PositionId", str)  # a seat
RoomId = NewType("RoomId", str)  # a control room
QueueId = NewType("QueueId", str)  # a service in an area
SessionId = NewType("SessionId", str)  # one sign-in of one browser tab's user
Gssi = NewType("Gssi", int)  # a talkgroup's short subscriber identity
Issi = NewType("Issi", int)  # a radio's short subscriber identity
