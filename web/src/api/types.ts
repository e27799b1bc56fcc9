/**
 * The position API's objects and messages, as docs/integrators/position-api.md describes them. Times are UTC
 * milliseconds (`*_ms`). `tests/schema.test.ts` holds these files against the types generated from the server's OpenAPI.
 */

export type * from "./calls";
export type * from "./lab";
export type * from "./lists";
export type * from "./protocol";
export type * from "./recent";
export type * from "./session";
export type * from "./words";
