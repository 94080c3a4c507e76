"""A script and a table before anything is filmed: what is wrong, and each row's own script."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Final

from visavis.engines.language import saying
from visavis.engines.language.languages import code_of
from visavis.server.studio.batches import templates
from visavis.server.studio.batches.personalising import (
    OWN,
    SAID,
    language_of,
    personalised,
    texts,
)
from visavis.server.studio.batches.table import Fault, Row, Table
from visavis.server.studio.batches.templates import EmptyCell, TemplateError
from visavis.server.studio.document import checks, length, reading, writing
from visavis.server.studio.document.checks import Known
from visavis.server.studio.document.faults import Fault as ScriptFault
from visavis.server.studio.document.faults import ScriptError
from visavis.server.studio.document.naming import named
from visavis.server.studio.document.project import Project, Scene
from visavis.server.system.errors import Unprocessable

MOST_TEXT: Final = 200_000_000  # characters of all rows' scripts together
_WISHES: Final = re.compile(r"\[[^\[\]]{0,500}\]")
_LABEL: Final = 40  # characters
_NAMED: Final = 12  # columns, or rows, of a list that is told
_NOBODY: Final = frozenset(
    {"n/a", "na", "-", "--", "?", "x", "xx", "xxx", "none", "null", "nan", "test", "unknown"}
)

# The script in a language, where somebody made it, and what there is to know of it.
Translated = Callable[[str], tuple[Project, tuple[str, ...]] | None]


@dataclass(frozen=True, slots=True)
class Film:
    """What is filmed for one row.

    label: a few words that tell people whose it is. name: of its files, without a suffix. script:
    the row's own, as a text. seconds: as long as it will be, about. values: the row's cells.
    """

    row: int
    label: str
    name: str
    script: str
    seconds: float
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Checked:
    """headings: of the columns, by their keys. rows: of the table. films: of rows that can be made.

    faults: those of the table as a whole first, then by row.
    """

    headings: Mapping[str, str]
    rows: int
    films: tuple[Film, ...]
    faults: tuple[Fault, ...]

    @property
    def seconds(self) -> float:
        """Of all films together, about."""
        return round(sum(film.seconds for film in self.films), 1)

    @property
    def stopped(self) -> bool:
        """Whether something is wrong with the table as a whole, so that no row can be made."""
        return any(fault.grave and not fault.row for fault in self.faults)


def check(
    project: Project,
    table: Table,
    folder: Path | None,
    known: Known,
    translated: Translated = lambda _language: None,
    name: str = "",
) -> Checked:
    """folder: with the project's files. name: of a row's files, with places; "": by its label."""
    checker = _Checker(project, table, folder, known, translated, name)
    faults = [*table.faults, *checker.whole()]
    films: list[Film] = []
    if not any(fault.grave and not fault.row for fault in faults):
        lost = {fault.row for fault in table.faults if fault.grave}
        for row in table.rows:
            film, found = checker.row(row)
            faults += found
            if checker.text > MOST_TEXT:  # nothing can be made of it, and memory has an end
                films.clear()
                break
            if film is not None and row.number not in lost:
                films.append(film)
        faults += checker.ends()
    faults.sort(key=lambda fault: fault.row)
    return Checked(table.headings, len(table.rows), tuple(films), tuple(faults))


@dataclass(slots=True)
class _Checker:
    project: Project
    table: Table
    folder: Path | None
    known: Known
    translated: Translated
    name: str
    used: dict[str, bool] = field(default_factory=dict)  # columns, and whether they must be there
    spoken: list[str] = field(default_factory=list)  # those whose cells are said
    unasked: dict[str, list[int]] = field(default_factory=dict)  # rows by a language without script
    in_languages: dict[str, Project | None] = field(default_factory=dict)
    usual: set[tuple[str, str]] = field(default_factory=set)  # faults of the script itself
    names: dict[str, int] = field(default_factory=dict)  # of files, and whose they are
    seen: dict[tuple[str, ...], int] = field(default_factory=dict)
    looked_at: dict[int, Sequence[ScriptFault]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    text: int = 0

    def whole(self) -> Iterator[Fault]:
        """What is wrong with the script, or with the table as a whole."""
        try:
            self._use(self.project)
            self.used |= dict.fromkeys(templates.columns(self.name), True)
        except TemplateError as error:
            yield Fault(0, "", f"The script: {error}.")
            return
        for found in checks.check(self.project, self.folder, self.known):
            self.usual.add((found.scene, found.what))
            yield Fault(0, "", f"The script, {found}.", found.grave)
        yield from self._columns()

    def row(self, row: Row) -> tuple[Film | None, list[Fault]]:
        """A row's film, None where it cannot be made, and what is wrong with the row."""
        faults = [*self._cells(row), *self._twice(row)]
        try:
            project = personalised(self._script(row), row.values)
            script = writing.write(project)
            reading.read(script)  # what a cell brings into it is checked like anything written
        except EmptyCell as error:
            for column in error.columns:
                heading = self.table.headings.get(column, column)
                faults.append(Fault(row.number, heading, _EMPTY.format(column)))
            return None, faults
        except TemplateError as error:
            faults.append(Fault(row.number, "", f"{error}."))
            return None, faults
        except ScriptError as error:
            faults += [Fault(row.number, "", f"{found}.") for found in error.faults]
            return None, faults
        except Unprocessable as error:  # a translation that is not whole
            faults.append(Fault(row.number, "language", error.detail))
            return None, faults
        for found in self._of_settings(project):
            if (found.scene, found.what) not in self.usual and not found.what.startswith(_UNSAID):
                faults.append(Fault(row.number, "", f"{found}.", found.grave))
        film = self._film(row, project, script, faults)
        return (None if any(fault.grave for fault in faults) else film), faults

    def ends(self) -> Iterator[Fault]:
        """What can be told only when all rows are known."""
        for note in self.notes:
            yield Fault(0, "language", note, grave=False)
        for language, rows in self.unasked.items():
            few = ", ".join(map(str, rows[:_NAMED]))
            yield Fault(0, "language", _NO_SCRIPT.format(language, few), grave=False)
        if self.text > MOST_TEXT:
            what = f"all rows together are over {MOST_TEXT:,} characters: divide the table"
            yield Fault(0, "", what)

    # --- the table as a whole ----------------------------------------------------------------

    def _use(self, project: Project) -> None:
        """Note which columns a script uses. Raises TemplateError."""

        def note(place: str, text: str) -> str:
            try:
                found = templates.columns(text)
            except TemplateError as error:
                raise TemplateError(f"{place}: {error}") from error
            for column, needed in found.items():
                self.used[column] = self.used.get(column, False) or needed
                if place.endswith(", text") and column not in self.spoken:
                    self.spoken.append(column)
            return text

        texts(project, note)

    def _columns(self) -> Iterator[Fault]:
        headings = self.table.headings
        for column, needed in self.used.items():
            if column not in headings:
                yield Fault(0, column, self._missing(column), grave=needed)
        own = {name for name in headings if name in OWN or name.endswith(SAID)}
        unused = [headings[name] for name in headings if name not in self.used and name not in own]
        if unused:
            yield Fault(0, "", f"Nothing in the script uses {_few(unused)}.", grave=False)

    def _missing(self, column: str) -> str:
        near = difflib.get_close_matches(column, self.table.headings, 1, 0.6)
        meant = f" Did you mean {{{{{near[0]}}}}}?" if near else ""
        there = _few([*self.table.headings.values()])
        return (
            f"The script asks for {{{{{column}}}}}, and the table has no such column.{meant} "
            f"The table's columns are {there}."
        )

    # --- one row ----------------------------------------------------------------------------------

    def _cells(self, row: Row) -> Iterator[Fault]:
        language = self._language(row)
        for column in self.spoken:
            cell = row.values.get(column, "")
            said = row.values.get(column + SAID) or cell
            if not cell:
                continue
            heading = self.table.headings[column]
            if cell.casefold() in _NOBODY and column not in OWN:
                yield Fault(row.number, heading, _ODD.format(cell), grave=False)
            left = saying.sayable(said, language)[1]
            if left or not saying.sayable(said, language)[0]:
                what = _UNSAYABLE.format(cell, language, f"{heading} said")
                yield Fault(row.number, heading, what, grave=cell not in self.project.pronounce)

    def _twice(self, row: Row) -> Iterator[Fault]:
        cells = tuple(row.values.get(column, "") for column in self.table.headings)
        first = self.seen.setdefault(cells, row.number)
        if first != row.number:
            yield Fault(row.number, "", f"It is the same as row {first}: is it there twice?", False)

    def _language(self, row: Row) -> str:
        """In which the row is spoken."""
        given = row.values.get("language", "")
        voice = row.values.get("voice") or self.project.voice
        try:
            tag = language_of(given) if given else self.project.language
        except TemplateError:  # told when the row is filled
            tag = ""
        return tag or self.known.voices.get(voice, "en")

    def _script(self, row: Row) -> Project:
        """The script in the row's language. Raises TemplateError, Unprocessable."""
        given = row.values.get("language", "")
        language = language_of(given) if given else ""
        code = code_of(language)
        if not language or code == (code_of(self.project.language) or "en"):
            return self.project
        if code not in self.in_languages:
            project, notes = self.translated(language) or (None, ())
            if project is not None:
                self._use(project)
            self.in_languages[code] = project
            self.notes += notes
        found = self.in_languages[code]
        if found is None:
            if not self._asks_language():
                self.unasked.setdefault(language, []).append(row.number)
            return self.project
        return found

    def _asks_language(self) -> bool:
        """Whether the script itself says what is said in which language."""
        return any(templates.asks(scene.text, "language") for scene in self.project.scenes)

    def _of_settings(self, project: Project) -> Sequence[ScriptFault]:
        """What `checks` finds: looked for once in all rows that differ in their words alone.

        10,000 rows of a script of three minutes are 30 s of looking else.
        """
        bare = [
            replace(scene, text="".join(_WISHES.findall(scene.text)) if scene.text.strip() else "")
            for scene in project.scenes
        ]
        alike = hash(repr(replace(project, scenes=tuple(bare), title="", pronounce={})))
        if alike in self.looked_at:
            return self.looked_at[alike]
        self.looked_at[alike] = found = checks.check(project, self.folder, self.known)
        return found

    def _film(self, row: Row, project: Project, script: str, faults: list[Fault]) -> Film:
        label = self._label(row)
        name = f"{row.number:05d}-{named(label, row.number)}"
        if self.name:
            try:
                name = named(templates.fill(self.name, row.values).text, row.number)
            except TemplateError as error:
                faults.append(Fault(row.number, "", f"The name of its files: {error}."))
        if self.names.setdefault(name, row.number) != row.number:
            what = _SAME_NAME.format(self.names[name], name)
            faults.append(Fault(row.number, "", what))
        self.text += len(script)
        return Film(row.number, label, name, script, self._seconds(project), row.values)

    def _seconds(self, project: Project) -> float:
        """As `length.seconds`, but what rows have in common is reckoned once."""
        around = length.seconds(replace(project, scenes=(_SILENT,)))
        return round(around + sum(_of_scene(project.complete(scene), self.folder)
                                  for scene in project.scenes), 1)  # fmt: skip

    def _label(self, row: Row) -> str:
        """Words of the columns that the script uses first, else of the row's first ones."""
        for order in ([*self.spoken, *self.used], self.table.headings):
            cells = [row.values.get(c, "") for c in dict.fromkeys(order) if c not in OWN]
            if short := [cell for cell in cells if 0 < len(cell) <= _LABEL]:
                return " ".join(short[:2])[:_LABEL]
        return f"row {row.number}"


_SILENT: Final = Scene("silent", after=0.0)
_of_scene: Final = lru_cache(4096)(length.of_scene)


def _few(names: list[str]) -> str:
    told = ", ".join(names[:_NAMED])
    return f"{told} and {len(names) - _NAMED} more" if len(names) > _NAMED else told


_UNSAID: Final = "the voice leaves out"  # told of cells here, and of the script once
_EMPTY: Final = (
    "it is empty: fill it in, or say in the script what stands there instead, as {{{{{0}|there}}}}"
)
_ODD: Final = "{!r} will be said as it stands: if nothing is known, leave the cell empty"
_UNSAYABLE: Final = (
    "a voice of {1!r} cannot say {0!r}: write it as it sounds in that language's letters, here or "
    "in a column {2!r}; or give the row a language and a voice that can"
)
_SAME_NAME: Final = "its files would have the name of row {}'s, {!r}: make the names differ"
_NO_SCRIPT: Final = (
    "{0!r} is asked for (rows {1}), and there is no script.{0}.md: a voice of that language "
    "will say the words as they are. Translate the script with `visavis translate`, or say in it "
    'what is said in which language: {{{{#if language = "{0}"}}}}...{{{{/if}}}}'
)
