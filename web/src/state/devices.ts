/** Which microphone, headset and loudspeaker this machine uses; empty is the system's default. Kept by the browser. */
export interface Devices {
  microphone: string;
  headset: string;
  speaker: string;
}

const KEY = "kak-devices";
const DEFAULTS: Devices = { microphone: "", headset: "", speaker: "" };

export function recallDevices(): Devices {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(KEY) ?? "{}");
    return typeof stored === "object" && stored !== null ? { ...DEFAULTS, ...stored } : DEFAULTS;
  } catch {
    return DEFAULTS;
  }
}

export function storeDevices(devices: Devices): void {
  localStorage.setItem(KEY, JSON.stringify(devices));
}
