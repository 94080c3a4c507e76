"""What visavis is made of, and what is known to be wrong with it: deploy/sbom.py, advisories.py."""

import importlib.util
import json
import re
from datetime import UTC, datetime

import pytest
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from support.deployed import DEPLOY

from visavis.models import manifest

LOCK = (DEPLOY / "requirements.lock").read_text()


def script(name):
    spec = importlib.util.spec_from_file_location(name, DEPLOY / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def written():
    bom = script("sbom").bill(LOCK, datetime(2026, 11, 29, tzinfo=UTC))
    return JsonV1Dot6(bom).output_as_string(indent=1)


@pytest.fixture(scope="module")
def listed(written):
    return {each["bom-ref"]: each for each in json.loads(written)["components"]}


def test_the_list_is_proper_cyclonedx_and_the_same_each_time(written):
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(written) is None
    bom = script("sbom").bill(LOCK, datetime(2026, 11, 29, tzinfo=UTC))
    assert JsonV1Dot6(bom).output_as_string(indent=1) == written


def test_every_locked_package_is_listed_with_its_hashes_and_its_licence(listed):
    locked = dict(re.findall(r"^([a-z0-9._-]+)==([^ ;]+)", LOCK, re.MULTILINE))
    assert len(locked) > 60
    for name, version in locked.items():
        entry = listed[f"{name}=={version}"]
        (files,) = entry["externalReferences"]
        assert files["hashes"], name
        assert all(f"sha256:{each['content']}" in LOCK for each in files["hashes"])
        assert entry["licenses"], name
    hashes = sum(
        len(each.get("externalReferences", [{}])[0].get("hashes", ())) for each in listed.values()
    )
    assert hashes == LOCK.count("--hash=sha256:")


def test_every_model_is_listed_with_the_hash_of_each_file(listed):
    for model in manifest.load().models.values():
        entry = listed[f"model:{model.name}"]
        assert entry["type"] == "machine-learning-model"
        assert entry["licenses"]
        found = {each["name"]: each["hashes"][0]["content"] for each in entry["components"]}
        assert found == {str(file.path): file.sha256 for file in model.files}


def test_nothing_hangs_loose(written):
    bom = json.loads(written)
    needs = {each["ref"]: each.get("dependsOn", []) for each in bom["dependencies"]}
    reached, waiting = set(), ["visavis"]
    while waiting:
        ref = waiting.pop()
        if ref not in reached:
            reached.add(ref)
            waiting += needs[ref]
    assert reached >= {each["bom-ref"] for each in bom["components"]}


@pytest.mark.parametrize(
    ("packages", "status", "said"),
    [
        ([{"name": "a", "version": "1", "vulns": []}], 0, "1 of 1"),
        (
            [{"name": "a", "version": "1", "vulns": [{"id": "GHSA-1", "fix_versions": ["2"]}]}],
            1,
            "a 1: GHSA-1 (mended in: 2)",
        ),
        ([{"name": "a", "skip_reason": "not found"}], 3, "nothing is known here"),
        (
            [
                {"name": "b", "skip_reason": "not found"},
                {"name": "a", "version": "1", "vulns": [{"id": "CVE-1", "fix_versions": []}]},
            ],
            1,
            "CVE-1 (mended in: none yet)",
        ),
    ],
)
def test_advisories_are_told_and_ignorance_is_no_good_news(capsys, packages, status, said):
    assert script("advisories").judged(packages) == status
    assert said in capsys.readouterr().out


def test_a_list_of_advisories_that_cannot_be_asked_is_said(monkeypatch, capsys):
    advisories = script("advisories")
    command = ["sh", "-c", "echo no route to the service >&2; exit 1"]
    monkeypatch.setattr(advisories, "_command", lambda lock, service: command)
    monkeypatch.setattr("sys.argv", ["advisories"])
    assert advisories.main() == 3
    said = capsys.readouterr().out
    assert "nothing was checked: no route to the service" in said
