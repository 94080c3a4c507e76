"""The scripts of which videos are made over HTTP: those of projects, and those that are sent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from visavis.server.studio.document import checks, reading, writing
from visavis.server.studio.document.checks import Known
from visavis.server.studio.document.faults import Fault, ScriptError
from visavis.server.studio.document.project import Project
from visavis.server.studio.projects import Projects
from visavis.server.studio.translation import kept
from visavis.server.studio.translation.pairs import ENGLISH
from visavis.server.studio.videos import Loose, Script
from visavis.server.system.errors import Unprocessable


class ProjectScripts:
    """videos.Scripts, of a server that keeps projects. loose: scripts of none.

    known: what the installation has, as it is now; None: scripts are not looked at.
    """

    def __init__(
        self, projects: Projects, loose: Loose, known: Callable[[], Known] | None = None
    ) -> None:
        self._projects, self._loose, self._known = projects, loose, known

    async def project(self, name: str, language: str) -> Script:
        """See Scripts. Raises ScriptError, too."""
        return await asyncio.to_thread(self._of, name, language)

    async def alone(self, text: str, language: str) -> Script:
        """See Scripts."""
        project = await asyncio.to_thread(reading.read, text)
        if language and kept.tag(language) != (project.language or ENGLISH):
            msg = "Only a project can be filmed in another language: translate it, and read it."
            raise Unprocessable(msg, "translation-missing")
        script = await self._loose.alone(text, language)
        found = await asyncio.to_thread(self._faults, project, script.folder)
        return replace(script, faults=found)

    def _of(self, name: str, language: str) -> Script:
        version = self._projects.read(name)
        if version.script is None:
            raise ScriptError(version.faults)
        folder, project = self._projects.path(name).absolute(), version.script.project
        made, text = project, version.text
        if language:
            made, _notes = kept.in_language(project, folder, language)
            text = version.text if made == project else writing.write(made)
        return Script(text, folder, made.title or name, self._faults(made, folder))

    def _faults(self, project: Project, folder: Path) -> tuple[Fault, ...]:
        return checks.check(project, folder, self._known()) if self._known else ()
