/**
 * Holds the types of src/api against src/api/schema.d.ts, which is generated from the server's OpenAPI document. The checks
 * are types: `tsc` fails where the two differ. The last test sees to it that the generated file is current.
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { expect, expectTypeOf, it } from "vitest";
import type { components } from "../src/api/schema";
import type * as api from "../src/api/types";

type Server = components["schemas"];

it("knows the server's objects", () => {
  expectTypeOf<api.Session>().toEqualTypeOf<Server["SessionInfo"]>();
  expectTypeOf<api.PositionRow>().toEqualTypeOf<Server["PositionRow"]>();
  expectTypeOf<api.Seat>().toEqualTypeOf<Server["Seated"]>();
  expectTypeOf<api.Offer>().toEqualTypeOf<Server["Offer"]>();
  expectTypeOf<api.Call>().toEqualTypeOf<Server["Call"]>();
  expectTypeOf<api.Queue>().toEqualTypeOf<Server["Queue"]>();
  expectTypeOf<api.Waiting>().toEqualTypeOf<Server["Waiting"]>();
  expectTypeOf<api.OperatorRow>().toEqualTypeOf<Server["OperatorRow"]>();
  expectTypeOf<api.Talkgroup>().toEqualTypeOf<Server["Talkgroup"]>();
  expectTypeOf<api.Notice>().toEqualTypeOf<Server["Notice"]>();
  expectTypeOf<api.Me>().toEqualTypeOf<Server["Me"]>();
  expectTypeOf<api.Snapshot>().toEqualTypeOf<Server["Snapshot"]>();
  expectTypeOf<api.RecentCall>().toEqualTypeOf<Server["RecentCall"]>();
  expectTypeOf<api.Lab>().toEqualTypeOf<Server["LabState"]>();
});

it("understands every message of the stream", () => {
  expectTypeOf<Server["ServerMessage"]>().toExtend<api.ServerMessage>();
  expectTypeOf<api.ServerMessage["type"]>().toEqualTypeOf<Server["ServerMessage"]["type"]>();
});

it("sends only commands the server takes", () => {
  type ServerCommand = Exclude<Server["ClientMessage"], { type: "pong" }>;
  type Ours = {
    [N in api.CommandName]: { type: "command"; id: string; name: N; args: api.Commands[N] };
  }[api.CommandName];
  expectTypeOf<Ours>().toExtend<ServerCommand>();
  expectTypeOf<api.CommandName>().toEqualTypeOf<ServerCommand["name"]>();
});

it("has types generated from the current document", () => {
  const made = execFileSync("npx", ["--no-install", "openapi-typescript", "../docs/integrators/openapi.json"], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  expect(readFileSync("src/api/schema.d.ts", "utf8") === made, "run `npm run types`").toBe(true);
}, 30_000);
