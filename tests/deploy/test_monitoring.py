"""Alarms and dashboard: they name only what is measured, and Prometheus understands them."""

import asyncio
import contextlib
import json
import re
import shutil
import socket
import subprocess
import urllib.parse
import urllib.request

import promql_parser
import pytest
import yaml
from support.deployed import DEPLOY, ROOT, kubernetes
from support.serving import serving, watching

from visavis.server.system.metrics import Metrics

FOLDER = DEPLOY / "prometheus"
ALERTS = yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"][0]["rules"]
DASHBOARD = json.loads((DEPLOY / "grafana" / "dashboards" / "visavis.json").read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
# As Grafana fills them in.
FILLED = {"$__rate_interval": "1m", "$instance": ".+"}
ADAPTER = yaml.safe_load((DEPLOY / "kubernetes" / "monitoring" / "adapter.yaml").read_text())
_SAMPLES = re.compile(r"_(total|bucket|count|sum)$")
_METRIC = re.compile(r"\b(visavis_\w+)(?:\{([^}]*)\})?")
_BY = re.compile(r"\bby \(([^)]*)\)")
# What Prometheus and a scrape's target add to the labels of the metric itself.
_ADDED = {"instance", "job", "le"}


def filled(expression):
    for name, value in FILLED.items():
        expression = expression.replace(name, value)
    return expression


QUERIES = {
    **{rule["alert"]: rule["expr"] for rule in ALERTS},
    **{
        f"{panel['title']} {target['refId']}": filled(target["expr"])
        for panel in PANELS
        for target in panel["targets"]
    },
    "autoscaling": ADAPTER["rules"]["custom"][0]["seriesQuery"],
    "autoscaling, the share": ADAPTER["rules"]["custom"][0]["metricsQuery"]
    .replace("<<.LabelMatchers>>", 'pod="one"')
    .replace("<<.GroupBy>>", "pod"),
}


def family(metric):
    """The name under which a sample's metric is known."""
    return metric if metric in labels() else _SAMPLES.sub("", metric)


def labels():
    """Of every metric, by its name: those that its own samples have."""
    metrics = Metrics()
    found = {family.name: set() for family in metrics.registry.collect()}
    for collector in metrics.registry._collector_to_names:
        found[collector._name] = set(collector._labelnames)
    return found


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_names_what_is_measured(name):
    known = labels()
    promql_parser.parse(QUERIES[name])
    for metric, matchers in _METRIC.findall(QUERIES[name]):
        assert family(metric) in known, f"there is no {metric}"
        own = (
            known[family(metric)]
            | _ADDED
            | ({"namespace", "pod"} if "autoscaling" in name else set())
        )
        assert set(re.findall(r"(\w+)\s*[=!]~?", matchers)) <= own
        grouped = {
            label.strip() for by in _BY.findall(QUERIES[name]) for label in by.split(",")
        }  # a query of one metric's samples
        assert grouped <= own


def test_autoscaling_goes_by_what_the_adapter_makes():
    (metric,) = kubernetes("autoscaling")["spec"]["metrics"]
    assert metric["pods"]["metric"] == {"name": ADAPTER["rules"]["custom"][0]["name"]["as"]}


def test_every_alarm_is_explained():
    text = (ROOT / "docs" / "operating.md").read_text()
    for rule in ALERTS:
        assert f"`{rule['alert']}`" in text
    tested = (FOLDER / "alerts_test.yml").read_text()
    assert all(tested.count(f"alertname: {rule['alert']}") >= 2 for rule in ALERTS)


def test_the_dashboard_shows_every_metric():
    """What nobody sees might as well not be counted."""
    shown = "\n".join(QUERIES.values())
    hidden = {name for name in labels() if not re.search(rf"\b{name}(_|\b)", shown)}
    assert hidden == set()


def test_the_dashboard_is_one():
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    for panel in PANELS:
        place = panel["gridPos"]
        assert 0 <= place["x"] < place["x"] + place["w"] <= 24
        others = [p["gridPos"] for p in PANELS if p is not panel]
        assert not [o for o in others if overlap(place, o)], panel["title"]
    sources = (DEPLOY / "grafana" / "provisioning" / "datasources" / "prometheus.yml").read_text()
    assert {p["datasource"]["uid"] for p in PANELS} == {
        yaml.safe_load(sources)["datasources"][0]["uid"]
    }


def overlap(a, b):
    return (
        a["x"] < b["x"] + b["w"]
        and b["x"] < a["x"] + a["w"]
        and a["y"] < b["y"] + b["h"]
        and b["y"] < a["y"] + a["h"]
    )


needs_prometheus = pytest.mark.skipif(
    not shutil.which("promtool"), reason="needs the Debian package prometheus"
)


@needs_prometheus
@pytest.mark.parametrize(
    "check",
    [
        ["check", "rules", "--lint-fatal", "alerts.yml"],
        ["check", "config", "--syntax-only", "--lint-fatal", "prometheus.yml"],
        ["test", "rules", "alerts_test.yml"],
    ],
    ids=" ".join,
)
def test_prometheus_takes_them_and_alarms_ring(check):
    done = subprocess.run(["promtool", *check], cwd=FOLDER, check=False, capture_output=True)
    assert done.returncode == 0, (done.stdout + done.stderr).decode()


@contextlib.contextmanager
def prometheus(folder, target, token):
    """With our configuration, but for the target's address, a faster pace, and no TLS."""
    config = yaml.safe_load((FOLDER / "prometheus.yml").read_text())
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    scrape = config["scrape_configs"][0]
    scrape["scheme"] = "http"
    scrape["static_configs"] = [{"targets": [target]}]
    scrape["authorization"]["credentials_file"] = str(folder / "token")
    (folder / "token").write_text(token)
    shutil.copy(FOLDER / "alerts.yml", folder)
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [
        *("prometheus", f"--config.file={folder}/prometheus.yml"),
        *(f"--storage.tsdb.path={folder}/data", f"--web.listen-address=127.0.0.1:{port}"),
    ]
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(command, stdout=log, stderr=log) as process,
    ):
        try:
            yield f"http://127.0.0.1:{port}/api/v1"
        finally:
            process.terminate()


def asked(api, path, **query):
    """What Prometheus answers; None while it does not."""
    url = f"{api}/{path}?{urllib.parse.urlencode(query)}"
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return json.load(response)["data"]
    except OSError as error:
        if isinstance(error, urllib.error.HTTPError):
            raise AssertionError(f"{query}: {error.read()}") from error
        return None


@needs_prometheus
@pytest.mark.slow
async def test_a_server_is_scraped_and_every_query_is_answered(tmp_path):
    token = "of-this-test-and-no-other"
    async with serving(token=token) as client:
        client.session.headers["Authorization"] = f"Bearer {token}"
        target = f"127.0.0.1:{client.port}"
        with prometheus(tmp_path, target, token) as api:
            async with watching(client) as viewer:
                await client.post(f"{viewer.location}/text", json={"text": "one two"})
                await viewer.wait_for("receipt", within=20)
                async with asyncio.timeout(30):
                    while not await counted(api, "increase(visavis_turns_total[1m])"):
                        await asyncio.sleep(0.5)
            up = await asyncio.to_thread(asked, api, "query", query="up")
            assert [each["value"][1] for each in up["result"]] == ["1"]
            empty = [name for name, query in QUERIES.items() if not await counted(api, query)]
            rules = await asyncio.to_thread(asked, api, "rules")
            health = {rule["health"] for group in rules["groups"] for rule in group["rules"]}
    # Alarms that do not ring, a pod's labels, and counters by what has not happened here.
    quiet = {rule["alert"] for rule in ALERTS} | {
        name
        for name, query in QUERIES.items()
        if "autoscaling" in name or any(labels()[family(m)] for m, _ in _METRIC.findall(query))
    }
    assert set(empty) <= quiet
    assert not {"Replies A", "To the first sound A", "Sound B"} & set(empty)
    assert health == {"ok"}


async def counted(api, query):
    """How many series a query gives."""
    found = await asyncio.to_thread(asked, api, "query", query=query)
    return len(found["result"]) if found else 0
