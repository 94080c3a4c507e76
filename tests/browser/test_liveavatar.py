"""The unmodified LiveAvatar web SDK (npm) in Chromium: what it can do with our addresses."""

import pytest
from support import npm
from support.serving import serving

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

KEY = "sesame-sesame-sesame"
# Its picture comes through LiveKit alone, so a page shows ours by WHEP beside it.
SOURCE = """
import { LiveAvatarSession, AgentEventsEnum, SessionEvent } from "@heygen/liveavatar-web-sdk";

async function watch(url) {
  const pc = new RTCPeerConnection();
  for (const kind of ["audio", "video"]) pc.addTransceiver(kind, { direction: "recvonly" });
  const video = Object.assign(document.createElement("video"), { autoplay: true, muted: true });
  document.body.append(video);
  pc.ontrack = ({ streams }) => { video.srcObject = streams[0]; };
  await pc.setLocalDescription();
  const headers = { "Content-Type": "application/sdp" };
  const answer = await fetch(url, { method: "POST", body: pc.localDescription.sdp, headers });
  await pc.setRemoteDescription({ type: "answer", sdp: await answer.text() });
  await new Promise((resolve) => video.requestVideoFrameCallback(resolve));
  return { video, pc };
}

function tone(seconds) {
  const pcm = Int16Array.from({ length: 24000 * seconds }, (_, i) => 9000 * Math.sin(i * 0.05));
  const bytes = new Uint8Array(pcm.buffer);
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192)
    text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(text);
}

const until = async (met) => {
  for (let i = 0; i < 500 && !met(); i++) await new Promise((resolve) => setTimeout(resolve, 20));
  return met();
};
Object.assign(globalThis, {
  LiveAvatarSession, AgentEventsEnum, SessionEvent, watch, tone, until });
"""


async def test_the_web_sdk_speaks_through_our_face(chromium):
    async with serving(liveavatar_key=KEY) as server:
        made = await server.post(
            "/liveavatar/v1/sessions/token",
            json={"mode": "LITE", "avatar_id": "mira"},
            headers={"X-API-KEY": KEY},
        )
        token = (await made.json())["data"]["session_token"]
        url = str(server.make_url("/liveavatar"))
        async with npm.page(chromium, "liveavatar", SOURCE) as page:
            told = await page.evaluate(
                """async ([token, apiUrl]) => {
                    const session = new LiveAvatarSession(token, { apiUrl });
                    const events = [];
                    for (const name of Object.values(AgentEventsEnum))
                      session.on(name, () => events.push(name));
                    for (const name of Object.values(SessionEvent))
                      session.on(name, (detail) => events.push(`${name} ${detail ?? ""}`));
                    await session.start();
                    const { video, pc } = await watch(session._sessionInfo.whep_url);
                    session.repeatAudio(tone(1.0));  // in pieces, and an end
                    await until(() => events.includes(AgentEventsEnum.AVATAR_SPEAK_ENDED));
                    session.repeatAudio(tone(20));
                    await until(() => events.filter(
                      (name) => name === AgentEventsEnum.AVATAR_SPEAK_STARTED).length == 2);
                    session.interrupt();
                    session.startListening();
                    await session.keepAlive();
                    await new Promise((resolve) => setTimeout(resolve, 300));  // it waits for none
                    const size = [video.videoWidth, video.videoHeight];
                    await session.stop();
                    pc.close();
                    return { events, size, mode: session.mode, id: session.sessionId };
                }""",
                [token, url],
            )
            await page.wait_for_timeout(300)
        assert told["mode"] == "LITE"
        assert told["size"] == [128, 128]
        assert told["events"] == [
            "session.state_changed CONNECTING", "session.state_changed CONNECTED",
            "avatar.speak_started", "avatar.speak_ended", "avatar.speak_started",
            "session.state_changed DISCONNECTING", "session.connection_quality_changed UNKNOWN",
            "session.state_changed DISCONNECTED", "session.disconnected CLIENT_INITIATED",
        ]  # fmt: skip


async def test_it_is_told_why_a_session_cannot_begin(chromium):
    async with serving(liveavatar_key=KEY) as server:
        url = str(server.make_url("/liveavatar"))
        async with npm.page(chromium, "liveavatar", SOURCE) as page:
            told = await page.evaluate(
                """async (apiUrl) => {
                    // It also stops what did not begin, and catches no answer to that.
                    addEventListener("unhandledrejection", (event) => event.preventDefault());
                    try { await new LiveAvatarSession("a.b.c", { apiUrl }).start(); }
                    catch (error) { return [error.message, error.status]; }
                }""",
                url,
            )
            await page.wait_for_timeout(300)
        assert told == ["The session token is none of this server's, or it was changed.", 401]
