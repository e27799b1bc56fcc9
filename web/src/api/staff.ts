/** People's days, shift leads and lending between rooms, straight from the server's OpenAPI document. */
import type { components } from "./schema";

type Server = components["schemas"];

export type Reason = Server["Reason"];
/** A skill of the catalogue: what ids in `skills` of other rows are called. */
export type Skill = Server["Skill"];
export type Forced = Server["Forced"];
export type HandOver = Server["HandOver"];
export type HandOverStatus = Server["HandOverStatus"];
export type StaffRow = Server["StaffRow"];
export type Loan = Server["Loan"];
/** A control room: open, closed or evacuated, who said so and why. */
export type RoomRow = Server["RoomRow"];
export type OnLoan = Server["OnLoan"];
/** Somebody of another room, who could be asked for by name. */
export type RoomPerson = Server["RoomPerson"];
