/** <visavis-avatar>: docs/embedding.md describes attributes, methods, properties and events. */

export type State = "idle" | "connecting" | "connected" | "reconnecting" | "waiting" | "failed";

/** Why there is no connection, see element/connection.js. */
export type Reason =
  | "unsupported" | "unreachable" | "full" | "unauthorised" | "refused" | "server" | "blocked"
  | "lost" | "over" | "ended";

export interface Card {
  kind: "picture" | "link" | "map";
  title: string;
  address: string;
  text: string;
  image: string;
}

export interface Caption {
  turn: number;
  text: string;
  /** Characters of `text` that have been said. */
  heard: number;
}

/** What a picture is labelled with, and where: left, top, width and height as shares of it. */
export interface Labelled {
  text: string;
  box: [number, number, number, number];
}

/** What the server tells, by type: docs/api.md#from-the-server. */
export interface ServerMessages {
  ready: {
    protocol: number;
    session: string;
    avatar: string;
    voice: string;
    source: "dialogue" | "microphone" | "voice" | (string & {});
    /** A secret: whoever has it is told what was said. */
    resume: string;
    resumed: boolean;
    taken: number;
    history: { turn: number; who: "visitor" | "avatar"; text: string }[];
    captions: Caption[];
    takes: string[];
    fluency: Fluency;
    language: string;
    attended: Attendance;
    voice_mood: boolean;
    epoch: number;
    size: [number, number];
    matte: number;
    label: Labelled | null;
    /** Who says in words that a computer speaks; "page": who shows the session must. */
    disclosure: "reply" | "told" | "page" | "nobody" | (string & {});
  };
  pong: { t: number; at_ms: number };
  goodbye: { reason: "idle" | "length" | "shutdown" | "staff" | "consent"; message: string };
  listening: { active: boolean };
  transcript: { turn: number; text: string; final: boolean };
  command: { turn: number; command: string };
  language: { language: string };
  not_understood: { turn: number; why: "foreign" | "unclear" };
  thinking: { turn: number };
  reply_started: { turn: number; at_ms: number };
  reply_held: { turn: number };
  reply_resumed: { turn: number; at_ms: number };
  segment_started: { segment: number; at_ms: number };
  segment_ended: { segment: number; position: number; interrupted: boolean };
  caption: Caption;
  card: { turn: number; card: Card };
  staff: { turn: number; reason: string };
  farewell: { turn: number };
  reply_ended: {
    turn: number;
    reason: "done" | "interrupted" | "failed";
    heard: string;
    unsaid: string[];
  };
  receipt: {
    turn: number;
    origin: "speech" | "text" | "say";
    transcript: number | null;
    first_clause: number | null;
    first_sound: number | null;
    first_picture: number | null;
    interrupted: number | null;
    ended: number | null;
    skew: number | null;
    tools: number[];
  };
  directed: { styles: string[]; dropped: string[]; known: string[] };
  pictures: { fluency: Fluency };
  attended: { by: Attendance };
  error: { code: string; message: string };
}

export type Fluency = "full" | "mouth" | "half" | "few" | "still";
export type Attendance = "nobody" | "watching" | "answering" | "speaking";

type Told<Type extends keyof ServerMessages> = { type: Type } & ServerMessages[Type];

/** Any of them, with its type. */
export type ServerMessage = { [Type in keyof ServerMessages]: Told<Type> }[keyof ServerMessages];

/** `detail` of each event of the element. */
export type VisavisAvatarEvents = { [Type in keyof ServerMessages]: Told<Type> } & {
  message: ServerMessage;
  cardaway: Record<string, never>;
  state: { state: State; reason: Reason | ""; words: string; code: string; retryInMs: number };
  lapsed: { reason: "over" | "lost" | "shutdown" };
  firstpicture: { ms: number };
  /** How a `transparent` one is composed, and why not better. */
  cutout: { by: "webgl" | "canvas" | "opaque"; why: string };
  /** Where the label is seen, px of the element. */
  label: { box: { left: number; top: number; right: number; bottom: number } | null };
  mic: { on: boolean };
  micready: Record<string, never>;
  micerror: { reason: "refused" | "missing" | "busy" | "insecure" };
  playblocked: Record<string, never>;
};

/** State, receipts and statistics of a conversation, see element/session.js. */
export interface Session extends EventTarget {
  readonly state: State;
  readonly reason: Reason | "";
  readonly words: string;
  readonly code: string;
  readonly id: string;
  readonly active: boolean;
  readonly marks: Readonly<Record<string, number>>;
  readonly receipts: readonly ServerMessages["receipt"][];
  readonly clock: { readonly roundTripMs: number | null; readonly offsetMs: number | null };
  readonly fluency: Fluency;
  readonly voiceMood: boolean;
  readonly disclosure: ServerMessages["ready"]["disclosure"];
  jitterBufferMs: number;
  resume: string;
  stats(): Promise<Record<string, unknown> | null>;
}

/** What a card itself says. */
export interface CardWords {
  picture: string;
  link: string;
  map: string;
  close: string;
  open: string;
  openMap: string;
  scan: string;
  enlarge: string;
  reduce: string;
}

export class VisavisAvatar extends HTMLElement {
  static readonly observedAttributes: string[];

  /** For networks that need other relays than the server offers; set before connect(). */
  iceServers: RTCIceServer[];
  readonly session: Session;
  mode: "talk" | "open" | "none";
  muted: boolean;
  /** From 0 to 1. */
  volume: number;
  /** Token of a session to go on with; set before connect(). */
  resume: string;
  readonly card: Card | null;
  readonly micOn: boolean;
  readonly micReady: boolean;
  /** From 0 to 1. */
  readonly micLevel: number;
  set cardWords(words: Partial<CardWords>);

  /** Begin, from a click: browsers play sound only after one. It reconnects by itself. */
  connect(): void;
  disconnect(): Promise<void>;
  /** End the conversation and begin another one under the same picture. */
  renew(): void;
  /** Stand still and cost little meanwhile. */
  rest(on: boolean): void;
  retryNow(): void;
  /** Have these words of the visitor answered; false: there is no conversation. */
  ask(text: string): boolean;
  /** Have exactly this said. */
  say(text: string, style?: string): boolean;
  interrupt(): boolean;
  /** Direct it in plain words, such as "appear thoughtful". */
  direct(prompt: string): boolean;
  /** Listen, or cease to; true when the microphone is as wanted. */
  mic(on: boolean): Promise<boolean>;
  hideCard(): void;
  /** Start the sound from a click, after `playblocked`. */
  play(): Promise<void>;

  addEventListener<Type extends keyof VisavisAvatarEvents>(
    type: Type,
    listener: (this: VisavisAvatar, event: CustomEvent<VisavisAvatarEvents[Type]>) => unknown,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject,
    options?: boolean | AddEventListenerOptions,
  ): void;
  removeEventListener<Type extends keyof VisavisAvatarEvents>(
    type: Type,
    listener: (this: VisavisAvatar, event: CustomEvent<VisavisAvatarEvents[Type]>) => unknown,
    options?: boolean | EventListenerOptions,
  ): void;
  removeEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject,
    options?: boolean | EventListenerOptions,
  ): void;
}

declare global {
  interface HTMLElementTagNameMap {
    "visavis-avatar": VisavisAvatar;
  }
}
