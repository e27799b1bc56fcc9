import { useEffect, useState } from "react";
import type { RoomPerson } from "../api/staff";
import { useApp } from "./rights";

/** Of fewer letters half the country would be found. */
const MIN_LETTERS = 2;
/** Whoever types is not asked for at each key. */
const TYPING_MS = 200;
/** People of other rooms come and go, get calls and end them: looked up again while the list is open. */
const AGAIN_MS = 5_000;
const NOBODY: readonly RoomPerson[] = [];

/** Who is signed in in any room, by name or room; nobody until two letters are there, or while the server does not say. */
export function useFound(text: string): readonly RoomPerson[] {
  const { http } = useApp();
  const wanted = text.trim();
  const [found, setFound] = useState<{ of: string; people: readonly RoomPerson[] }>({ of: "", people: NOBODY });
  useEffect(() => {
    if (wanted.length < MIN_LETTERS) return;
    let gone = false;
    let timer: ReturnType<typeof setTimeout>;
    const look = async () => {
      const people = await http.findPeople(wanted).catch(() => NOBODY);
      if (gone) return;
      setFound({ of: wanted, people });
      timer = setTimeout(() => void look(), AGAIN_MS);
    };
    timer = setTimeout(() => void look(), TYPING_MS);
    return () => {
      gone = true;
      clearTimeout(timer);
    };
  }, [http, wanted]);
  return found.of === wanted ? found.people : NOBODY;
}
