"""The texts of a project, each beside what it is in another language."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, get_args

from visavis.server.studio.document.project import LowerThird, Project, Scene

Field = Literal["title", "text", "lower_third"]
Key = tuple[str, Field]  # a scene's name, "" for the film, and which of its texts
# machine: as the translator wrote it. checked: somebody has read it, or wrote it. stale: the source
# has changed since, or there is no target yet.
State = Literal["machine", "checked", "stale"]
# A voice's name ("": whoever the installation has), the avatar that speaks, a language -> who
# speaks there; "" is again whoever the installation has.
VoiceFor = Callable[[str, str, str], str]

FIELDS: Final[tuple[Field, ...]] = get_args(Field)
STATES: Final[tuple[State, ...]] = get_args(State)
ENGLISH: Final = "en"  # of a project that names no language


@dataclass(frozen=True, slots=True)
class Pair:
    """One text in two languages.

    scene: "" is the film itself. fit: the rate of speech with which the target is as long as the
    source, bounded by nothing; 1 of what is not spoken. rate: the one that was chosen.
    """

    scene: str
    field: Field
    source: str
    target: str
    state: State = "machine"
    fit: float = 1.0
    rate: float = 1.0

    @property
    def key(self) -> Key:
        """Whose text it is."""
        return self.scene, self.field

    def as_json(self) -> dict[str, Any]:
        """For the page, the API and the file."""
        return {
            "scene": self.scene, "field": self.field, "source": self.source, "target": self.target,
            "state": self.state, "fit": round(self.fit, 3), "rate": round(self.rate, 3),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Text:
    """One of a project's texts. language: BCP 47."""

    scene: str
    field: Field
    text: str
    language: str

    @property
    def key(self) -> Key:
        """Whose text it is."""
        return self.scene, self.field


@dataclass(frozen=True, slots=True)
class Translation:
    """A project in another language, with what a person reads before it is rendered.

    by: who translated, in words. notes: what a person should know, in whole sentences.
    """

    language: str
    project: Project
    by: str
    pairs: tuple[Pair, ...]
    notes: tuple[str, ...] = ()


def texts(project: Project) -> Iterator[Text]:
    """Those that are translated, in the order of the script. A name is none of them."""
    own = project.language or ENGLISH
    if project.title.strip():
        yield Text("", "title", project.title, own)
    for scene in project.scenes:
        language = scene.language or own
        for field in FIELDS:
            if (text := _get(scene, field)).strip():
                yield Text(scene.name, field, text, language)


def applied(project: Project, language: str, pairs: Sequence[Pair], voice_for: VoiceFor) -> Project:
    """The project with the targets of pairs in place of its own texts, and their rates."""
    by_key = {pair.key: pair for pair in pairs if pair.target.strip()}
    title = by_key.get(("", "title"))
    return replace(
        project,
        title=title.target if title else project.title,
        scenes=tuple(_put(scene, project, language, by_key, voice_for) for scene in project.scenes),
        language=language,
        voice=voice_for(project.voice, project.avatar, language),
    )


def _get(scene: Scene, field: Field) -> str:
    if field == "lower_third":
        return scene.lower_third.line if scene.lower_third else ""
    return scene.title if field == "title" else scene.text


def _put(
    scene: Scene, project: Project, language: str, pairs: Mapping[Key, Pair], voice_for: VoiceFor
) -> Scene:
    def target(field: Field) -> str:
        pair = pairs.get((scene.name, field))
        return pair.target if pair else _get(scene, field)

    spoken, third = pairs.get((scene.name, "text")), scene.lower_third
    avatar = scene.avatar or project.avatar
    own_voice = scene.voice or (scene.avatar and project.voice)
    return replace(
        scene,
        text=target("text"),
        title=target("title"),
        lower_third=LowerThird(third.name, target("lower_third")) if third else None,
        language="",
        voice=voice_for(own_voice, avatar, language) if own_voice else "",
        # A recording speaks its own language: where its words are known they are spoken instead.
        sound="" if spoken else scene.sound,
        rate=spoken.rate if spoken else scene.rate,
    )
