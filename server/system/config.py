"""The operator's settings, each with its default and its words."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, get_args

from visavis.models import piper_voices
from visavis.server.system.addresses import Address, Network, addresses, networks, ports, relays
from visavis.server.system.config_studio import Studio
from visavis.server.system.pairs import pairs
from visavis.server.system.setting import path, setting

LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
FILE: Final = "visavis.toml"
_EVERY: Final = frozenset({"0.0.0.0", "::"})
Source = Literal["dialogue", "microphone", "voice"]  # where the words come from
SOURCES: Final[tuple[Source, ...]] = get_args(Source)
# Minutes, where others than this machine may call. A kiosk's page forgets its visitor by itself.
_IDLE: Final = 10
_LENGTH: Final = 120
_FEW: Final = 2  # sessions beside which a voice's thread is not noticed


def as_source(text: str) -> Source | None:
    """A source by its name; None: there is none of that name."""
    return next((source for source in SOURCES if source == text), None)


@dataclass(frozen=True, slots=True)
class Config(Studio):
    """Everything that can be set, with its default. Checked by `config_reading.check`.

    What a picture says of itself, and who allowed it, is in `config_trust`; films of scripts are in
    `config_studio`.
    """

    host: str = setting("127.0.0.1", "address to listen on; any other than loopback needs a token")
    port: int = setting(8765, "TCP port of the page and the API")
    token: str = setting("", "secret that callers must send as a Bearer token; never an option")
    token_file: str = setting("", "file that holds the token, and that only you may read")
    staff_token: str = setting(
        "", "secret of the staff's page, another one than the token; empty: there is no such page"
    )
    staff_token_file: str = setting("", "file that holds it, and that only you may read")
    metrics_token: str = setting(
        "", "secret that lets /metrics be read and nothing else; empty: the token does"
    )
    metrics_token_file: str = setting("", "file that holds it, and that only you may read")
    token_secret: str = setting(
        "",
        "secret with which your web server signs visitors' tokens; empty: there are none; never an "
        "option",
    )
    token_secret_file: str = setting("", "file that holds it, and that only you may read")
    token_secret_old: str = setting(
        "", "the secret before that one, whose tokens are still taken; never an option"
    )
    token_secret_old_file: str = setting("", "file that holds it, and that only you may read")
    token_sessions: int = setting(
        2, "live sessions of one visitor with a signed token that names no number; 0: any number"
    )
    token_sessions_hour: int = setting(
        60, "sessions that one visitor with such tokens begins in an hour; 0: any number"
    )
    token_minutes_day: int = setting(
        0, "minutes that one visitor with such tokens has in 24 hours; 0: any number"
    )
    token_uploads_hour: int = setting(
        20, "files that one visitor with such tokens sends in an hour; 0: any number"
    )
    cors_origins: str = setting(
        "*",
        "pages of other hosts that may call with a token: * (all), none, or origins with spaces, "
        "such as https://www.example.org",
    )
    workers: int | Literal["auto"] = setting(
        "auto", "processes that share the sessions; auto: by cores and memory", count=True
    )
    max_sessions: int | Literal["auto"] = setting(
        "auto",
        "live sessions at a time; more are told to come back; auto: what this machine carries",
        count=True,
    )
    sessions_per_address: int = setting(
        8, "live sessions of one address, this machine's own left out; 0: as many as there are"
    )
    resume_seconds: int = setting(
        120, "how long a session waits for a visitor whose connection was lost; 0: it ends"
    )
    idle_minutes: int = setting(
        -1, "a session in which nothing is said for so long ends; 0: never; -1: 10 with a token"
    )
    session_minutes: int = setting(
        -1, "how long a session may be; 0: without end; -1: 120 with a token"
    )
    drain_seconds: int = setting(
        5, "how long a server that is told to end lets sessions finish what they say"
    )
    avatar: str = setting("mira", "avatar of a session that names none")
    voice: str = setting(
        "", "voice of a session that names none; empty: the avatar's own, heart where it has none"
    )
    language: str = setting(
        "en",
        "language of a session that asks for none: a tag such as de, or auto, which follows the "
        "visitor's; others than en need visavis[languages]",
    )
    dialogue: str = setting("knowledge", "who answers: knowledge, openai or echo")
    source: str = setting(
        "dialogue",
        "what the avatar of a session that names none says: dialogue (its own answers) or "
        "microphone (the caller's live voice, with lips that follow its sound)",
    )
    tools: str = setting("", "TOML file of tools and of what may be shown; empty: none")
    knowledge: str = setting("", "Markdown file of answers; empty: the hotel example")
    time_zone: str = setting(
        "",
        "the place's, such as Europe/Madrid, for the time and opening hours; a `timezone` in the "
        "knowledge file goes first; empty: this machine's",
    )
    voice_mood: str = setting(
        "off",
        "on or off: whether the tone of a visitor's voice, too, tells how they feel; the page then "
        "says so. Off: their words alone do",
    )
    emergency_number: str = setting("112", "number that a visitor in danger is told to call")
    crisis_number: str = setting(
        "", "number told to a visitor who thinks of suicide; empty: the emergency number alone"
    )
    emergency_contact: str = setting(
        "", "whom a visitor in danger is to tell, such as: the front desk; empty: the staff"
    )
    width: int = setting(512, "pixels of the picture, even, from 128 to 1920")
    height: int = setting(512, "pixels of the picture, even, from 128 to 1920")
    background: str = setting(
        "original",
        "what faces stand before: original (the photo's own), blur, a colour such as #00b140, the "
        "name of a picture in background_folder",
    )
    background_folder: str = setting(
        "", "folder of pictures that sessions may ask for as background; empty: backgrounds in home"
    )
    scene_names: str = setting(
        "auto",
        "on, off or auto: whether a page may give its session a name, by which you command it, and "
        "take it over from another page; auto: where only this machine can call",
    )
    renderer: str = setting(
        "auto",
        "who draws: warp (the CPU), torch or tensorrt (a GPU; the CPU stands by), "
        "auto (the fastest of them that this machine has)",
    )
    refine: str = setting(
        "off",
        "on or off: mouth and eyes of every picture refined by a small network, for 4 ms more of "
        "a core each where the CPU draws",
    )
    ice_servers: str = setting("", "STUN or TURN addresses, separated by spaces; none by default")
    turn_servers: str = setting(
        "",
        "relays that viewers are given, turn: or turns: addresses without accounts (and stun:), "
        "separated by spaces",
    )
    turn_secret: str = setting(
        "", "secret shared with those relays, of which viewers' accounts are made; never an option"
    )
    turn_secret_file: str = setting("", "file that holds it, and that only you may read")
    turn_seconds: int = setting(43_200, "how long such an account lasts")
    media_addresses: str = setting(
        "",
        "this machine's addresses at which sound and pictures are received, separated by spaces; "
        "0.0.0.0: all but loopback; empty: as host",
    )
    media_announce: str = setting(
        "", "address told to viewers in place of those, before a 1:1 NAT; empty: themselves"
    )
    media_ports: str = setting(
        "", "UDP ports of sound and pictures, such as 40000-40100, one a session; empty: any"
    )
    never_contact: str = setting(
        "169.254.0.0/16 fe80::/10",
        "address ranges, separated by spaces, that no viewer can make the server send to",
    )
    tls_cert: str = setting("", "PEM certificate: browsers give a microphone only to https")
    tls_key: str = setting("", "PEM key of the certificate")
    create_avatars: str = setting("on", "on or off: whether the page may make avatars of photos")
    voice_process: str = setting(
        "auto",
        "on, off or auto: whether each voice runs in a process of its own, which takes 0.2 GB and "
        "keeps pictures and sound in time while it speaks; auto: unless max_sessions is set to one "
        "or two",
    )
    voice_mirror: str = setting(
        piper_voices.MIRROR,
        "where `visavis models pull piper:VOICE` looks: piper's repository of voices, or a mirror",
    )
    prepare_answers: str = setting(
        "on",
        "on or off: whether answers are synthesized ahead, while nobody speaks, and kept (256 MB "
        "at most), so that a known question is answered sooner",
    )
    speech_url: str = setting(
        "", "address of an OpenAI-compatible speech server that clones a voice, up to /v1"
    )
    speech_model: str = setting("", "name of its model")
    speech_key_file: str = setting("", "file that holds its key, and that only you may read")
    speech_reference: str = setting(
        "request", "how it takes a sample: request (with each text), upload (once, by name)"
    )
    speech_extra: str = setting("", "JSON object that is added to the body of each request")
    llm_base_url: str = setting(
        "", "of dialogue openai: address of the chat endpoint, such as http://127.0.0.1:8080/v1"
    )
    llm_model: str = setting("", "name of its model, as the endpoint knows it")
    llm_key: str = setting("", "its API key; never an option")
    llm_key_file: str = setting("", "file that holds the key, and that only you may read")
    llm_headers_file: str = setting("", "file of further headers for it, one a line: Name: value")
    llm_extra: str = setting("", "JSON object that is added to the body of each request")
    llm_persona: str = setting("", "text file that tells it who it is; empty: the avatar")
    llm_bound: str = setting(
        "on", "on or off: whether it answers from the file of answers alone, and else says so"
    )
    llm_temperature: float = setting(0.3, "how freely it chooses its words, from 0 to 2")
    llm_max_tokens: int = setting(200, "tokens of one answer at most")
    llm_connect_seconds: float = setting(2.0, "how long a connection to it may take")
    llm_first_token_seconds: float = setting(
        6.0, "how long its answer may take to begin; then the file of answers takes over"
    )
    llm_between_seconds: float = setting(3.0, "how long it may pause within an answer")
    llm_total_seconds: float = setting(30.0, "how long one answer may take, tools included")
    llm_speculate: str = setting(
        "on", "on or off: whether it is asked before it is sure that the visitor has finished"
    )
    whep: str = setting(
        "off",
        "on or off: whether players watch an avatar at /whep/AVATAR; all who watch one share a "
        "session, in which you have it speak",
    )
    whep_token: str = setting(
        "", "secret that lets players watch and nothing else; empty: the token does"
    )
    whep_token_file: str = setting("", "file that holds it, and that only you may read")
    whep_viewers: int = setting(50, "players of one avatar at a time")
    whip: str = setting(
        "off",
        "on or off: whether a voice that is sent to /whip/AVATAR speaks through that avatar, for "
        "those who watch it at /whep/AVATAR",
    )
    whip_token: str = setting(
        "", "secret that lets a voice be sent and nothing else; empty: the token does"
    )
    whip_token_file: str = setting("", "file that holds it, and that only you may read")
    simli_key: str = setting(
        "",
        "key that programs for Simli send, which then show this server's face; empty: they are not "
        "served; never an option",
    )
    simli_key_file: str = setting("", "file that holds it, and that only you may read")
    simli_faces: str = setting(
        "",
        "their face IDs and the avatars shown for them, such as FACE-ID=mira, with spaces; *=mira: "
        "for all others. An avatar's own name is always known",
    )
    liveavatar_key: str = setting(
        "",
        "key that programs for HeyGen's LiveAvatar send; empty: they are not served; never an "
        "option",
    )
    liveavatar_key_file: str = setting("", "file that holds it, and that only you may read")
    liveavatar_avatars: str = setting(
        "", "their avatar IDs and the avatars shown for them, as in simli_faces"
    )
    livekit_key: str = setting(
        "",
        "key with which agents of LiveKit ask for an avatar in their room; empty: they are not "
        "served; never an option",
    )
    livekit_key_file: str = setting("", "file that holds it, and that only you may read")
    livekit_urls: str = setting(
        "", "LiveKit servers that are joined for them, such as wss://livekit.example, with spaces"
    )
    pipecat_key: str = setting(
        "",
        "key that pages with Pipecat's SmallWebRTC transport send, which then talk to this "
        "server's avatar; empty: they are not served; never an option",
    )
    pipecat_key_file: str = setting("", "file that holds it, and that only you may read")
    realtime_key: str = setting(
        "",
        "key that programs for OpenAI's Realtime send, which then talk to this server; empty: they "
        "are not served; never an option",
    )
    realtime_key_file: str = setting("", "file that holds it, and that only you may read")
    frame_ancestors: str = setting(
        "self",
        "pages that may show this one in a frame: none, self, or origins with spaces; file: is for "
        "a kiosk's start page",
    )
    home: str = setting("", "where avatars and caches live; empty: ~/.local/share/visavis")
    log_level: str = setting("info", "debug, info, warning or error")

    @property
    def home_path(self) -> Path:
        """The directory for state. Raises ConfigError where the user has none and none is set."""
        return path(self.home or "~/.local/share/visavis", "home")

    @property
    def ice(self) -> tuple[str, ...]:
        """STUN and TURN addresses."""
        return tuple(self.ice_servers.split())

    @property
    def relays(self) -> tuple[str, ...]:
        """Addresses of the relays that viewers are given. Raises ConfigError."""
        return relays("turn_servers", self.turn_servers)

    @property
    def faces(self) -> dict[str, str]:
        """Avatars by the face IDs of Simli's clients."""
        return pairs("simli_faces", self.simli_faces)

    @property
    def liveavatars(self) -> dict[str, str]:
        """Avatars by the avatar IDs of LiveAvatar's clients."""
        return pairs("liveavatar_avatars", self.liveavatar_avatars)

    @property
    def are_voices_apart(self) -> bool:
        """Whether voices run in processes of their own."""
        if self.voice_process == "auto":
            return self.max_sessions == "auto" or self.max_sessions > _FEW
        return self.voice_process == "on"

    @property
    def hosts(self) -> tuple[str, ...]:
        """Addresses at which media is received; empty: every one but loopback."""
        given = tuple(str(a) for a in addresses("media_addresses", self.media_addresses))
        default = "127.0.0.1" if self.is_local else self.host
        hosts = given or (default,)
        return () if _EVERY & set(hosts) else hosts

    @property
    def announced(self) -> tuple[Address, ...]:
        """Told to viewers in place of local addresses of the same IP version."""
        return addresses("media_announce", self.media_announce)

    @property
    def port_range(self) -> range | None:
        """UDP ports for media; None: any."""
        return ports("media_ports", self.media_ports)

    @property
    def never(self) -> tuple[Network, ...]:
        """Ranges that are never contacted."""
        return networks("never_contact", self.never_contact)

    @property
    def most_sessions(self) -> int:
        """Live sessions at a time, as the operator wants it; 1 where that is measured."""
        return 1 if self.max_sessions == "auto" else self.max_sessions

    @property
    def idle_seconds(self) -> float:
        """In which nothing is said before a session ends; 0: it does not."""
        return 60.0 * (self.idle_minutes if self.idle_minutes >= 0 else _IDLE * bool(self.token))

    @property
    def session_seconds(self) -> float:
        """Length of a session at most; 0: there is no limit."""
        given = self.session_minutes
        return 60.0 * (given if given >= 0 else _LENGTH * bool(self.token))

    @property
    def sees_people(self) -> bool:
        """Whether the page asks people to show that they are there, which takes a camera."""
        return self.may_create and self.consent_presence != "off"

    @property
    def may_create(self) -> bool:
        """Whether callers may make avatars: never where anybody can call."""
        return self.create_avatars == "on" and (self.is_local or bool(self.token))

    @property
    def backgrounds(self) -> Path:
        """The folder of pictures for backgrounds. Raises ConfigError."""
        if self.background_folder:
            return path(self.background_folder, "background_folder")
        return self.home_path / "backgrounds"

    @property
    def may_name(self) -> bool:
        """Whether callers may give their session a name."""
        return self.is_local if self.scene_names == "auto" else self.scene_names == "on"

    @property
    def is_local(self) -> bool:
        """Whether only this machine can connect."""
        return self.host in LOOPBACK
