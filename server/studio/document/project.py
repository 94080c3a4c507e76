"""What is to be filmed, as data: a project of scenes, complete when built.

Everything that changes a film changes a `Project`: a batch fills in a row's values, a translation
puts its texts into another language, and each result is a project again. Files are named relative
to the project's folder, which is not part of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Literal, get_args

Aspect = Literal["16:9", "9:16", "1:1", "4:5"]
Lines = Literal[360, 480, 720, 1080]  # px of the shorter side
Side = Literal["left", "right"]
Behind = Literal["own", "colour", "picture", "video", "blur", "transparent"]

ASPECTS: Final[tuple[Aspect, ...]] = get_args(Aspect)
LINES: Final[tuple[Lines, ...]] = get_args(Lines)


@dataclass(frozen=True, slots=True)
class Frame:
    """The film's picture."""

    aspect: Aspect = "16:9"
    lines: Lines = 720

    @property
    def size(self) -> tuple[int, int]:
        """px across and down, both even."""
        across, down = (int(part) for part in self.aspect.split(":"))
        unit = self.lines / min(across, down)
        return round(across * unit / 2) * 2, round(down * unit / 2) * 2


@dataclass(frozen=True, slots=True)
class Background:
    """What the person is seen before.

    own: what the photo shows. value: "#rrggbb" of a colour, the file of a picture or a video, else
    empty.
    """

    kind: Behind = "own"
    value: str = ""


@dataclass(frozen=True, slots=True)
class Beside:
    """A picture beside the speaker. share: of the film's width, or height where that is larger."""

    file: str
    side: Side = "right"
    share: float = 0.5


@dataclass(frozen=True, slots=True)
class LowerThird:
    """Who speaks, shown low at the side: a name, and a line below it."""

    name: str
    line: str = ""


@dataclass(frozen=True, slots=True)
class Music:
    """A file under the whole film. level: dB; ducked: dB taken off while somebody speaks."""

    file: str
    level: float = -16.0
    ducked: float = 12.0


@dataclass(frozen=True, slots=True)
class Scene:
    """One stretch of a film.

    name: unique in its project; lower-case letters, digits and dashes. text: as it is spoken, with
    directions and pauses in brackets ("[confident]", "[smiles]", "[pause 0.5]"). sound: the file of
    a recording that is spoken in place of the text. avatar, voice, language (BCP 47), style,
    background: "" or None where they are the project's. rate: factor on the speed of speech, on
    top of all directions, 0.5 to 2. after: s of silence behind it.
    """

    name: str
    text: str = ""
    sound: str = ""
    avatar: str = ""
    voice: str = ""
    language: str = ""
    style: str = ""
    background: Background | None = None
    beside: Beside | None = None
    title: str = ""
    lower_third: LowerThird | None = None
    rate: float = 1.0
    after: float = 0.3


@dataclass(frozen=True, slots=True)
class Project:
    """A film in scenes.

    avatar, voice, language, style: of scenes that name none; "" is the installation's own.
    pronounce: words, and how they are spelled for the voice. languages: BCP 47, into which it is
    translated, too. glossary: words that stay as they are in every language. subtitles: whether
    they are seen in the picture.
    """

    title: str = ""
    scenes: tuple[Scene, ...] = ()
    avatar: str = ""
    voice: str = ""
    language: str = ""
    style: str = ""
    frame: Frame = field(default_factory=Frame)
    background: Background = field(default_factory=Background)
    music: Music | None = None
    pronounce: Mapping[str, str] = field(default_factory=dict)
    languages: tuple[str, ...] = ()
    glossary: tuple[str, ...] = ()
    subtitles: bool = False

    def complete(self, scene: Scene) -> Scene:
        """The scene with the project's where it names none of its own."""
        return replace(
            scene,
            avatar=scene.avatar or self.avatar,
            voice=scene.voice or self.voice,
            language=scene.language or self.language,
            style=scene.style or self.style,
            background=scene.background or self.background,
        )
