import type { nbCards } from "./nb_cards";

/** English for what comes without a call: chats, alarms, radios' emergencies. */
export const enCards: Record<keyof typeof nbCards, string> = {
  "kind.voice": "Call",
  "kind.video": "Video call",
  "kind.chat": "Chat",
  "kind.alarm": "Alarm",
  "kind.radio": "Radio emergency",

  "chat.deck": "Chats",
  "chat.offered": "New chat",
  "chat.take": "Take the chat",
  "chat.with": "Chat with {who}",
  "chat.messages": "Messages with {who}",
  "chat.write_to": "Write to {who}",
  "chat.placeholder": "Write an answer. Enter sends.",
  "chat.send": "Send",
  "chat.end": "End",
  "chat.end_sure": "Press again to end",
  "chat.answered": "Answered",
  "chat.waits": "Waits {time}",
  "chat.silent": "Nobody has written for {time}.",
  "chat.silent_ours": "They have waited {time} for your answer.",
  "chat.silent_ends": "Nobody has written for {time}. Ends in {left} unless somebody writes.",
  "chat.count": "Chats {count}/{most}",
  "chat.count_hint": "Chats you have, of as many as you may have. {in_call} may come during a call.",
  "chat.read": "Read",
  "chat.transcript": "Chat {who}",

  "alarm.from": "From",
  "alarm.area": "Area",
  "alarm.source": "Source",
  "alarm.no_text": "No text",
  "alarm.take": "Take it",
  "alarm.done": "Done",
  "alarm.again": "Press L once more to end it.",
  "alarm.give_how": "The colleague gets it and you are free at once. It comes back to you if nobody takes it.",

  "keys.chat_take": "Take the chat that is offered during a call",
  "keys.chat_answer": "Answer in the chat that has waited longest",

  "error.not-a-chat": "This is not a chat.",
  "error.not-a-call": "This is not a call: nobody is heard in it.",
};
