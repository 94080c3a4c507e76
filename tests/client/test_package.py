"""The npm package `visavis`, as `npm pack` makes it of client/."""

import json
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
from support import npm

from visavis.server import protocol

ROOT = Path(__file__).parents[2]
CLIENT = ROOT / "client"
TYPES = re.sub(r"/\*\*.*?\*/", "", (CLIENT / "visavis-avatar.d.ts").read_text(), flags=re.DOTALL)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project that has installed the package, and React."""
    home = tmp_path_factory.mktemp("project")
    npm.pack(CLIENT, home / "node_modules" / "visavis")
    for name in ("react", "react-dom", "scheduler", "@types", "csstype"):
        (home / "node_modules" / name).symlink_to(npm.modules("react") / name)
    return home


def test_it_has_the_element_and_nothing_else(project):
    package = project / "node_modules" / "visavis"
    files = {path.relative_to(package).as_posix() for path in package.rglob("*") if path.is_file()}
    element = {f"element/{path.name}" for path in (CLIENT / "element").glob("*.js")}
    assert files == element | {
        "LICENSE", "README.md", "package.json", "visavis-avatar.js", "visavis-avatar.d.ts",
        "react.js", "react.d.ts", "element/vendor/qr.js", "element/vendor/qr.LICENSE",
    }  # fmt: skip
    assert (package / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()


def test_its_version_is_that_of_the_server():
    package = json.loads((CLIENT / "package.json").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert (package["name"], package["version"]) == (project["name"], project["version"])
    assert package["license"] == project["license"]


def test_it_can_be_imported_without_a_document(project):
    """As by frameworks that draw pages ahead; and it names what the types name."""
    script = """
        const { VisavisAvatar } = await import("visavis");
        const { Avatar, EVENTS } = await import("visavis/react");
        const members = Object.getOwnPropertyNames(VisavisAvatar.prototype);
        console.log(JSON.stringify({ EVENTS, members }));
    """
    run = subprocess.run(
        ["node", "--input-type=module", "-e", script],
        capture_output=True, text=True, check=False, cwd=project, timeout=20,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout)
    declared = TYPES[TYPES.index("export class") : TYPES.index("addEventListener<")]
    declared = set(re.findall(r"^  (?:set |readonly )?(\w+)(?:\(|:)", declared, re.MULTILINE))
    own = {
        name for name in found["members"]
        if not name.endswith("Callback") and name not in {"constructor", "useShelf"}
    }  # fmt: skip
    assert declared == own | {"iceServers", "session"}
    events = TYPES[TYPES.index("VisavisAvatarEvents = ") : TYPES.index("interface Session")]
    events = set(re.findall(r"^  (\w+):", events, re.MULTILINE)) | set(protocol._NAMES.values())
    assert set(found["EVENTS"].values()) == events


def test_its_types_name_each_event_and_attribute_of_the_element():
    element = (CLIENT / "visavis-avatar.js").read_text()
    events = TYPES[TYPES.index("VisavisAvatarEvents = ") : TYPES.index("interface Session")]
    parts = [(CLIENT / "element" / f"{name}.js").read_text() for name in ("stage", "talk")]
    emitted = set(re.findall(r'#emit\("(\w+)"', "".join([element, *parts])))
    assert emitted - set(protocol._NAMES.values()) <= set(re.findall(r"^  (\w+):", events, re.M))
    observed = re.search(r"observedAttributes = \[(.*?)\]", element, re.DOTALL)[1]
    props = (CLIENT / "react.d.ts").read_text()
    for name in set(re.findall(r'"([\w-]+)"', observed)) - {"aria-label"}:  # React has that one
        assert re.search(rf'^  "?{name}"?\?:', props, re.MULTILINE), name


def test_its_types_name_each_message_and_its_fields():
    block = TYPES[TYPES.index("interface ServerMessages {") : TYPES.index("export type Fluency")]
    for kind, name in protocol._NAMES.items():
        found = re.search(rf"^  {name}: (Caption|\{{.*?\}});$", block, re.MULTILINE | re.DOTALL)
        assert found, name
        text = found[1]
        if text == "Caption":
            text = re.search(r"interface Caption \{(.*?)\}", TYPES, re.DOTALL)[1]
        text = re.sub(r"\{[^{}]*\}\[\]", "", text[1:] if text[0] == "{" else text)
        fields = set(re.findall(r"(\w+):", text))
        wanted = {"at_ms" if each == "at" else each for each in kind.__dataclass_fields__}
        assert fields == wanted, name


def test_its_types_check(project):
    shutil.copy(Path(__file__).parent / "package" / "usage.tsx", project)
    run = subprocess.run(
        [
            npm.modules("tools") / ".bin" / "tsc", "--noEmit", "--strict", "--jsx", "react-jsx",
            "--module", "nodenext", "--target", "es2022", "--lib", "es2022,dom,dom.iterable",
            "--types", "react", "usage.tsx",
        ],
        capture_output=True, text=True, check=False, cwd=project, timeout=50,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout
