"""A project put into another language: what is said and what is written, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from visavis.engines.language.languages import code_of
from visavis.engines.translation import keeping
from visavis.engines.translation.base import Translator
from visavis.server.studio.document.project import LowerThird, Project, Scene

Field = Literal["title", "text", "lower_third"]
Key = tuple[str, Field]  # a scene's name, "" for the film, and which of its texts
# machine: as the translator wrote it. checked: somebody has read it, or wrote it. stale: the source
# has changed since.
State = Literal["machine", "checked", "stale"]
# (language of the source, language of the target) -> who translates between them. Raises
# EngineError, with the fix, where there is nobody.
Translators = Callable[[str, str], Translator]
# A voice's name ("": the installation's own), a language -> who speaks it there; "" is whoever the
# installation has for it.
VoiceFor = Callable[[str, str], str]

ENGLISH: Final = "en"


@dataclass(frozen=True, slots=True)
class Pair:
    """One text in two languages. scene: "" is the film itself. fit: the rate of speech with which
    the target is as long as the source; 1 of what is not spoken.
    """

    scene: str
    field: Field
    source: str
    target: str
    state: State = "machine"
    fit: float = 1.0


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


def translated(
    project: Project, language: str, translators: Translators,
    voice_for: VoiceFor = lambda _voice, _language: "", before: Sequence[Pair] = (),
) -> Translation:  # fmt: skip
    """The project in `language` (BCP 47). Raises EngineError.

    before: pairs of an earlier time; a target whose source has not changed stays, so what somebody
    has read is not written over, and only what changed is translated.
    """
    texts = list(_texts(project))
    held = {(pair.scene, pair.field): pair for pair in before}
    targets, by, notes = _targets(project, texts, language, translators, held)
    pairs = tuple(_pair(each, target, held) for each, target in zip(texts, targets, strict=True))
    made = applied(project, language, pairs, voice_for)
    return Translation(language, made, by, pairs, tuple(notes))


def applied(project: Project, language: str, pairs: Sequence[Pair], voice_for: VoiceFor) -> Project:
    """The project with the targets of pairs in place of its own texts."""
    targets = {(pair.scene, pair.field): pair.target for pair in pairs}
    scenes = tuple(_scene(scene, project, language, targets, voice_for) for scene in project.scenes)
    return replace(
        project,
        title=targets.get(("", "title"), project.title),
        scenes=scenes,
        language=language,
        voice=voice_for(project.voice, language),
    )


@dataclass(frozen=True, slots=True)
class _Text:
    scene: str
    field: Field
    text: str
    language: str


def _texts(project: Project) -> Iterator[_Text]:
    own = project.language or ENGLISH
    if project.title.strip():
        yield _Text("", "title", project.title, own)
    for scene in project.scenes:
        language = scene.language or own
        if scene.title.strip():
            yield _Text(scene.name, "title", scene.title, language)
        if scene.text.strip():
            yield _Text(scene.name, "text", scene.text, language)
        if scene.lower_third is not None and scene.lower_third.line.strip():
            yield _Text(scene.name, "lower_third", scene.lower_third.line, language)


def _targets(
    project: Project, texts: Sequence[_Text], language: str, translators: Translators,
    held: Mapping[Key, Pair],
) -> tuple[list[str], str, list[str]]:  # fmt: skip
    """The target of each text, who translated, and notes."""
    targets: dict[int, str] = {}
    by: list[str] = []
    notes: list[str] = []
    open_by_language: dict[str, list[int]] = {}
    for at, each in enumerate(texts):
        kept = held.get((each.scene, each.field))
        if code_of(each.language) == code_of(language):
            targets[at] = each.text
        elif kept is not None and kept.source == each.text and kept.state != "stale":
            targets[at] = kept.target
        else:
            open_by_language.setdefault(each.language, []).append(at)
    for source, places in open_by_language.items():
        translator = translators(source, language)
        by.append(translator.name)
        wanted = [texts[at].text for at in places]
        done = keeping.translated(translator, wanted, source, language, project.glossary)
        for at, put in zip(places, done, strict=True):
            targets[at] = put.text
            if not put.whole:
                where = texts[at].scene or "the title"
                notes.append(f"{where}: a sentence was translated in parts: read it with care")
    return [targets[at] for at in range(len(texts))], ", ".join(dict.fromkeys(by)), notes


def _pair(text: _Text, target: str, held: Mapping[Key, Pair]) -> Pair:
    kept = held.get((text.scene, text.field))
    same = kept is not None and (kept.source, kept.target) == (text.text, target)
    return Pair(
        text.scene, text.field, text.text, target, kept.state if kept and same else "machine"
    )


def _scene(
    scene: Scene, project: Project, language: str, targets: Mapping[Key, str],
    voice_for: VoiceFor,
) -> Scene:  # fmt: skip
    third = scene.lower_third
    if third is not None:
        third = LowerThird(third.name, targets.get((scene.name, "lower_third"), third.line))
    spoken = bool(scene.text.strip())
    return replace(
        scene,
        text=targets.get((scene.name, "text"), scene.text),
        title=targets.get((scene.name, "title"), scene.title),
        lower_third=third,
        language="",
        voice=voice_for(scene.voice, language) if scene.voice else "",
        # A recording speaks its own language: where its words are known they are spoken instead.
        sound="" if spoken else scene.sound,
    )
