"""A script is translated, spoken and fitted by a process of the queue, with apertium and voices."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.jobs import over, queue

from visavis.engines.translation.apertium import MODES
from visavis.server.jobs.job import Job
from visavis.server.jobs.works import WORKS
from visavis.server.studio.document.project import Project, Scene
from visavis.server.studio.document.writing import write
from visavis.server.studio.translation import work

PROJECT = Project(
    title="Welcome to the team",
    glossary=("Acme Cloud",),
    scenes=(
        Scene(
            "hello", "[confident] Hello {{name}}, and welcome to Acme Cloud! [pause 0.5] Come in."
        ),
    ),
)


@pytest.mark.slow
@pytest.mark.skipif(
    not (MODES / "eng-spa.mode").is_file(), reason="needs the Debian package apertium-eng-spa"
)
async def test_a_script_becomes_spanish_of_the_same_length(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISAVIS_HOME", str(tmp_path / "home"))
    request = {"script": write(PROJECT), "folder": str(tmp_path), "language": "es"}
    async with queue(tmp_path / "jobs", works=WORKS) as it:
        await it.add(Job("one", work.KIND, request))
        *_, last = await over(it, "one")
        assert last.status == "done", last.fault
        made = work.read(last.result)
        await it.add(Job("two", work.KIND, request | {"language": "de"}))
        *_, failed = await over(it, "two")
    (scene,) = made.project.scenes
    assert scene.text.startswith(
        "[confident] Hola {{name}}, y bienvenido a Acme Cloud! [pause 0.5]"
    )
    assert 0.85 <= scene.rate <= 1.15
    assert made.by == "apertium"
    assert not [note for note in made.notes if "estimated" in note]
    assert failed.status == "failed"
    assert "no translator from en to de" in failed.fault
