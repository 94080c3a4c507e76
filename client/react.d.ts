/** <Avatar>: the element for React 18 and 19, see react.js. */

import type { ForwardRefExoticComponent, HTMLAttributes, RefAttributes } from "react";

import type { CardWords, VisavisAvatar, VisavisAvatarEvents } from "./visavis-avatar.js";

type Joined<Name extends string> = Name extends `${infer Head}_${infer Tail}`
  ? `${Capitalize<Head>}${Joined<Tail>}`
  : Capitalize<Name>;

type Handlers = {
  [Type in keyof VisavisAvatarEvents as `on${Joined<Type>}`]?: (
    event: CustomEvent<VisavisAvatarEvents[Type]>,
  ) => unknown;
};

export interface AvatarProps
  extends Handlers, Omit<HTMLAttributes<VisavisAvatar>, keyof Handlers | "lang"> {
  /** Whether there is a conversation: set it from a click, browsers play sound only after one. */
  connected?: boolean;
  server?: string;
  avatar?: string;
  voice?: string;
  lang?: string;
  token?: string;
  mode?: "talk" | "open" | "none";
  source?: "dialogue" | "microphone";
  cards?: "off";
  muted?: boolean;
  kiosk?: boolean;
  watched?: boolean;
  /** The person alone, before whatever is behind the element. */
  transparent?: boolean;
  /** "blur", a colour, or the name of a picture of the server's. */
  background?: string;
  /** By which a program commands the session. */
  "session-name"?: string;
  iceServers?: RTCIceServer[];
  resume?: string;
  volume?: number;
  cardWords?: Partial<CardWords>;
}

export const Avatar: ForwardRefExoticComponent<AvatarProps & RefAttributes<VisavisAvatar>>;
/** Prop -> event. */
export const EVENTS: Readonly<Record<string, keyof VisavisAvatarEvents>>;
