/**
 * Every word that the page writes, in one place: translate or rename here. No logic.
 */

export const STATES = {
  idle: "Not connected",
  connecting: "Connecting",
  reconnecting: "Reconnecting",
  waiting: "Waiting",
  failed: "Not connected",
  ready: "Ready",
  listening: "Listening",
  thinking: "Thinking",
  speaking: "Speaking",
};

/** Beside the state, while the server has too little time to draw every picture. Else nothing. */
export const FLUENCY = {
  full: "",
  mouth: "slower picture",
  half: "slower picture",
  still: "picture paused",
};

/** Who has the words: the avatar, or the visitor, whose voice it speaks with. */
export const SOURCES = {
  dialogue: {
    invitation: "Ask by voice or in writing, face to face.",
    empty: "What may I do for you?",
    disclosure: "You are talking to a computer-generated avatar.",
  },
  microphone: {
    invitation: "Speak, and the avatar says it with your voice.",
    empty:
      "What you say, the avatar says, half a second later. It is muted here, or your microphone would hear it; with headphones you can switch its sound on.",
    disclosure: "You are speaking through a computer-generated avatar.",
  },
};

export const GREETINGS = { night: "Good evening", morning: "Good morning", afternoon: "Good afternoon" };

export const TALK = {
  hold: "Hold to talk",
  holding: "Let go to send",
  asking: "Allow the microphone…",
  on: "Microphone on",
  off: "Microphone off",
  tap: "Keep holding while you speak",
};

export const PRIVACY = {
  talk: "Your microphone stays muted until you hold to talk.",
  open: "Your microphone comes on when you start.",
};

/** Cards over the picture, by the reason in connection.js. `{wait}` becomes "in 5 s" or "now". */
export const TROUBLES = {
  full: {
    icon: "people",
    title: "All places are taken",
    text: "Please wait for one to become free. Trying again {wait}.",
  },
  unreachable: {
    icon: "link-off",
    title: "We cannot reach the server",
    text: "Please check the network connection. Trying again {wait}.",
  },
  blocked: {
    icon: "link-off",
    title: "The video cannot get through",
    text: "This network seems to block video calls. Another network may help. Trying again {wait}.",
  },
  lost: {
    icon: "link-off",
    title: "The connection was lost",
    text: "It will be back by itself as soon as the network is, and your conversation goes on.",
  },
  ended: { icon: "people", title: "This conversation has ended", text: "{words}" },
  server: {
    icon: "warning",
    title: "The server has a problem",
    text: "This is not your fault. Trying again {wait}.",
  },
  refused: { icon: "warning", title: "This conversation could not start", text: "{words}" },
  unauthorised: {
    icon: "key",
    title: "An access key is needed",
    text: "Open the link that you were given once more, or enter the key here.",
  },
  unsupported: {
    icon: "warning",
    title: "This browser cannot show live video",
    text: "Please use a current version of Chrome, Edge, Firefox or Safari.",
  },
};

/** Notices above the text box, by the reason in microphone.js. */
export const MICROPHONE = {
  refused: "The microphone is blocked. Type instead, or allow it in the address bar.",
  missing: "No microphone was found. You can type instead.",
  busy: "Another program is using the microphone. You can type instead.",
  insecure: "The microphone needs a secure (https) page. You can type instead.",
};

export const NOTICES = {
  sound: "Your browser is holding the sound back.",
  playSound: "Play sound",
  tryAgain: "Try again",
  tryNow: "Try now",
  startAgain: "Start again",
  dismiss: "Dismiss",
};

/** Why a new conversation begins, by the reason of the element's event `lapsed`. */
export const LAPSED = {
  over: "The conversation could not be kept: this is a new one.",
  lost: "A part of the server failed, and the conversation with it: this is a new one.",
  shutdown: "The server was shut down: a new conversation begins once it is back.",
};

export const DIRECTION = {
  idle: "Start a conversation first.",
  sent: "Sent.",
  understood: "Understood: {styles}.",
  unclear: "That direction was not understood.",
  dropped: "Not understood: {words}.",
  known: "You can ask for: {styles}.",
};

export const LATENCY = {
  none: "Response times",
  replied: "Replied in {seconds} s",
  origins: { speech: "Spoken", text: "Typed", say: "Directed" },
};

/** Making an avatar: what stands over each step, and in a record for what is not filled in. */
export const CREATION = {
  photo: { count: "Step 1 of 2", title: "New avatar" },
  consent: { count: "Step 2 of 2", title: "Consent" },
  making: { count: "A few seconds", title: "Making {name}" },
  done: { count: "Done", title: "{name} is ready" },
  blank: "…",
};

/** Whose face it is, and the words that are kept in the avatar's file. */
export const CONSENT = {
  self: {
    who: "{giver}",
    words: "I am the person in this photo. I allow an avatar to be made of it, and to speak with my face.",
  },
  other: {
    who: "{subject}",
    words: "{subject} has allowed me to have an avatar made of this photo, and to let it speak with their face.",
  },
  nobody: {
    who: "nobody: drawn or generated",
    words: "This face is drawn or generated. It is not the likeness of any real person.",
  },
};

/** What stands in the way of an avatar, by the code in making.js. The server's own words for a photo
 * say what to do, and are shown as they are.
 * @type {Record<string, string>} */
export const FAULTS = {
  "no-photo": "Choose a photo first.",
  "no-picture": "This file is not a picture: choose a JPEG, PNG or WebP file.",
  "too-large": "This photo is over 20 MB: choose a smaller copy of it.",
  unreachable: "The server does not answer. Your photo is still here: try again in a moment.",
  unauthorised: "An access key is needed: open the link that you were given once more.",
  server: "The server could not make the avatar. Try again, or try another photo.",
};
