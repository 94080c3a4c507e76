// A concierge in a React page: the face, its captions, a button that begins and one that asks.
import { useRef, useState } from "react";
import { Avatar } from "visavis/react";

/** server: where visavis runs. begins: whether it is there from the start, see `connected`. */
export function Concierge({ server, token, begins = false }) {
  const face = useRef(null);
  const [open, setOpen] = useState(begins);
  const [state, setState] = useState("idle");
  const [words, setWords] = useState("");

  return (
    <main>
      <Avatar
        ref={face}
        server={server}
        token={token}
        lang="en"
        className="face"
        style={{ width: "20rem" }}
        aria-label="The hotel's concierge"
        connected={open}
        onState={({ detail }) => setState(detail.state)}
        onCaption={({ detail }) => setWords(detail.text.slice(0, detail.heard))}
        onFarewell={() => setOpen(false)}
      />
      <p aria-live="polite">{words}</p>
      <button onClick={() => setOpen(!open)}>{open ? "End" : "Start"}</button>
      <button disabled={state !== "connected"} onClick={() => face.current.ask("When is breakfast?")}>
        Breakfast?
      </button>
    </main>
  );
}
