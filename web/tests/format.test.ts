import { describe, expect, it } from "vitest";
import { ageLevel, coordinates, duration, phone, secondsLeft } from "../src/ui/format";

describe("formats", () => {
  it.each([
    [-5, "0:00"],
    [999, "0:00"],
    [61_000, "1:01"],
    [3_599_999, "59:59"],
    [3_722_000, "1:02:02"],
  ])("duration %d ms is %s", (ms, text) => {
    expect(duration(ms)).toBe(text);
  });

  it("seconds left round up and never below zero", () => {
    expect([secondsLeft(1_001, 0), secondsLeft(1_000, 0), secondsLeft(1, 0), secondsLeft(0, 5)]).toEqual([2, 1, 1, 0]);
  });

  it.each([
    ["emergency", 4_999, "ok"],
    ["emergency", 5_000, "warn"],
    ["emergency", 10_000, "late"],
    ["urgent", 30_000, "warn"],
    ["urgent", 60_000, "late"],
    ["normal", 59_999, "ok"],
    ["normal", 120_000, "late"],
  ] as const)("a %s contact of %d ms is %s", (kind, age_ms, level) => {
    expect(ageLevel(kind, age_ms)).toBe(level);
  });

  it.each([
    ["+4799112233", "+47 991 12 233"],
    ["004722334455", "+47 22 33 44 55"],
    ["+46701234567", "+46701234567"],
    ["anonymous", "anonymous"],
  ])("%s is shown as %s", (number, text) => {
    expect(phone(number)).toBe(text);
  });

  it("coordinates have five decimals", () => {
    expect(coordinates(59.9, -10.123456)).toBe("59.90000, -10.12346");
  });
});
