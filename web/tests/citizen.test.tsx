import { cleanup, render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { act } from "react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { CitizenPage } from "../src/citizen/CitizenPage";
import { type Answer, appWith, microphone as camera, FakePeer, installBrowser, refusal, settle } from "./fakes";

const OPEN = { "GET /video/abc": [200, { state: "open", language: "nb" }] as Answer };

async function page(answers: Parameters<typeof appWith>[0] = {}) {
  const setup = appWith({ ...OPEN, "POST /video/abc/media": [200, { sdp: "answer" }], ...answers });
  render(<CitizenPage http={setup.http} token="abc" />);
  await act(settle);
  return { ...setup, user: userEvent.setup() };
}

const state = () => screen.getByTestId("citizen-state").dataset["state"];

beforeEach(() => installBrowser());
afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

describe("the citizen's page", () => {
  it("explains in the link's language, and sends only the camera after the button", async () => {
    const { user } = await page({ "GET /video/abc": [200, { state: "open", language: "en" }] });
    expect(screen.getByText(/operator you are talking to/)).toBeVisible();
    expect(camera.tracks).toHaveLength(0);
    await user.click(screen.getByTestId("citizen-start"));
    await act(settle);
    expect(camera.tracks.map((track) => track.kind)).toEqual(["video"]);
    expect(FakePeer.last().transceivers).toMatchObject([{ kind: "video", direction: "sendonly" }]);
    expect(FakePeer.last().remote).toBe("answer");
    act(() => FakePeer.last().become("connected"));
    expect(state()).toBe("live");
    await user.click(screen.getByTestId("citizen-stop"));
    expect(state()).toBe("stopped");
    expect(camera.tracks[0]?.stopped).toBe(true);
    expect(FakePeer.last().closed).toBe(true);
  });

  it.each([
    ["expired", [200, { state: "expired", language: "nb" }] as Answer],
    ["gone", [410, refusal("gone")] as Answer],
    ["unknown", [404, refusal("not-found")] as Answer],
  ])("a link that is %s is said kindly, without a button", async (_, answer) => {
    await page({ "GET /video/abc": answer });
    expect(state()).toBe("expired");
    expect(screen.queryByTestId("citizen-start")).toBeNull();
  });

  it("a refused camera is explained and can be tried again", async () => {
    camera.refuse = true;
    const { user } = await page();
    await user.click(screen.getByTestId("citizen-start"));
    await act(settle);
    expect(state()).toBe("refused");
    camera.refuse = false;
    await user.click(screen.getByTestId("citizen-start"));
    await act(settle);
    expect(state()).toBe("connecting");
  });

  it("a call that is over while connecting ends the video", async () => {
    const { user } = await page({ "POST /video/abc/media": [410, refusal("gone")] });
    await user.click(screen.getByTestId("citizen-start"));
    await act(settle);
    expect(state()).toBe("expired");
    expect(camera.tracks[0]?.stopped).toBe(true);
  });

  it("the camera does not outlive the call, and a lost connection is tried again", async () => {
    const { user, answers } = await page();
    await user.click(screen.getByTestId("citizen-start"));
    await act(settle);
    vi.useFakeTimers();
    act(() => FakePeer.last().become("connected"));
    act(() => FakePeer.last().become("failed"));
    expect(state()).toBe("lost");
    await act(() => vi.advanceTimersByTimeAsync(500));
    expect(FakePeer.made).toHaveLength(2);
    vi.useRealTimers();
    act(() => FakePeer.last().become("connected"));
    answers["GET /video/abc"] = [410, refusal("gone")];
    await vi.waitFor(() => expect(state()).toBe("expired"), { timeout: 6_000 });
    expect(camera.tracks[0]?.stopped).toBe(true);
  }, 10_000);
});
