// What a user of the npm package writes, checked by tsc; each @ts-expect-error is a mistake that it must find.
import { StrictMode, useRef, useState } from "react";
import type { Card, ServerMessage, VisavisAvatar } from "visavis";
import "visavis";
import { Avatar, type AvatarProps } from "visavis/react";

const element = document.createElement("visavis-avatar");
element.setAttribute("server", "https://avatars.example");
element.iceServers = [{ urls: "turn:relay.example", username: "a", credential: "b" }];
element.connect();
const isSent: boolean = element.ask("When is breakfast?") && element.say("[smiles] Welcome.", "warm");
const isOn: Promise<boolean> = element.mic(true);
element.addEventListener("caption", ({ detail }) => detail.text.slice(0, detail.heard));
element.addEventListener("reply_ended", ({ detail }) => detail.unsaid.map((word) => word.length));
element.addEventListener("state", ({ detail }) => detail.state === "connected");
element.addEventListener("click", () => element.interrupt());
element.addEventListener("message", ({ detail }) => told(detail));
const card: Card | null = element.card;
export { card, isOn, isSent };

// @ts-expect-error there is no such method
element.shout("Hello");
// @ts-expect-error a text is wanted
element.ask(3);
// @ts-expect-error a caption has no such field
element.addEventListener("caption", ({ detail }) => detail.words);
// @ts-expect-error no such mode
element.mode = "loud";

function told(message: ServerMessage): string {
  switch (message.type) {
    case "transcript": return message.text;
    case "reply_ended": return message.heard;
    case "receipt": return `${message.first_sound ?? "never"}`;
    default: return message.type;
  }
}

export function Concierge(): React.JSX.Element {
  const face = useRef<VisavisAvatar>(null);
  const [open, setOpen] = useState(false);
  const [words, setWords] = useState("");
  const props: AvatarProps = { server: "https://avatars.example", avatar: "mira", mode: "open" };
  return (
    <StrictMode>
      <Avatar
        ref={face} {...props} connected={open} muted={false} className="face" style={{ width: 300 }}
        onCaption={({ detail }) => setWords(detail.text.slice(0, detail.heard))}
        onReplyEnded={({ detail }) => setWords(detail.heard)}
        onState={({ detail }) => setOpen(detail.state !== "failed")}
        onClick={() => face.current?.interrupt()}
      />
      {/* @ts-expect-error no such event */}
      <Avatar onApplause={() => undefined} />
      <button onClick={() => setOpen(true)}>Start</button>
      <p>{words}</p>
    </StrictMode>
  );
}
