/**
 * <Avatar>: the element for React 18 and 19, without a build step.
 *
 *   <Avatar ref={face} server="https://avatars.example" avatar="mira" connected={open}
 *     onCaption={({ detail }) => setWords(detail.text.slice(0, detail.heard))} />
 *
 * Props are the element's attributes and properties, `connected`, what any element has (className, style,
 * id, ...), and one for each of its events: `reply_started` is onReplyStarted. The ref is the element.
 */

import { createElement, forwardRef, useEffect, useImperativeHandle, useLayoutEffect, useRef } from "react";

import "./visavis-avatar.js";

// React 19 sets what an element has as a property, React 18 sets attributes, "false" among them: both do
// the same with texts that are attributes alone. All else is set here.
const SWITCHES = ["muted", "kiosk", "watched", "transparent"];
const PROPERTIES = ["iceServers", "resume", "volume", "cardWords", "mode"];

/** Prop -> event. */
export const EVENTS = Object.fromEntries(
  [
    "ready", "pong", "goodbye", "listening", "transcript", "command", "language", "not_understood",
    "thinking", "reply_started", "reply_held", "reply_resumed", "segment_started", "segment_ended", "caption", "card", "staff", "farewell",
    "reply_ended", "receipt", "directed", "pictures", "attended", "error", "message", "cardaway", "state",
    "lapsed", "firstpicture", "cutout", "mic", "micready", "micerror", "playblocked", "label",
  ].map((type) => [`on_${type}`.replace(/_(\w)/g, (_, letter) => letter.toUpperCase()), type]),
);

const OWN = new Set([...SWITCHES, ...PROPERTIES, ...Object.keys(EVENTS), "connected", "className"]);

/** @param {HTMLElement} element @param {Record<string, any>} props */
function apply(element, props) {
  for (const name of PROPERTIES) if (props[name] !== undefined) element[name] = props[name];
  for (const name of SWITCHES) element.toggleAttribute(name, Boolean(props[name]));
}

export const Avatar = forwardRef(function Avatar(props, ref) {
  const element = useRef(null);
  const newest = useRef(props);
  useImperativeHandle(ref, () => element.current, []);

  // Before the paint: the element is never seen with the attributes of the last render.
  useLayoutEffect(() => {
    newest.current = props;
    apply(element.current, props);
  });

  useEffect(() => {
    const { current } = element;
    const listeners = Object.entries(EVENTS).map(([prop, type]) => [
      type, (/** @type {CustomEvent} */ event) => newest.current[prop]?.(event),
    ]);
    for (const [type, listener] of listeners) current.addEventListener(type, listener);
    return () => {
      for (const [type, listener] of listeners) current.removeEventListener(type, listener);
    };
  }, []);

  useEffect(() => {
    if (!props.connected) return undefined;
    const { current } = element;
    // StrictMode mounts twice in a row: only what stays connects.
    const timer = setTimeout(() => current.connect());
    return () => {
      clearTimeout(timer);
      current.disconnect();
    };
  }, [props.connected]);

  const others = Object.fromEntries(Object.entries(props).filter(([name]) => !OWN.has(name)));
  return createElement("visavis-avatar", { ...others, class: props.className, ref: element });
});
