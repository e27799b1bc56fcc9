/** Moves of a live call, what is known of its caller, explanations and figures, straight from the server's OpenAPI document. */
import type { components } from "./schema";

type Server = components["schemas"];

export type Colleague = Server["Colleague"];
export type Search = NonNullable<Server["Call"]["search"]>;
export type NobodyCame = Server["NobodyCame"];
export type Parked = Server["Parked"];
export type Repeat = Server["Repeat"];
export type Flag = NonNullable<Server["Call"]["flag"]>;
export type NumberFlag = Server["NumberFlag"];
export type Incident = Server["Incident"];
export type Part = Server["Call"]["part"];
export type Explanation = Server["ContactExplanation"];
export type ExplanationStep = Server["ExplanationStep"];
export type Considered = Server["ConsideredOperators"];
export type LiveStatistics = Server["LiveStatistics"];
export type LiveRow = Server["LiveRow"];
