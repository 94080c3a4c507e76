"""The files in deploy/ agree with the code, and with each other."""

import json
import os
import re
import shutil
import stat
import subprocess
import tomllib
from dataclasses import fields, replace
from pathlib import Path

import pytest
import yaml
from support.deployed import DEPLOY, ROOT, kubernetes
from support.routes import routes

from visavis.server.system import config_reading as settings
from visavis.server.system.config import Config

COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SERVICES = COMPOSE["services"]
CONTAINERFILE = (DEPLOY / "Containerfile").read_text()
UNIT = (DEPLOY / "systemd" / "visavis.service").read_text()
KIOSK = (DEPLOY / "kiosk" / "visavis-kiosk.service").read_text()
POD = kubernetes("deployment")["spec"]["template"]["spec"]
CONTAINER = POD["containers"][0]
SETTINGS_FILES = [DEPLOY / "visavis.toml", DEPLOY / "kubernetes" / "base" / "visavis.toml"]
TEXTS = {
    path.relative_to(ROOT).as_posix(): path.read_text()
    for path in DEPLOY.rglob("*")
    if path.is_file() and not path.name.endswith(".lock") and "secrets" not in path.parts
}
# s from SIGTERM to the end of the process, whatever hangs: docs/operating.md#as-a-service.
ENDS_WITHIN = Config().drain_seconds + 6


def test_the_port_is_the_servers():
    port = Config().port
    assert f"EXPOSE {port}/tcp" in CONTAINERFILE
    assert SERVICES["visavis"]["healthcheck"]["test"] == ["CMD", "visavis", "ready"]
    assert 'CMD ["visavis", "ready"]' in CONTAINERFILE
    assert CONTAINER["ports"] == [
        {"name": "https", "containerPort": port, "hostPort": port, "protocol": "TCP"}
    ]
    assert f"http://localhost:{port}/?kiosk" in KIOSK
    scraped = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())
    assert scraped["scrape_configs"][0]["static_configs"] == [{"targets": [f"127.0.0.1:{port}"]}]


def test_what_is_asked_of_the_server_is_there(tmp_path):
    probes = [CONTAINER[f"{kind}Probe"]["httpGet"] for kind in ("startup", "readiness", "liveness")]
    assert {probe["scheme"] for probe in probes} == {"HTTPS"}
    start = (DEPLOY / "kiosk" / "start.html").read_text()
    asked = {probe["path"] for probe in probes} | {"/metrics", "/readyz"}
    asked |= set(re.findall(r'new URL\("(.*?)"', start))
    assert asked == {"/readyz", "/healthz", "/metrics"}
    assert {f"GET {path}" for path in asked} <= set(routes(tmp_path))


@pytest.mark.parametrize("path", SETTINGS_FILES, ids=lambda path: path.parent.name)
def test_settings_are_settings_and_fit_together(path):
    values = tomllib.loads(path.read_text())
    assert values["token_file"].startswith("/run/secrets/")
    config = replace(Config(), **values, token="of-this-test-only")
    settings.check(config)
    # Docs: two ports a session, for a page that connects again has two for a moment.
    assert config.port_range is not None
    assert len(config.port_range) >= 100


def test_variables_are_settings():
    known = {field.name for field in fields(Config)} | {"config"}
    named = {
        (name, variable.lower())
        for name, text in TEXTS.items()
        for variable in re.findall(r"\bVISAVIS_([A-Z_]+)\b", text)
    }
    assert {variable for _, variable in named} >= {"config", "home", "token_file"}
    assert not [each for each in named if each[1] not in known]


def test_there_is_time_to_end():
    assert int(re.search(r"^TimeoutStopSec=(\d+)$", UNIT, re.M)[1]) > ENDS_WITHIN
    assert int(SERVICES["visavis"]["stop_grace_period"].removesuffix("s")) > ENDS_WITHIN
    *_, address, token_file, patience = CONTAINER["lifecycle"]["preStop"]["exec"]["command"]
    assert int(patience) + ENDS_WITHIN < POD["terminationGracePeriodSeconds"]
    assert address == f"https://127.0.0.1:{Config().port}"
    assert token_file == tomllib.loads(SETTINGS_FILES[1].read_text())["token_file"]
    assert "\nKillMode=mixed\n" in UNIT, "its own processes are the server's to end"


def test_one_user_one_home():
    user = int(re.search(r"useradd --uid (\d+)", CONTAINERFILE)[1])
    assert f"USER {user}" in CONTAINERFILE
    security = POD["securityContext"]
    assert {security[key] for key in ("runAsUser", "runAsGroup", "fsGroup")} == {user}
    secrets = (DEPLOY / "secrets.sh").read_text()
    assert (
        f'for name in token cert.pem key.pem turn-secret; do give {user} "$name"; done' in secrets
    )
    home = re.search(r"VISAVIS_HOME=(\S+)", CONTAINERFILE)[1]
    assert f"VOLUME {home}" in CONTAINERFILE
    assert f"home:{home}" in SERVICES["visavis"]["volumes"]
    assert {"name": "home", "mountPath": home} in CONTAINER["volumeMounts"]


@pytest.mark.parametrize("name", SERVICES)
def test_a_container_may_do_what_it_needs_and_no_more(name):
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service.get("cap_add", []) == (["SYS_NICE"] if name == "visavis" else [])
    secret = re.compile(r"token|secret|passw|key", re.IGNORECASE)
    for key, value in service.get("environment", {}).items():
        assert not secret.search(key) or value.startswith("/run/secrets/"), key


def test_a_pod_may_do_what_it_needs_and_no_more():
    assert POD["securityContext"]["runAsNonRoot"] is True
    assert POD["automountServiceAccountToken"] is False
    # A Service named visavis would set VISAVIS_PORT, and no server would start.
    assert POD["enableServiceLinks"] is False
    assert CONTAINER["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert "cpu" not in CONTAINER["resources"]["limits"]


def test_every_file_that_is_mounted_is_there():
    for service in SERVICES.values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert source in COMPOSE["volumes"] or (DEPLOY / source).exists()
        for secret in service.get("secrets", []):
            name = secret if isinstance(secret, str) else secret["source"]
            assert COMPOSE["secrets"][name]["file"] == f"./secrets/{name}"


def test_secrets_are_made_once_and_for_one_reader_each(tmp_path):
    """With a chown of ours, which notes what it is asked to do."""
    for name in ("secrets.sh", "coturn"):
        source = DEPLOY / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / name)
    (tmp_path / "chown").write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/owners\n')
    (tmp_path / "chown").chmod(0o700)
    env = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    run = ["sh", str(tmp_path / "secrets.sh")]
    subprocess.run(run, check=True, env=env, capture_output=True)
    made = {path.name: path for path in (tmp_path / "secrets").iterdir()}
    assert set(made) == set(COMPOSE["secrets"])
    assert {stat.S_IMODE(path.stat().st_mode) for path in made.values()} == {0o400}
    assert len((tmp_path / "owners").read_text().splitlines()) == len(made)
    assert re.fullmatch(r"[0-9a-f]{64}", made["token"].read_text())
    assert made["token"].read_text() == made["prometheus-token"].read_text()
    last = made["turnserver.conf"].read_text().splitlines()[-1]
    assert re.fullmatch(r"static-auth-secret=[0-9a-f]{64}", last)
    assert last.endswith(made["turn-secret"].read_text())
    again = subprocess.run(run, check=False, env=env, capture_output=True)
    assert again.returncode != 0, "what is in use stays as it is"


def test_an_image_is_built_from_what_is_there():
    kept = {
        line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] == "!"
    }
    for pattern in kept:
        assert list(ROOT.glob(pattern)), pattern
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    needed = set(project["tool"]["setuptools"]["package-dir"].values())
    needed |= {*project["project"]["license-files"], project["project"]["readme"], "pyproject.toml"}
    assert all(any(Path(path).is_relative_to(each) for each in kept) for path in needed)
    named = set(re.findall(r"deploy/[\w./-]+", CONTAINERFILE)) - {"deploy/Containerfile"}
    for name in named - {"deploy/"}:
        assert any((ROOT / name) in ROOT.glob(pattern) for pattern in kept), name
    extras = project["project"]["optional-dependencies"]
    assert set(re.findall(r"GPU=(\w+)", CONTAINERFILE)) <= set(extras)


def test_the_gpu_lock_only_adds_to_the_servers():
    pinned = re.compile(r"^([\w.-]+==\S+)", re.MULTILINE)
    plain = set(pinned.findall((DEPLOY / "requirements.lock").read_text()))
    rtx = set(pinned.findall((DEPLOY / "requirements-rtx.lock").read_text()))
    assert plain <= rtx
    assert any(each.startswith("torch==") for each in rtx - plain)


def test_a_kiosk_trusts_one_origin():
    policy = json.loads((DEPLOY / "kiosk" / "policy.json").read_text())
    origin, start = re.search(r"(file://\S+)#(http://[^/]+)/", KIOSK).group(2, 1)
    # In a frame of a file, whose origin has no path, permissions are the file's; no other can be
    # opened.
    assert policy["AudioCaptureAllowedUrls"] == policy["AutoplayAllowlist"] == [origin, "file:///*"]
    assert policy["VideoCaptureAllowed"] is False
    assert "VideoCaptureAllowedUrls" not in policy
    assert policy["URLBlocklist"] == ["*"]
    assert policy["URLAllowlist"] == [origin, start]
    assert f"install -m 644 -D start.html {start.removeprefix('file://')}" in KIOSK


def test_a_kiosk_is_framed_by_its_start_page():
    local = (DEPLOY / "systemd" / "local.conf").read_text()
    allowed = re.search(r'^Environment="VISAVIS_FRAME_ANCESTORS=(.*)"$', local, re.MULTILINE)[1]
    settings.check(replace(Config(), frame_ancestors=allowed))
    assert "file:" in allowed.split()


def test_images_come_from_wherever_the_operator_says():
    base = re.search(r"^ARG BASE=(\S+)$", CONTAINERFILE, re.MULTILINE)[1]
    images = [base, *(service["image"] for service in SERVICES.values())]
    assert not [image for image in images if "." in image.split(":")[0]]
    assert "://" not in CONTAINERFILE


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd")
@pytest.mark.parametrize(
    ("unit", "program"),
    [
        ("systemd/visavis.service", "opt/visavis/.venv/bin/visavis"),
        ("kiosk/visavis-kiosk.service", "usr/bin/cage"),
    ],
)
def test_systemd_takes_the_units(tmp_path, unit, program):
    """In a root where what they start is there, beside the system's own units."""
    name, system = Path(unit).name, Path("usr/lib/systemd/system")
    shutil.copytree(Path("/") / system, tmp_path / system, symlinks=True)
    shutil.copy(DEPLOY / unit, tmp_path / system)
    started = tmp_path / program
    started.parent.mkdir(parents=True)
    shutil.copy("/bin/true", started)
    verify = ["systemd-analyze", "verify", f"--root={tmp_path}", "--man=no", name]
    done = subprocess.run(verify, check=False, capture_output=True, text=True)
    assert not [line for line in done.stderr.splitlines() if name in line], done.stderr


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd")
def test_the_service_is_well_shut_in():
    """1.3 of 10 with systemd 252, where 10 is a service without bounds."""
    rate = ["systemd-analyze", "security", "--offline=true", "--threshold=16"]
    done = subprocess.run(
        [*rate, str(DEPLOY / "systemd" / "visavis.service")], check=False, capture_output=True
    )
    assert done.returncode == 0, done.stdout.decode()


def test_the_photos_process_can_shut_itself_in():
    """Its calls are in no group of systemd 252; without them it works, less shut in."""
    added = re.search(r"^SystemCallFilter=(landlock.*)$", UNIT, re.MULTILINE)[1].split()
    calls = ["landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self", "seccomp"]
    assert added == calls
