import { describe, expect, it } from "vitest";
import { en } from "../src/i18n/en";
import { translate } from "../src/i18n/language";
import { nb, type Word } from "../src/i18n/nb";

const words = Object.keys(nb) as Word[];
const holes = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]).sort();

describe("the dictionaries", () => {
  it("hold the same words", () => {
    expect(Object.keys(en).sort()).toEqual([...words].sort());
  });

  it.each(words)("fill the same holes in both languages: %s", (word) => {
    expect(holes(en[word])).toEqual(holes(nb[word]));
    expect(en[word].trim()).not.toBe("");
    expect(nb[word].trim()).not.toBe("");
  });

  it("are used: no word is left over", () => {
    const sources = import.meta.glob("../src/**/*.{ts,tsx}", { query: "?raw", import: "default", eager: true });
    const code = Object.entries(sources)
      .filter(([path]) => !/\/i18n\/(nb|en)/.test(path))
      .map(([, text]) => text)
      .join("\n");
    const made = [
      /^error\./,
      /^class\./,
      /^state\./,
      /^link\./,
      /^sound\./,
      /^floor\./,
      /^caller\./,
      /^radio\./,
      /^call\./,
      /^top\.reason_/,
      /^far\./,
      /^phone\./,
      /^referral\./,
      /^loan\./,
      /^room\./,
      /^part\./,
      /^figures\./,
      /^mark\./,
      /^offer\./,
      /^flag\.(flagged|blocked)$/,
      /^kind\./,
    ];
    const unused = words.filter((word) => !code.includes(`"${word}"`) && !made.some((prefix) => prefix.test(word)));
    expect(unused).toEqual([]);
  });
});

describe("translate", () => {
  it("fills holes and leaves unknown ones visible", () => {
    expect(translate("en", "seat.taken", { name: "Kari" })).toBe("Taken by Kari");
    expect(translate("en", "seat.taken")).toBe("Taken by {name}");
  });
});
