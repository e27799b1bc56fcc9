"""The bits that stand for lanes; `lanes.py` says who is open for which."""

LIGHT = 1  # chats
QUIET = 2  # calls that do not interrupt chats
CALL = 4  # calls that do
EMERGENCY = 8  # emergencies of any room
FREE = 16  # what may take a room's reserve: emergencies, and calls out that are left with nobody
OWN = 32  # emergencies whose own room is the operator's
EMERGENCIES = EMERGENCY | FREE | OWN
