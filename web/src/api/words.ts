/** The few words a field may hold. */

export type ContactClass = "emergency" | "urgent" | "normal";
export type CallerSource = "p-asserted-identity" | "from" | "none";
export type Activity = "available" | "break" | "after-call-work";
export type OperatorState = "idle" | "offered" | "busy" | "wrap-up" | "unreachable";
export type Floor = "free" | "requested" | "queued" | "talking" | "denied" | "revoked";
