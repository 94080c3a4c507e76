"""Projects kept by a server: opened, saved by two people, on a full disk, and their files."""

import asyncio
import errno
import io
import json
import os
import threading
from dataclasses import replace

import pytest
from support.projects import routes
from support.serving import problem

from visavis.server.studio import projects as store
from visavis.server.studio.document.merging import Clash, merged
from visavis.server.studio.document.project import Project, Scene
from visavis.server.studio.document.reading import read
from visavis.server.studio.document.writing import as_json
from visavis.server.studio.projects import Edited, Projects
from visavis.server.system.errors import Conflict, NoSpace, NotFound, Unprocessable

TWO = '+++\ntitle = "Our inn"\n+++\n\n# One\n\nHello there.\n\n# Two\n\nGood bye.\n'


async def begun(folder, text=TWO):
    await asyncio.to_thread(Projects(folder).create, "inn", text)


async def test_a_project_is_made_opened_saved_and_deleted(tmp_path):
    async with routes(tmp_path / "projects") as client:
        assert await (await client.get("/v1/projects")).json() == {"projects": []}
        made = await client.post("/v1/projects", json={"title": "Our inn"})
        assert made.status == 201
        assert made.headers["Location"] == "/v1/projects/our-inn"
        told = await made.json()
        assert told["script"] == '+++\ntitle = "Our inn"\n+++\n'
        assert [fault["what"] for fault in told["faults"]] == ["there is nothing to film"]
        sent = {"project": as_json(read(TWO))}
        tag = {"If-Match": made.headers["ETag"]}
        saved = await client.put("/v1/projects/our-inn", json=sent, headers=tag)
        assert saved.status == 200
        shown = await client.get("/v1/projects/our-inn")
        told = await shown.json()
        assert shown.headers["ETag"] == saved.headers["ETag"] == f'"{told["etag"]}"'
        assert told["script"] == TWO == (tmp_path / "projects/our-inn/script.md").read_text()
        assert told["project"] == sent["project"]
        assert told["faults"] == []
        assert 2.5 < told["seconds"] < 5
        row = (await (await client.get("/v1/projects")).json())["projects"][0]
        assert (row["name"], row["title"], row["scenes"]) == ("our-inn", "Our inn", 2)
        assert row["seconds"] == told["seconds"]
        assert (await client.delete("/v1/projects/our-inn")).status == 204
        assert (await client.get("/v1/projects/our-inn")).status == 404
        assert os.listdir(tmp_path / "projects") == []


async def test_two_people_who_edit_one_project_lose_nothing(tmp_path):
    await begun(tmp_path)
    async with routes(tmp_path) as client:
        tag = {"If-Match": (await client.get("/v1/projects/inn")).headers["ETag"]}
        markdown = {**tag, "Content-Type": "text/markdown"}
        first = await client.put(
            "/v1/projects/inn", data=TWO + "\n# Three\n\nAnd?\n", headers=markdown
        )
        assert first.status == 200
        mine = {"project": as_json(read(TWO.replace("Hello", "Hi")))}
        second = await client.put("/v1/projects/inn", json=mine, headers=tag)
        assert "ETag" not in second.headers
        status, told = await problem(second)
        assert (status, told["type"]) == (412, "urn:visavis:project-edited")
        assert f'"{told["etag"]}"' == first.headers["ETag"]
        assert [scene["name"] for scene in told["project"]["scenes"]] == ["one", "two", "three"]
        now = await client.put(
            "/v1/projects/inn", json=mine, headers={"If-Match": f'"{told["etag"]}"'}
        )
        assert now.status == 200
        assert "Hi there." in (tmp_path / "inn/script.md").read_text()
        assert (await client.put("/v1/projects/inn", json=mine)).status == 400


def test_what_two_people_changed_in_different_places_is_put_together(tmp_path):
    projects = Projects(tmp_path)
    etag = projects.create("inn", TWO).etag
    etag = projects.save("inn", TWO.replace("title", "# kept\ntitle"), etag).etag
    base = read(TWO)
    one, two = base.scenes
    theirs = replace(base, scenes=(replace(one, text="Hi."), two, Scene("three", "New.")))
    projects.save("inn", theirs, etag)
    mine = replace(
        base,
        voice="heart",
        scenes=(replace(one, style="warm"), Scene("between", "Too."), replace(two, text="Bye.")),
    )
    with pytest.raises(Edited):
        projects.save("inn", mine, etag)
    both = projects.save("inn", mine, etag, merge=True)
    assert both.project == replace(
        mine,
        scenes=(
            replace(one, text="Hi.", style="warm"), Scene("between", "Too."),
            replace(two, text="Bye."), Scene("three", "New."),
        ),
    )  # fmt: skip
    for clash in (
        replace(base, scenes=(replace(one, text="Hey."), two)),
        replace(base, scenes=(two,)),  # which they changed
    ):
        with pytest.raises(Edited):
            projects.save("inn", clash, etag, merge=True)
    with pytest.raises(Edited):
        projects.save("inn", mine, "0" * 24, merge=True)
    assert projects.read("inn") == both


def test_scenes_that_one_moved_and_the_other_removed_or_added():
    a, b, c, d = (Scene(name, name) for name in "abcd")
    base = Project(scenes=(a, b, c))

    def names(mine, theirs):
        one, two = Project(scenes=mine), Project(scenes=theirs)
        found = [scene.name for scene in merged(base, one, two).scenes]
        assert {each.name for each in merged(base, two, one).scenes} == set(found)
        return "".join(found)

    assert names((c, a, b), (a, b, c)) == "cab"
    assert names((c, a, b), (a, c)) == "ca"
    assert names((a, b), (d, a, b, c)) == "dab"
    assert names((c, b, a), (a, b, d, c)) == "cbda"
    with pytest.raises(Clash):
        names((c, b, a), (b, a, c))


def test_of_many_who_save_at_once_one_wins(tmp_path):
    projects = Projects(tmp_path)
    etag = projects.create("inn", "Hello.\n").etag
    ends, start = [], threading.Barrier(8)

    def save(number):
        start.wait()
        try:
            ends.append(Projects(tmp_path).save("inn", f"Hello {number}.\n", etag).text)
        except Edited as error:
            ends.append(error.version.text)

    threads = [threading.Thread(target=save, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(ends) == {projects.read("inn").text}


@pytest.mark.parametrize(
    "given",
    [
        {"script": "# a\n+++\nafter = 'x'\n+++\n"}, {"name": "A B", "title": "x"}, {"title": 3},
        {"title": "x" * 300},
    ],
)  # fmt: skip
async def test_a_project_that_cannot_be_is_refused_with_the_fix(tmp_path, given):
    async with routes(tmp_path) as client:
        status, told = await problem(await client.post("/v1/projects", json=given))
        assert status == 422
        assert told["detail"]
        assert os.listdir(tmp_path) == []


async def test_faults_of_a_script_are_told_one_by_one(tmp_path):
    async with routes(tmp_path) as client:
        made = await client.post("/v1/projects", json={"script": TWO})
        headers = {"If-Match": made.headers["ETag"], "Content-Type": "text/markdown"}
        bad = "# a\n+++\nafter = 100\nvoise = 'x'\n+++\n"
        status, told = await problem(
            await client.put("/v1/projects/our-inn", data=bad, headers=headers)
        )
        assert (status, told["type"]) == (422, "urn:visavis:script-invalid")
        assert [(each["line"], each["scene"]) for each in told["faults"]] == [(3, "a"), (4, "a")]


async def test_a_script_that_somebody_broke_by_hand_is_shown_as_it_is(tmp_path):
    await begun(tmp_path)
    (tmp_path / "inn/script.md").write_bytes(b"+++\ntitle = Inn \xff\n+++\n")
    async with routes(tmp_path) as client:
        told = await (await client.get("/v1/projects/inn")).json()
        assert told["project"] is None
        assert told["script"].startswith("+++\ntitle = Inn")
        assert told["faults"][0]["line"] == 2
        row = (await (await client.get("/v1/projects")).json())["projects"][0]
        assert (row["name"], row["scenes"]) == ("inn", 0)


async def test_files_come_and_go_within_the_project_alone(tmp_path):
    await begun(tmp_path, TWO.replace("# Two\n", "# Two\n+++\nbeside = 'a b.png'\n+++\n"))
    async with routes(tmp_path) as client:
        told = await (await client.get("/v1/projects/inn")).json()
        assert told["faults"][0]["what"] == "beside: there is no file a b.png"
        put = await client.put("/v1/projects/inn/files/a%20b.png", data=b"picture" * 100_000)
        assert put.status == 201
        await client.put("/v1/projects/inn/files/music/calm.mp3", data=b"sound")
        told = await (await client.get("/v1/projects/inn")).json()
        assert told["faults"] == []
        assert told["files"] == [
            {"name": "a b.png", "bytes": 700_000, "kind": "picture"},
            {"name": "music/calm.mp3", "bytes": 5, "kind": "sound"},
        ]
        got = await client.get("/v1/projects/inn/files/a%20b.png", headers={"Range": "bytes=0-6"})
        assert (got.status, got.content_type, await got.read()) == (206, "image/png", b"picture")
        for name in (
            "x.html",
            "script.md",
            "..%2Fout.png",
            ".hidden.png",
            "%2Fetc%2Fx.png",
            "a%00.png",
        ):
            sent = await client.put(f"/v1/projects/inn/files/{name}", data=b"x")
            assert (sent.status, (await sent.json())["type"]) == (422, "urn:visavis:file-name"), (
                name
            )
        empty = await client.put("/v1/projects/inn/files/e.png", data=b"")
        assert empty.status == 422
        assert (await client.delete("/v1/projects/inn/files/music/calm.mp3")).status == 204
        assert (await client.get("/v1/projects/inn/files/music/calm.mp3")).status == 404
        assert sorted(os.listdir(tmp_path / "inn")) == ["a b.png", "music", "script.md"]


def test_a_link_out_of_the_project_is_not_followed(tmp_path):
    projects = Projects(tmp_path / "projects")
    projects.create("inn", TWO)
    (tmp_path / "secret.png").write_bytes(b"x")
    (tmp_path / "projects/inn/out").symlink_to(tmp_path)
    with pytest.raises(Unprocessable):
        projects.file("inn", "out/secret.png")
    (tmp_path / "projects/inn/plan.png").symlink_to(tmp_path / "secret.png")
    assert projects.files("inn") == []
    for name in ("..", "inn/..", "", "Inn", ".inn.gone"):
        with pytest.raises(NotFound):
            projects.read(name)


def test_a_full_disk_leaves_what_was_there(tmp_path, monkeypatch):
    projects = Projects(tmp_path)
    version = projects.create("inn", TWO)

    def full(_file):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("visavis.models.files.os.fsync", full)
    with pytest.raises(NoSpace, match="the disk is full") as caught:
        projects.save("inn", "Hello.\n", version.etag)
    assert caught.value.status == 507
    with pytest.raises(NoSpace), projects.putting("inn", "a.png") as file:
        file.write(b"x")
    with pytest.raises(NoSpace):
        projects.create("other", TWO)
    assert projects.read("inn").text == TWO
    assert projects.names() == ["inn"]
    assert os.listdir(tmp_path / "inn") == ["script.md"]


def test_names_are_found_by_titles_and_never_twice(tmp_path, monkeypatch):
    projects = Projects(tmp_path)
    assert [projects.create("", TWO).name for _ in range(3)] == [
        "our-inn",
        "our-inn-2",
        "our-inn-3",
    ]
    assert projects.create("", "Hello.\n").name == "scene-1"
    with pytest.raises(Conflict, match="already"):
        projects.create("our-inn", TWO)
    monkeypatch.setattr(store, "MOST", 4)
    with pytest.raises(Conflict, match="delete one"):
        projects.create("more", TWO)


async def test_fifty_thousand_words_are_saved_and_said_to_be_too_long(tmp_path):
    text = "# long\n\n" + "Some words, and then more of them.\n" * 7200
    async with routes(tmp_path) as client:
        made = await client.post("/v1/projects", json={"name": "long", "script": text})
        told = await made.json()
        assert told["script"] == text
        fault = told["faults"][0]
        assert fault["grave"]
        assert "minutes" in fault["what"]
        assert "120 at most" in fault["fix"]


async def test_bodies_are_bounded_and_must_be_what_they_say(tmp_path):
    await begun(tmp_path)
    async with routes(tmp_path) as client:
        headers = {"If-Match": "*", "Content-Type": "text/markdown"}
        large = await client.put(
            "/v1/projects/inn", data=io.BytesIO(b"a" * (3 << 20)), headers=headers
        )
        assert large.status == 413
        latin = await client.put("/v1/projects/inn", data=b"caf\xe9", headers=headers)
        assert latin.status == 400
        other = {"If-Match": "*", "Content-Type": "text/html"}
        assert (await client.put("/v1/projects/inn", data=b"a", headers=other)).status == 415
        for body in (b"{", b"[]", b"\xff", json.dumps({"project": 3}).encode()):
            sent = {"If-Match": "*", "Content-Type": "application/json"}
            assert (await client.put("/v1/projects/inn", data=body, headers=sent)).status in (
                400,
                422,
            )
        assert (await client.put("/v1/projects/none", json={}, headers=sent)).status in (404, 422)
        assert (tmp_path / "inn/script.md").read_text() == TWO


def test_a_file_where_a_folder_is_and_a_folder_where_a_file_is_are_refused(tmp_path):
    projects = Projects(tmp_path)
    projects.create("one", "Hi.")
    for name in ("plan.png", "deep.png/plan.png"):
        with projects.putting("one", name) as file:
            file.write(b"x")
    for name in ("plan.png/other.png", "deep.png"):
        with pytest.raises(Unprocessable, match="one name"), projects.putting("one", name):
            pytest.fail("it was taken")
