"""A WHEP player on GStreamer's webrtcbin, for the system's own Python: it needs none of ours.

    /usr/bin/python3 gstreamer_player.py URL [TOKEN]

It gathers fully, as whepsrc does, and takes the first candidate of the answer alone. Prints a line
once it has 25 pictures and 50 pieces of sound: their caps.
"""

import re
import sys
import urllib.request

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstSdp", "1.0")
gi.require_version("GstWebRTC", "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # noqa: E402

URL, TOKEN = sys.argv[1], (sys.argv[2] if len(sys.argv) > 2 else "")
CAPS = (
    "application/x-rtp,media=audio,encoding-name=OPUS,payload=97,clock-rate=48000",
    "application/x-rtp,media=video,encoding-name=H264,payload=96,clock-rate=90000",
)
WANTED = {"video": 25, "audio": 50}


class Player:
    def __init__(self):
        self.loop = GLib.MainLoop()
        self.pipeline = Gst.Pipeline.new("player")
        self.peer = Gst.ElementFactory.make("webrtcbin")
        self.peer.set_property("bundle-policy", "max-bundle")
        self.pipeline.add(self.peer)
        self.counts, self.caps = {"video": 0, "audio": 0}, {}
        recvonly = GstWebRTC.WebRTCRTPTransceiverDirection.RECVONLY
        for caps in CAPS:
            self.peer.emit("add-transceiver", recvonly, Gst.Caps.from_string(caps))
        self.peer.connect("pad-added", self.added)
        self.peer.connect("notify::ice-gathering-state", self.gathered)
        GLib.timeout_add_seconds(20, self.fail)
        self.pipeline.set_state(Gst.State.PLAYING)
        self.offering = Gst.Promise.new()
        self.peer.emit("create-offer", None, self.offering)
        self.offering.wait()
        self.reply = self.offering.get_reply()  # it owns the offer
        self.peer.emit("set-local-description", self.reply.get_value("offer"), Gst.Promise.new())
        self.loop.run()

    def gathered(self, peer, _spec):
        complete = GstWebRTC.WebRTCICEGatheringState.COMPLETE
        if peer.get_property("ice-gathering-state") == complete:
            GLib.idle_add(self.post)

    def post(self):
        offer = self.peer.get_property("local-description").sdp.as_text()
        headers = {"Content-Type": "application/sdp"}
        if TOKEN:
            headers["Authorization"] = f"Bearer {TOKEN}"
        request = urllib.request.Request(URL, offer.encode(), headers)
        with urllib.request.urlopen(request, timeout=10) as response:
            answer = response.read().decode()
        head, *sections = re.split(r"(?m)^(?=m=)", answer)
        first = [self.first_candidate(section) for section in sections]
        _, message = GstSdp.sdp_message_new_from_text(head + "".join(first))
        kind = GstWebRTC.WebRTCSDPType.ANSWER
        described = GstWebRTC.WebRTCSessionDescription.new(kind, message)
        self.peer.emit("set-remote-description", described, Gst.Promise.new())

    def first_candidate(self, section):
        lines = section.splitlines(keepends=True)
        known = [line for line in lines if line.startswith("a=candidate")]
        return "".join(line for line in lines if line not in known[1:])

    def added(self, _peer, pad):
        caps = pad.get_current_caps().get_structure(0)
        kind = caps.get_string("media")
        self.caps[kind] = caps.get_string("encoding-name")
        decoder = (
            "rtph264depay ! h264parse ! avdec_h264" if kind == "video" else "rtpopusdepay ! opusdec"
        )
        sink = Gst.parse_bin_from_description(
            f"{decoder} ! fakesink name=end signal-handoffs=true", True
        )
        sink.get_by_name("end").connect("handoff", lambda *_: self.took(kind))
        self.pipeline.add(sink)
        pad.link(sink.get_static_pad("sink"))
        sink.sync_state_with_parent()

    def took(self, kind):
        self.counts[kind] += 1
        if all(self.counts[each] >= count for each, count in WANTED.items()):
            self.tell("played", self.caps["video"], self.caps["audio"])
            self.loop.quit()

    def tell(self, *words):
        sys.stdout.write(" ".join(map(str, words)) + "\n")
        sys.stdout.flush()

    def fail(self):
        self.tell("failed", self.counts, self.caps)
        self.loop.quit()


Gst.init(None)
Player()
