/** Who is signed in, and where: people, seats and their phones. */

export interface User {
  operator: string;
  name: string;
  roles: string[];
  skills: Record<string, number>;
  rooms: string[];
}

export type PhoneState = "unregistered" | "registered" | "silent" | "ringing" | "in-call";

/** The position's SIP phone. */
export interface Phone {
  device: string;
  /** It is the position's sound in place of the browser. */
  serves: boolean;
  state: PhoneState;
}

export interface Session {
  user: User;
  csrf: string;
}

export interface PositionRow {
  position: string;
  room: string;
  room_name: string;
  name: string;
  taken_by: string | null;
  /** How it is with the phone that belongs to the position, if one does. */
  phone: PhoneState | null;
}

export interface Seat {
  position: string;
  seat_epoch: number;
}
