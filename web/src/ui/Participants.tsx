import { useState } from "react";
import type { Call, Party, Service, ServiceResult } from "../api/types";
import { errorText, useLanguage } from "../i18n/language";
import { ColleagueRows } from "./ColleagueRows";
import { duration, phone } from "./format";
import { useDesk, useDeskState, useLive, useNow } from "./hooks";
import { apartFrom, partyName, partyState } from "./words";

/** The services of a triple notification, besides ourselves. */
const TRIPLE = ["110", "112"];

export function tripleServices(services: readonly Service[]): Service[] {
  return services.filter((one) => TRIPLE.includes(one.service));
}

/** Those of them who are not in the call, nor being called. */
export function tripleMissing(services: readonly Service[], call: Call): Service[] {
  const live = call.parties.filter((party) => party.state !== "ended").map((party) => party.label);
  return tripleServices(services).filter((one) => !live.includes(one.label));
}

interface ParticipantsProps {
  call: Call;
  /** X was pressed once. */
  tripleArmed: boolean;
  refused: readonly ServiceResult[];
  onAdd(): void;
  onTriple(): void;
}

/** Who is in the call with the operator: always there, so that nobody who comes or goes moves anything. */
export function Participants({ call, tripleArmed, refused, onAdd, onTriple }: ParticipantsProps) {
  const { t } = useLanguage();
  const { services } = useLive();
  const { busy } = useDeskState();
  const ready = call.state !== "connecting" && call.part === "holder";
  const triple = tripleServices(services);
  const missing = tripleMissing(services, call);
  const live = call.parties.filter((party) => party.state !== "ended");
  const ended = call.parties.filter((party) => party.state === "ended");
  const joined = call.colleagues.filter((one) => one.state === "joined").length;
  return (
    <section className="parties" aria-label={t("party.title")} data-testid="parties">
      <h3 className="parties-title">
        {t("party.title")} <span className="count">{live.length + joined + (call.far_end === "gone" ? 0 : 1)}</span>
      </h3>
      <ul className="scroll parties-list">
        <FarEnd call={call} />
        <ColleagueRows call={call} />
        {live.map((party) => (
          <PartyRow key={party.party} call={call} party={party} />
        ))}
        {refused.map((result) => (
          <li key={result.service} className="party party-refused" data-testid={`service-refused-${result.service}`}>
            <strong className="party-name">
              {services.find((one) => one.service === result.service)?.label ?? result.service}
            </strong>
            <span className="party-state">{errorText(t, result.code)}</span>
          </li>
        ))}
        {ended.map((party) => (
          <PartyRow key={party.party} call={call} party={party} />
        ))}
      </ul>
      <div className="parties-buttons">
        <button type="button" className="button" data-testid="party-add" disabled={!ready} onClick={onAdd}>
          {t("party.add")} <kbd>N</kbd>
        </button>
        {triple.length > 0 && (
          <button
            type="button"
            className="button button-triple"
            data-testid="triple"
            data-armed={tripleArmed ? "yes" : "no"}
            disabled={!ready || missing.length === 0 || busy.has("contact.conference")}
            onClick={onTriple}
            title={missing.map((one) => one.label).join(" + ")}
          >
            {tripleArmed
              ? t("party.triple_armed")
              : t("party.triple", { services: triple.map(short).join("\u00a0+\u00a0") })}{" "}
            <kbd>X X</kbd>
          </button>
        )}
      </div>
    </section>
  );
}

function short(service: Service): string {
  return service.service;
}

function FarEnd({ call }: { call: Call }) {
  const { t } = useLanguage();
  const apart = apartFrom(call);
  const word =
    call.far_end === "gone"
      ? "far.gone"
      : call.state === "held"
        ? "far.held"
        : apart
          ? apart
          : call.state === "connecting" && call.direction === "in"
            ? "call.connecting"
            : (`far.${call.far_end}` as const);
  return (
    <li
      className={`party party-${call.far_end === "gone" ? "ended" : apart || call.state === "held" ? "apart" : call.far_end}`}
      data-testid="far-end"
      data-state={call.far_end}
    >
      <strong className="party-name">
        {call.direction === "out" ? call.display || t("party.called") : call.caller_name || t("party.caller")}
      </strong>
      <span className="party-state">{t(word)}</span>
    </li>
  );
}

function PartyRow({ call, party }: { call: Call; party: Party }) {
  const { t, language } = useLanguage();
  const desk = useDesk();
  const { busy } = useDeskState();
  const now = useNow(useLive().clock_offset_ms);
  const [asked, ask] = useState(false);
  const { contact } = call;
  const over = party.state === "ended";
  const name = partyName(party);
  const apart = party.private && !over;
  const state = partyState(party, language, t, apartFrom(call));
  const again = async () => {
    ask(true);
    await desk.run("party.add", { contact, number: party.number, private: false, label: party.label });
    ask(false);
  };
  return (
    <li
      className={`party party-${party.state} ${apart ? "party-private" : ""}`}
      data-testid={`party-${party.party}`}
      data-state={party.state}
      data-private={apart ? "yes" : "no"}
      data-number={party.number}
    >
      <strong className="party-name" title={phone(party.number)}>
        {name}
      </strong>
      <span className="party-state" title={state}>
        {state}
      </span>
      <span className="party-timer number">{over ? "" : duration(now - party.since_ms)}</span>
      <span className="party-buttons">
        {over ? (
          <button
            type="button"
            className="button button-small"
            data-testid={`party-again-${party.party}`}
            aria-label={t("party.again_name", { name })}
            disabled={asked || call.part !== "holder" || call.state === "connecting"}
            onClick={() => void again()}
          >
            {t("party.again")}
          </button>
        ) : (
          <>
            <button
              type="button"
              className="button button-small"
              data-testid={`party-private-${party.party}`}
              aria-pressed={apart}
              aria-label={t("party.private_name", { name })}
              title={t("party.private_why")}
              disabled={call.part !== "holder" || busy.has("party.private")}
              onClick={() => void desk.run("party.private", { contact, party: party.party, on: !apart })}
            >
              {t("party.private_button")}
            </button>
            <button
              type="button"
              className="button button-small button-drop"
              data-testid={`party-drop-${party.party}`}
              aria-label={t("party.drop_name", { name })}
              title={t("party.drop_name", { name })}
              disabled={call.part !== "holder" || busy.has("party.drop")}
              onClick={() => void desk.run("party.drop", { contact, party: party.party })}
            >
              ✕
            </button>
          </>
        )}
      </span>
    </li>
  );
}
