"""Chromium itself against a real worker: the audio of a seat, a citizen's video, and a seat that comes back."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, async_playwright

from kak_server.media import rpc
from kak_server.model.ids import LegId, MixId
from tests.support.media_peers import Control, RtpPhone, rtp_leg, running, until
from tests.support.ports import free_port

CHROMIUM = shutil.which("chromium") or ""
pytestmark = [
    pytest.mark.xdist_group("media-worker"),
    pytest.mark.real_peer,
    pytest.mark.skipif(not CHROMIUM, reason="chromium is not installed"),
]

SCRIPT = """
window.kak = {
  context: new AudioContext(),
  peaks: {},
  tone(hz) {
    const oscillator = new OscillatorNode(this.context, {frequency: hz});
    const gain = new GainNode(this.context, {gain: 0.4});
    const out = this.context.createMediaStreamDestination();
    oscillator.connect(gain).connect(out);
    oscillator.start();
    return out.stream.getAudioTracks()[0];
  },
  listen(track, name) {
    const stream = new MediaStream([track]);
    const element = new Audio();
    element.srcObject = stream;
    element.play();
    const analyser = new AnalyserNode(this.context, {fftSize: 4096, smoothingTimeConstant: 0});
    this.context.createMediaStreamSource(stream).connect(analyser);
    const bins = new Float32Array(analyser.frequencyBinCount);
    setInterval(() => {
      analyser.getFloatFrequencyData(bins);
      let best = 0;
      for (let i = 1; i < bins.length; i++) if (bins[i] > bins[best]) best = i;
      this.peaks[name] = bins[best] < -70 ? 0 : best * this.context.sampleRate / analyser.fftSize;
    }, 50);
  },
  async offer(pc) {
    await pc.setLocalDescription(await pc.createOffer());
    if (pc.iceGatheringState !== 'complete')
      await new Promise(done => pc.onicegatheringstatechange = () => pc.iceGatheringState === 'complete' && done());
    return pc.localDescription.sdp;
  },
  async operator(hz) {
    const pc = this.pc = new RTCPeerConnection();
    const names = ['headset', 'speaker'];
    pc.ontrack = event => this.listen(event.track, names[pc.getTransceivers().indexOf(event.transceiver)]);
    pc.addTransceiver(this.tone(hz), {direction: 'sendrecv'});
    pc.addTransceiver('audio', {direction: 'recvonly'});
    return await this.offer(pc);
  },
  async citizen() {
    const pc = this.pc = new RTCPeerConnection();
    const canvas = document.createElement('canvas');
    canvas.width = 320; canvas.height = 240;
    const paint = canvas.getContext('2d');
    let at = 0;
    setInterval(() => {
      paint.fillStyle = 'black'; paint.fillRect(0, 0, 320, 240);
      paint.fillStyle = 'white'; paint.fillRect(at++ % 300, 0, 20, 240);
    }, 40);
    pc.addTransceiver(canvas.captureStream(25).getVideoTracks()[0], {direction: 'sendonly'});
    pc.addTransceiver(this.tone(300), {direction: 'sendonly'});
    return await this.offer(pc);
  },
  async viewer() {
    const pc = this.pc = new RTCPeerConnection();
    pc.addTransceiver('video', {direction: 'recvonly'});
    return await this.offer(pc);
  },
  async answer(sdp) { await this.pc.setRemoteDescription({type: 'answer', sdp}); },
  async inbound(kind, field) {
    for (const report of (await this.pc.getStats()).values())
      if (report.type === 'inbound-rtp' && report.kind === kind) return report[field] || 0;
    return 0;
  },
};
"""


@pytest.fixture
async def new_page() -> AsyncIterator[Any]:
    """Makes pages, each in a browser context of its own."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--autoplay-policy=no-user-gesture-required"]
        )

        async def make() -> Page:
            page = await (await browser.new_context()).new_page()
            await page.goto("about:blank")
            await page.evaluate(SCRIPT)
            return page

        yield make
        await browser.close()


async def connect(page: Page, control: Control, leg: str, role: rpc.WebrtcRole, offer: str, source: str = "") -> None:
    reply = await control.do(rpc.CreateWebrtc(LegId(leg), role, offer, source))
    await page.evaluate("sdp => kak.answer(sdp)", reply.result["answer_sdp"])


async def shows(page: Page, expression: str, timeout_s: float, what: str) -> None:
    deadline = asyncio.get_running_loop().time() + timeout_s
    seen: object = None
    while asyncio.get_running_loop().time() < deadline:
        seen = await page.evaluate(expression)
        if seen is True:
            return
        await asyncio.sleep(0.1)
    peaks = await page.evaluate("kak.peaks")
    raise AssertionError(f"not within {timeout_s} s: {what} ({seen!r}, {peaks})")


async def test_a_seat_in_chromium(tmp_path: Path, new_page: Any) -> None:
    async with running(tmp_path) as (_, control):
        page = await new_page()
        caller, radio = RtpPhone(440.0), RtpPhone(700.0, ssrc=5)
        ports = free_port(), free_port()
        await control.do(rtp_leg("caller", ports[0]))
        await control.do(rtp_leg("radio", ports[1]))
        caller.start(ports[0])
        radio.start(ports[1])
        await connect(page, control, "seat", "operator", await page.evaluate("kak.operator(1000)"))
        await until(lambda: [event.state for event in control.of(rpc.LegMedia)] == ["up"], 10.0, "media up")
        edges = (rpc.Edge("caller", "seat/headset"), rpc.Edge("seat", "caller"), rpc.Edge("radio", "seat/speaker"))
        await control.do(rpc.SetMix(MixId("call"), edges))
        await until(lambda: caller.hears(1_000.0), 10.0, "the caller hears the browser")
        await shows(page, "Math.abs(kak.peaks.headset - 440) < 20", 10.0, "the headset has the caller")
        await shows(page, "Math.abs(kak.peaks.speaker - 700) < 20", 10.0, "the speaker has the radio")
        # the page is loaded again in mid-call: a new connection, the same edges
        await page.reload()
        await page.evaluate(SCRIPT)
        await connect(page, control, "seat", "operator", await page.evaluate("kak.operator(1300)"))
        await until(lambda: caller.hears(1_300.0), 10.0, "the caller hears the browser again")
        await shows(page, "Math.abs(kak.peaks.headset - 440) < 20", 10.0, "the headset has the caller again")
        concealed = await page.evaluate("kak.inbound('audio', 'packetsLost')")
        assert concealed <= 2
        await page.evaluate("kak.pc.close()")
        await until(lambda: control.of(rpc.LegMedia)[-1].state == "closed", 20.0, "DTLS closed")
        caller.close()
        radio.close()


async def test_video_in_chromium(tmp_path: Path, new_page: Any) -> None:
    async with running(tmp_path) as (_, control):
        citizen, viewer = await new_page(), await new_page()
        await connect(citizen, control, "camera", "citizen", await citizen.evaluate("kak.citizen()"))
        await connect(viewer, control, "screen", "viewer", await viewer.evaluate("kak.viewer()"), "camera")
        await shows(viewer, "kak.inbound('video', 'framesDecoded').then(n => n > 50)", 20.0, "pictures")
        assert await viewer.evaluate("kak.inbound('video', 'frameWidth')") > 0
        legs = (await control.do(rpc.GetStats())).result["legs"]
        assert legs["camera"]["frames"] > 50
        assert legs["screen"]["transcoded"] == 0
