/**
 * What a page shows as `window.visavis = session.hooks()`, which tests may read:
 *   state         "idle" | "connecting" | "connected" | "reconnecting" | "waiting" | "failed"
 *   reason        why it waits or failed (see connection.js), or ""
 *   id            the server's session id
 *   marks         ms from connect() to offer, answer, connected, ready and firstPicture
 *   firstPictureMs  marks.firstPicture, or null before the first picture
 *   fluency       how fluent the server draws the face now: "full" unless it has too little time
 *   voiceMood     whether the server hears in the voice, too, how a visitor feels
 *   disclosure    who says in words that a computer speaks: "reply", "told", "page" or "nobody"
 *   clock         {roundTripMs, offsetMs}: session clock = performance.now() + offsetMs
 *   receipts      the server's receipts, newest last, at most 200
 *   messages      {at, way: "in" | "out", type, turn}, newest last, at most 1000; `at` is
 *                 performance.now(); neither pings nor what anybody said
 *   stats()       a promise of what stats.js describes, null without a connection
 */

/** @param {import("./session.js").Session} session */
export function hooks(session) {
  return Object.freeze({
    get state() { return session.state; },
    get reason() { return session.reason; },
    get id() { return session.id; },
    get marks() { return { ...session.marks }; },
    get firstPictureMs() { return session.marks.firstPicture ?? null; },
    get fluency() { return session.fluency; },
    get voiceMood() { return session.voiceMood; },
    get disclosure() { return session.disclosure; },
    get clock() { return { ...session.clock }; },
    get receipts() { return [...session.receipts]; },
    get messages() { return [...session.messages]; },
    stats: () => session.stats(),
  });
}
