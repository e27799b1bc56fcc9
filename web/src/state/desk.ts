import { Commander } from "../api/commander";
import { ApiError, type Http } from "../api/http";
import { CLOSED_SEAT_LOST, EventStream, type SocketLike, type StreamState } from "../api/stream";
import type { CommandName, CommandResult, Commands, Seat, ServerMessage, StreamEvent } from "../api/types";
import { Player } from "../media/player";
import { SeatMedia, type SoundState } from "../media/seat";
import { Sounds } from "../media/sounds";
import { PttKey } from "../ptt/lease";
import { type Devices, recallDevices, storeDevices } from "./devices";
import { fromSnapshot, isResumable, type Live, step } from "./live";
import { Store } from "./store";

export interface Toast {
  id: number;
  level: "info" | "warning";
  /** An error code of the API or a word of the dictionary under `toast.`. */
  code: string;
}

export interface DeskState {
  live: Live | null;
  stream: StreamState;
  sound: SoundState;
  /** The browser wants a key press before it plays. */
  soundBlocked: boolean;
  ptt: { held: number | null; refused: string | null };
  selectedGssi: number | null;
  /** Commands on their way; their buttons wait. */
  busy: ReadonlySet<CommandName>;
  toasts: Toast[];
  devices: Devices;
}

/** What a command came to. */
export type Outcome = { ok: true; result: CommandResult } | { ok: false; code: string };

export interface DeskOptions {
  http: Http;
  seat: Seat;
  raw: boolean;
  openSocket(seatEpoch: number, after: number | null): SocketLike;
  /** Somebody else has the seat now; the desk is closed already. */
  onLost(reason: string): void;
  /** The connection is refused: see whether session and seat still stand. */
  onRefused(): void;
}

const TOAST_MS = 6_000;
const MAX_TOASTS = 4;

/** A seated position: the event stream, the commands, the sound and the radio key of one seat. */
export class Desk {
  readonly store: Store<DeskState>;
  readonly media: SeatMedia;
  readonly player: Player;
  readonly ptt: PttKey;
  private readonly sounds = new Sounds();
  private readonly stream: EventStream;
  private readonly commander: Commander;
  private nextToast = 1;
  private open = true;
  private callerTalking = false;
  private byPhone = false;

  constructor(private readonly options: DeskOptions) {
    const { http, seat } = options;
    this.store = new Store<DeskState>({
      live: null,
      stream: "connecting",
      sound: "off",
      soundBlocked: false,
      ptt: { held: null, refused: null },
      selectedGssi: null,
      busy: new Set(),
      toasts: [],
      devices: recallDevices(),
    });
    this.player = new Player(() => this.store.set({ soundBlocked: this.player.blocked }));
    this.media = new SeatMedia({
      raw: options.raw,
      exchange: (sdp) => this.exchange(http, seat, sdp),
      onChange: () => this.soundChanged(),
      microphoneId: () => this.store.get().devices.microphone || null,
    });
    this.stream = new EventStream({
      open: (after) => options.openSocket(seat.seat_epoch, after),
      onMessage: (message) => this.receive(message),
      onState: (state) => this.streamChanged(state),
      onRefused: (code) => (code === CLOSED_SEAT_LOST ? options.onLost("another-tab") : options.onRefused()),
      random: Math.random,
    });
    const tag = `${seat.seat_epoch}-${Date.now().toString(36)}`;
    this.commander = new Commander(tag, (message) => this.stream.send(message));
    this.ptt = new PttKey({
      send: (gssi, on) => this.commander.run("ptt", { gssi, on }),
      onChange: (held, refused) => this.pttChanged(held, refused),
    });
  }

  start(): void {
    this.stream.start();
    this.startSound();
  }

  private startSound(): void {
    void this.media.start().then(() => {
      if (!this.open) return;
      this.sounds.open();
      void this.route();
    });
  }

  stop(): void {
    if (!this.open) return;
    this.open = false;
    this.ptt.releaseAll();
    this.sounds.close();
    this.stream.stop();
    this.commander.clear();
    this.media.stop();
    this.player.close();
  }

  /** Runs a command; false when it was refused, which has then been said in a toast. */
  async run<N extends CommandName>(name: N, args: Commands[N]): Promise<boolean> {
    const outcome = await this.ask(name, args);
    if (!outcome.ok) this.toastOf(outcome.code);
    return outcome.ok;
  }

  /** Runs a command whose answer the caller shows. Never rejects; a lost seat is looked into here. */
  async ask<N extends CommandName>(name: N, args: Commands[N]): Promise<Outcome> {
    this.setBusy(name, true);
    try {
      return { ok: true, result: await this.commander.run(name, args) };
    } catch (problem) {
      const code = problem instanceof ApiError ? problem.code : "network";
      if (code === "not-your-seat") this.options.onRefused();
      return { ok: false, code };
    } finally {
      this.setBusy(name, false);
    }
  }

  /** The operator's key that lets the caller of a patch speak to the group; sent once for each change. */
  callerTalk(contact: string, on: boolean): void {
    if (this.callerTalking === on) return;
    this.callerTalking = on;
    void this.run("patch.talk", { contact, on });
  }

  viewVideo(contact: string, sdp: string): Promise<string> {
    return this.options.http.viewVideo(contact, sdp);
  }

  select(gssi: number): void {
    this.store.set({ selectedGssi: gssi });
  }

  toast(code: string, level: Toast["level"] = "warning"): void {
    const id = this.nextToast++;
    this.store.set({ toasts: [...this.store.get().toasts, { id, level, code }].slice(-MAX_TOASTS) });
    setTimeout(() => this.store.set({ toasts: this.store.get().toasts.filter((toast) => toast.id !== id) }), TOAST_MS);
  }

  /** A key or click came: whatever the browser held back may sound now. */
  unlockSound(): void {
    this.sounds.unlock();
    if (this.player.blocked) void this.player.unlock();
  }

  async changeDevices(devices: Devices): Promise<void> {
    const before = this.store.get().devices;
    storeDevices(devices);
    this.store.set({ devices });
    await this.route();
    if (before.microphone !== devices.microphone) await this.media.changeMicrophone();
  }

  private route(): Promise<void> {
    const { headset, speaker } = this.store.get().devices;
    return this.player.route(headset, speaker);
  }

  private async exchange(http: Http, seat: Seat, sdp: string): Promise<string> {
    try {
      return await http.seatMedia(sdp, seat.seat_epoch);
    } catch (problem) {
      if (problem instanceof ApiError && problem.code === "not-your-seat") this.options.onRefused();
      throw problem;
    }
  }

  private receive(message: ServerMessage): void {
    switch (message.type) {
      case "snapshot":
        this.apply(fromSnapshot(message, Date.now(), this.store.get().live));
        return this.commander.reconnected();
      case "resumed":
        if (!isResumable(this.store.get().live, message.seq)) return this.stream.resync();
        return this.commander.reconnected();
      case "reply":
        return this.commander.reply(message);
      case "ping":
        return;
      case "error":
        return this.toast("bad-request"); // a message of ours was not understood: a fault of this console
      default:
        return this.event(message);
    }
  }

  private event(event: StreamEvent): void {
    const live = this.store.get().live;
    if (!live) return this.stream.resync();
    const next = step(live, event, Date.now());
    if (next.kind === "gap") return this.stream.resync();
    if (next.kind === "stale") return;
    this.apply(next.live);
    if (event.type === "media.reset") this.media.reset();
    if (event.type === "seat.lost") this.options.onLost(event.data.reason);
  }

  private apply(live: Live): void {
    const before = this.store.get();
    const groups = live.talkgroups;
    const selectedGssi = groups.some((g) => g.gssi === before.selectedGssi)
      ? before.selectedGssi
      : ((groups.find((g) => g.monitored) ?? groups[0])?.gssi ?? null);
    this.store.set({ live, selectedGssi });
    this.stream.applied(live.seq);
    this.followPhone(live);
    this.ringFor(before.live, live);
    this.hearFloor(before.live, live);
    this.hearMessage(before.live, live);
  }

  /** While a phone is the position's sound the browser has none: the server would refuse it. */
  private followPhone({ phone }: Live): void {
    const byPhone = phone?.serves ?? false;
    if (byPhone === this.byPhone) return;
    this.byPhone = byPhone;
    if (byPhone) this.media.stop();
    else this.startSound();
  }

  private ringFor(before: Live | null, live: Live): void {
    if (before?.offer?.contact === live.offer?.contact && before?.offer?.epoch === live.offer?.epoch) return;
    if (live.offer) this.sounds.ring(live.offer.class);
    else this.sounds.silence();
  }

  /** The network's answer to our key: a tone, and a refused key is let go (holding on would ask again and again). */
  private hearFloor(before: Live | null, live: Live): void {
    const gssi = this.ptt.group;
    if (gssi === null) return;
    const was = before?.talkgroups.find((g) => g.gssi === gssi)?.floor;
    const is = live.talkgroups.find((g) => g.gssi === gssi)?.floor;
    if (was === is) return;
    if (is === "talking") this.sounds.tone("permit");
    if (is !== "denied" && is !== "revoked") return;
    this.sounds.tone("denied");
    this.ptt.releaseAll();
  }

  /** A citizen has written in one of our chats. */
  private hearMessage(before: Live | null, live: Live): void {
    const heard = new Map(before?.cards.map((card) => [card.contact, card.messages.length]));
    const told = live.cards.some(({ contact, messages }) => {
      const known = heard.get(contact);
      return known !== undefined && messages.length > known && messages.at(-1)?.by === "outside";
    });
    if (told) this.sounds.tone("message");
  }

  private pttChanged(held: number | null, refused: string | null): void {
    this.store.set({ ptt: { held, refused } });
    // The centre has the floor already (a patched caller, a colleague): no grant will come that could sound.
    const group = this.store.get().live?.talkgroups.find((g) => g.gssi === held);
    if (group?.floor === "talking") this.sounds.tone("permit");
    if (!refused) return;
    this.sounds.tone("denied");
    this.toast(refused);
  }

  private streamChanged(stream: StreamState): void {
    this.store.set({ stream });
    // Without the stream nobody renews the key; it must not look pressed.
    if (stream !== "open") this.ptt.releaseAll();
  }

  private soundChanged(): void {
    const { state, headsetStream, speakerStream } = this.media;
    if (this.store.get().sound === "up" && state === "reconnecting") this.sounds.tone("lost");
    this.store.set({ sound: state });
    if (state !== "off") this.player.play(headsetStream, speakerStream);
  }

  private toastOf(code: string): void {
    if (code !== "closed") this.toast(code); // closed: the seat was left, and nobody is there to read it
  }

  private setBusy(name: CommandName, on: boolean): void {
    const busy = new Set(this.store.get().busy);
    if (on) busy.add(name);
    else busy.delete(name);
    this.store.set({ busy });
  }
}
