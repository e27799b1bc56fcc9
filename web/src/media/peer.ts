/** Small pieces every PeerConnection of this console shares. */

/** Host candidates are there within a few ms; an interface that never answers must not hold the call up. */
const GATHERING_LIMIT_MS = 1_000;

/** Makes the offer and waits until it holds its candidates: the API wants complete SDP, no trickle. */
export async function completeOffer(pc: RTCPeerConnection): Promise<string> {
  await pc.setLocalDescription(await pc.createOffer());
  await gathered(pc);
  const sdp = pc.localDescription?.sdp;
  if (!sdp) throw new Error("the browser made no offer");
  return sdp;
}

function gathered(pc: RTCPeerConnection): Promise<void> {
  return new Promise((resolve) => {
    if (pc.iceGatheringState === "complete") return resolve();
    const done = () => {
      clearTimeout(timer);
      pc.removeEventListener("icegatheringstatechange", look);
      resolve();
    };
    const look = () => {
      if (pc.iceGatheringState === "complete") done();
    };
    const timer = setTimeout(done, GATHERING_LIMIT_MS);
    pc.addEventListener("icegatheringstatechange", look);
  });
}

/** VP8 first where the browser lets us choose: the server forwards video as it comes, so both ends must agree. */
export function preferVp8(transceiver: RTCRtpTransceiver, kind: "sender" | "receiver"): void {
  const all = (kind === "sender" ? RTCRtpSender : RTCRtpReceiver).getCapabilities("video")?.codecs ?? [];
  const vp8 = all.filter((codec) => codec.mimeType.toLowerCase() === "video/vp8");
  if (vp8.length === 0 || typeof transceiver.setCodecPreferences !== "function") return;
  transceiver.setCodecPreferences([...vp8, ...all.filter((codec) => codec.mimeType.toLowerCase() !== "video/vp8")]);
}
