/** Bokmål for what comes without a call: chats, alarms, radios' emergencies. */
export const nbCards = {
  "kind.voice": "Anrop",
  "kind.video": "Videoanrop",
  "kind.chat": "Chat",
  "kind.alarm": "Alarm",
  "kind.radio": "Nødanrop fra radio",

  "chat.deck": "Chatter",
  "chat.offered": "Ny chat",
  "chat.take": "Ta chatten",
  "chat.with": "Chat med {who}",
  "chat.messages": "Meldinger med {who}",
  "chat.write_to": "Skriv til {who}",
  "chat.placeholder": "Skriv svar. Enter sender.",
  "chat.send": "Send",
  "chat.end": "Avslutt",
  "chat.end_sure": "Trykk igjen for å avslutte",
  "chat.answered": "Besvart",
  "chat.waits": "Venter {time}",
  "chat.count": "Chat {count}/{most}",
  "chat.count_hint": "Chatter du har, av så mange du kan ha. Under en samtale kan {in_call} komme.",
  "chat.read": "Les",
  "chat.transcript": "Chat {who}",

  "alarm.from": "Fra",
  "alarm.area": "Område",
  "alarm.source": "Kilde",
  "alarm.no_text": "Ingen tekst",
  "alarm.take": "Ta imot",
  "alarm.done": "Ferdig",
  "alarm.again": "Trykk L en gang til for å avslutte.",

  "keys.chat_take": "Ta chatten som tilbys under en samtale",
  "keys.chat_answer": "Svar i chatten som har ventet lengst",

  "error.not-a-chat": "Dette er ikke en chat.",
} as const;
