"""The stand-in server's state and what each command does to it: one seat, invented people, none of the real rules."""

import json
import time
from typing import Any

from aiortc import RTCPeerConnection
from aiortc.contrib.media import MediaRelay
from fastapi import WebSocket, WebSocketDisconnect

Dict = dict[str, Any]


def now() -> int:
    return int(time.time() * 1000)


SERVICES = (("110", "110 Brann"), ("112", "112 Politi"))


class House:
    """All state of the stand-in."""

    def __init__(self) -> None:
        self.seq = 0
        self.sockets: set[WebSocket] = set()
        self.signed_in = False
        self.seat: Dict | None = None
        self.epoch = 3
        self.contact = 0
        self.pcs: set[RTCPeerConnection] = set()
        self.relay = MediaRelay()
        self.video: Any = None
        self.recent: list[Dict] = []
        self.callers: list[Dict] = []
        self.state: Dict = {
            "server": {"name": "kak-dev", "version": "0.1.0", "lab": True},
            "me": self.me("idle", "break"),
            "offer": None,
            "call": None,
            "queues": [
                self.queue("113-oslo", "113 Oslo", "emergency", 2),
                self.queue("113-bergen", "113 Bergen", "emergency", 1),
                self.queue("legevakt", "Legevakt 116117", "normal", 0),
            ],
            "waiting": [],
            "operators": [],
            "talkgroups": [
                self.group(24201, "AMK Oslo 1", True),
                self.group(24202, "AMK Oslo 2", False),
                self.group(24204, "Samvirke nød", True),
                self.group(24205, "Legevakt bil", False),
            ],
            "transfer_targets": [
                {"queue": "113-bergen", "name": "113 Bergen", "room_name": "AMK Bergen"},
                {"queue": "legevakt", "name": "Legevakt 116117", "room_name": "Legevakten i Oslo"},
            ],
            "media": {"state": "none", "generation": "1"},
            "notices": [],
            "handed_over": [],
            "abandoned": [],
            "services": [{"service": name, "label": label, "number": name} for name, label in SERVICES],
            "phone": None,
        }

    def me(self, state: str, activity: str, **more: Any) -> Dict:
        return {
            "operator": "kari", "name": "Kari Nordmann", "position": "oslo-1", "room": "oslo", "activity": activity,
            "reason": "", "state": state, "since_ms": now(), "wrap_up_until_ms": None, **more,
        }  # fmt: skip

    @staticmethod
    def queue(name: str, title: str, kind: str, available: int) -> Dict:
        figures = {"waiting": 0, "longest_since_ms": None, "available": available}
        return {"queue": name, "name": title, "class": kind, **figures}

    @staticmethod
    def group(gssi: int, name: str, on: bool) -> Dict:
        return {
            "gssi": gssi, "name": name, "attached": "attached" if on else "detached", "monitored": on, "floor": "free",
            "talker": None, "cause": "", "level": 0,
        }  # fmt: skip

    def snapshot(self) -> Dict:
        return {"type": "snapshot", "seq": self.seq, "now_ms": now(), **self.state}

    async def send(self, name: str, data: Any) -> None:
        self.seq += 1
        for socket in tuple(self.sockets):
            try:
                await socket.send_text(json.dumps({"type": name, "seq": self.seq, "data": data}))
            except (RuntimeError, WebSocketDisconnect):
                self.sockets.discard(socket)

    async def put(self, name: str, data: Any) -> None:
        """Change the state and tell it."""
        if name == "talkgroup":
            groups = self.state["talkgroups"]
            groups[[g["gssi"] for g in groups].index(data["gssi"])] = data
        elif name == "offer.withdrawn":
            self.state["offer"] = None
        elif name == "call.ended":
            self.state["call"] = None
        elif name == "notice":
            self.state["notices"].append(data)
        elif name in self.state:
            self.state[name] = data
            if name == "call":
                self.state["offer"] = None
        await self.send(name, data)

    def offer(self) -> Dict:
        self.contact += 1
        return {
            "contact": f"c{self.contact}", "epoch": 1, "queue": "113-oslo", "queue_name": "113 Oslo",
            "class": "emergency", "caller": "+4799112233", "caller_source": "p-asserted-identity",
            "arrived_at_ms": now() - 4000, "expires_at_ms": now() + 15000,
            "location_text": "Storgata 12, 0184 Oslo",
        }  # fmt: skip

    async def command(self, name: str, args: Dict) -> Dict:
        handler = getattr(self, "do_" + name.replace(".", "_"))
        result: Dict = await handler(**args) or {}
        return result

    async def do_activity_set(self, activity: str, reason: str) -> None:
        await self.put("me", self.me("idle", activity, reason=reason))

    async def do_contact_accept(self, contact: str, epoch: int) -> None:
        offer = self.state["offer"]
        keep = ("contact", "epoch", "queue", "queue_name", "class", "caller", "caller_source", "arrived_at_ms")
        place = {"text": offer["location_text"], "latitude": 59.91423, "longitude": 10.75231}
        place |= {"radius_m": 25, "problem": ""}
        call = {
            **{key: offer[key] for key in keep}, "answered_at_ms": now(), "state": "connected", "location": place,
            "patch": None, "video": {"state": "none", "url": None, "link_expires_ms": None}, "recording": True,
            "direction": "in", "display": "", "far_end": "answered", "parties": [], "referral": None,
            "can_refer": False,
        }  # fmt: skip
        await self.put("call", call)
        await self.put("me", self.me("busy", "available"))

    async def do_contact_reject(self, contact: str, epoch: int) -> None:
        await self.put("offer.withdrawn", {"contact": contact, "epoch": epoch, "reason": "rejected"})
        await self.put("me", self.me("idle", "available"))

    async def do_contact_hangup(self, contact: str) -> None:
        call = self.state["call"]
        await self.put("call.ended", {"contact": contact, "cause": "operator"})
        await self.put("me", self.me("wrap-up", "available", wrap_up_until_ms=now() + 12000))
        self.recent.insert(0, self.past(call["contact"], call["caller"], call["arrived_at_ms"], True))
        await self.send("recent", {})

    async def do_contact_hold(self, contact: str, on: bool) -> None:
        await self.put("call", {**self.state["call"], "state": "held" if on else "connected"})

    async def do_contact_transfer(self, contact: str, queue: str) -> None:
        await self.do_contact_hangup(contact)

    async def do_contact_patch(self, contact: str, gssi: int, confirmed: bool, owner_ok: bool) -> None:
        name = next(g["name"] for g in self.state["talkgroups"] if g["gssi"] == gssi)
        patch = {"patch": "p1", "gssi": gssi, "name": name, "state": "active", "floor": "free"}
        await self.put("call", {**self.state["call"], "patch": patch})

    async def do_contact_unpatch(self, contact: str) -> None:
        await self.put("call", {**self.state["call"], "patch": None})

    async def do_patch_talk(self, contact: str, on: bool) -> None:
        patch = {**self.state["call"]["patch"], "floor": "talking" if on else "free"}
        await self.put("call", {**self.state["call"], "patch": patch})

    async def do_wrapup_done(self) -> None:
        await self.put("me", self.me("idle", "available"))

    async def do_talkgroup_monitor(self, gssi: int, on: bool) -> None:
        group = next(g for g in self.state["talkgroups"] if g["gssi"] == gssi)
        await self.put("talkgroup", {**group, "monitored": on, "attached": "attached" if on else "detached"})

    async def do_ptt(self, gssi: int, on: bool) -> None:
        group = next(g for g in self.state["talkgroups"] if g["gssi"] == gssi)
        floor = "talking" if on else "free"
        if group["floor"] != floor:
            await self.put("talkgroup", {**group, "floor": floor})

    async def do_video_invite(self, contact: str) -> Dict:
        url = "http://127.0.0.1:8099/v/abc123"
        video = {"state": "invited", "url": url, "link_expires_ms": now() + 600_000}
        await self.put("call", {**self.state["call"], "video": video})
        return {"url": url, "expires_ms": now() + 600_000}

    def past(self, contact: str, caller: str, at_ms: int, answered: bool) -> Dict:
        tracks = [
            {"recording": f"{contact}-{label}", "label": label, "started_at_ms": at_ms, "stored_ms": 84_000,
             "expected_ms": 84_020, "sha256": "00" * 32}
            for label in ("caller", "operator", "radio")
        ]  # fmt: skip
        return {
            "contact": contact, "queue": "113-oslo", "queue_name": "113 Oslo", "caller": caller, "arrived_at_ms": at_ms,
            "answered_at_ms": at_ms + 5000 if answered else None, "ended_at_ms": at_ms + 89_000,
            "operator_name": "Kari Nordmann" if answered else None, "cause": "operator" if answered else "caller",
            "tracks": tracks if answered else tracks[:1], "direction": "in", "parties": [],
        }  # fmt: skip

    async def busy_day(self) -> None:
        """Many waiting, many calls behind, colleagues."""
        ages_s = (2, 6, 14, 25, 20, 45, 70, 15, 40, 90, 130, 200, 10, 5)
        titles = {"emergency": "113 Oslo", "urgent": "113 Bergen", "normal": "Legevakt 116117"}
        waiting = []
        for n, age_s in enumerate(ages_s):
            kind = ("emergency", "emergency", "urgent", "normal")[min(3, n // 4)]
            row = {"contact": f"w{n}", "queue": "q", "queue_name": titles[kind], "class": kind}
            row |= {"caller": f"+479911{2200 + n}" if n != 5 else "", "state": "offered" if n == 0 else "waiting"}
            waiting.append({**row, "arrived_at_ms": now() - age_s * 1000})
        await self.put("waiting", waiting)
        figures = ((4, 25_000, 0), (4, 7_000, 2), (6, 200_000, 1))
        queues = [
            {**queue, "waiting": count, "longest_since_ms": now() - age_ms, "available": free}
            for queue, (count, age_ms, free) in zip(self.state["queues"], figures, strict=True)
        ]
        await self.put("queues", queues)
        people = [
            ("ola", "Ola Nordmann", "busy"),
            ("ingrid", "Ingrid Berg", "idle"),
            ("lars", "Lars Vik", "wrap-up"),
            ("sofie", "Sofie Haugen", "offered"),
        ]
        rows = []
        for n, (who, name, state) in enumerate(people):
            activity = "break" if who == "lars" else "available"
            seat = {"operator": who, "name": name, "position": f"oslo-{n + 2}", "room": "oslo"}
            rows.append({**seat, "activity": activity, "state": state, "since_ms": now() - 61_000 * n})
        await self.put("operators", rows)
        self.recent = [
            self.past(f"r{n}", f"+479922{1100 + n}", now() - 600_000 * (n + 1), n % 5 != 3) for n in range(12)
        ]
        await self.send("recent", {})
