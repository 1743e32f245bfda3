import json
import re
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml
from prometheus_client.metrics import MetricWrapperBase
from pydantic import BaseModel, ConfigDict, Field

from streams.settings import Ports

DECLARED = ("streams.metrics", "connectors.metrics")
# Made by Prometheus itself for each scraped target.
BUILT_IN = {"up": {"job", "instance"}}
DURATION = r"^\d+[smhd]$"


class Strict(BaseModel):
    """A form whose unknown fields are mistakes."""

    model_config = ConfigDict(extra="forbid")


class Discovery(Strict):
    """The name that a role answers to."""

    names: list[str]
    type: str = Field(pattern="^A$")
    port: int
    refresh_interval: str = Field(pattern=DURATION)


class Scrape(Strict):
    """One role to read."""

    job_name: str
    dns_sd_configs: list[Discovery]


class Global(Strict):
    """How often to read and to judge."""

    scrape_interval: str = Field(pattern=DURATION)
    evaluation_interval: str = Field(pattern=DURATION)


class Config(Strict):
    """prometheus.yml."""

    global_: Global = Field(alias="global")
    rule_files: list[str]
    scrape_configs: list[Scrape]


class Labels(Strict):
    """What routes an alert."""

    severity: str = Field(pattern="^(critical|warning)$")


class Annotations(Strict):
    """What a person on duty reads."""

    summary: str
    runbook_url: str = Field(pattern=r"^deploy/runbooks/[a-z-]+\.md$")


class Alert(Strict):
    """One alerting rule."""

    alert: str = Field(pattern="^Sluiceway[A-Z]")
    expr: str
    for_: str | None = Field(None, alias="for", pattern=DURATION)
    labels: Labels
    annotations: Annotations


class Group(Strict):
    """Rules judged together."""

    name: str
    rules: list[Alert]


class Rules(Strict):
    """alerts.yml."""

    groups: list[Group]


@pytest.fixture(scope="module")
def config(root: Path) -> Config:
    """What Prometheus scrapes."""
    return Config.model_validate(yaml.safe_load((root / "deploy/prometheus/prometheus.yml").read_text()))


@pytest.fixture(scope="module")
def alerts(root: Path) -> list[Alert]:
    """All alerts."""
    rules = Rules.model_validate(yaml.safe_load((root / "deploy/prometheus/alerts.yml").read_text()))
    return [alert for group in rules.groups for alert in group.rules]


@pytest.fixture(scope="module")
def dashboard(root: Path) -> dict[str, Any]:
    """The overview dashboard."""
    loaded: dict[str, Any] = json.loads((root / "deploy/grafana/dashboards/overview.json").read_text())
    return loaded


@pytest.fixture(scope="module")
def queries(dashboard: dict[str, Any], alerts: list[Alert], root: Path) -> dict[str, str]:
    """Every PromQL expression of dashboard, alerts and runbooks, by where it stands."""
    found = {f"alert {alert.alert}": alert.expr for alert in alerts}
    for panel in _panels(dashboard):
        for target in panel["targets"]:
            found[f"panel {panel['title']} {target['refId']}"] = target["expr"].replace("$__rate_interval", "1m")
    for runbook in (root / "deploy/runbooks").glob("*.md"):
        for quoted in re.findall(r"`([^`]*\bsluiceway_[^`]*|up\{[^`]*)`", runbook.read_text()):
            found[f"{runbook.name} {quoted}"] = quoted
    return found


def _panels(dashboard: dict[str, Any]) -> Iterator[dict[str, Any]]:
    return (panel for panel in dashboard["panels"] if panel["type"] != "row")


def _series() -> dict[str, set[str]]:
    """Every time series that the roles can expose, with its labels."""
    found = dict(BUILT_IN)
    for module in DECLARED:
        for metric in vars(import_module(module)).values():
            if isinstance(metric, MetricWrapperBase):
                found |= _series_of(metric)
    return found


def _series_of(metric: MetricWrapperBase) -> dict[str, set[str]]:
    labels = {*metric._labelnames, "job", "instance"}
    name = metric._name
    match metric._type:
        case "counter":
            return {f"{name}_total": labels}
        case "histogram":
            return {f"{name}_bucket": labels | {"le"}, f"{name}_sum": labels, f"{name}_count": labels}
        case _:
            return {name: labels}


def _walk(query: str) -> Iterable[promql_parser.Expr]:
    nodes: list[promql_parser.Expr] = []
    promql_parser.walk(promql_parser.parse(query), pre_visit=nodes.append)
    return nodes


def _selectors(query: str) -> list[promql_parser.VectorSelector]:
    return [node for node in _walk(query) if isinstance(node, promql_parser.VectorSelector)]


def test_scrapes_every_role_on_its_own_port(config: Config) -> None:
    """Prometheus reads transform, connect and gateway, by their compose names, where the settings put their metrics."""
    ports = Ports()
    assert {
        (job.job_name, entry.names[0], entry.port) for job in config.scrape_configs for entry in job.dns_sd_configs
    } == {
        ("transform", "transform", ports.transform_metrics),
        ("connect", "connect", ports.connect_metrics),
        ("gateway", "gateway", ports.gateway_metrics),
    }


def test_rule_files_exist(config: Config, root: Path) -> None:
    """The rules that the configuration names are beside it."""
    assert config.rule_files
    assert all((root / "deploy/prometheus" / name).is_file() for name in config.rule_files)


def test_alert_names_are_unique(alerts: list[Alert]) -> None:
    """An alert's name leads to one rule."""
    names = [alert.alert for alert in alerts]
    assert len(names) == len(set(names))


def test_queries_use_declared_metrics(queries: dict[str, str]) -> None:
    """Every metric asked for exists in the code under exactly that series name."""
    declared = _series()
    asked = {(where, selector.name) for where, query in queries.items() for selector in _selectors(query)}
    assert len(asked) > 40
    assert {(where, name) for where, name in asked if name not in declared} == set()


def test_queries_use_declared_labels(queries: dict[str, str]) -> None:
    """Every label that a query groups by or filters on belongs to one of its metrics."""
    declared = _series()
    wrong = set()
    for where, query in queries.items():
        known = set[str]().union(*(declared[selector.name or ""] for selector in _selectors(query)))
        named = re.findall(r"(?:by|on|without|ignoring) \(([^)]*)\)", query)
        used = {label.strip() for group in named for label in group.split(",")}
        used |= {matcher.name for selector in _selectors(query) for matcher in selector.matchers.matchers}
        wrong |= {(where, label) for label in used - known}
    assert wrong == set()


def test_legends_use_labels_that_the_query_keeps(dashboard: dict[str, Any]) -> None:
    """A legend names no label that the query has summed away."""
    for panel in _panels(dashboard):
        for target in panel["targets"]:
            kept = {
                label.strip() for group in re.findall(r"by \(([^)]*)\)", target["expr"]) for label in group.split(",")
            }
            assert set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) <= kept, panel["title"]


def test_counters_are_read_as_counters(queries: dict[str, str]) -> None:
    """Rate and increase are taken of counters and histograms only."""
    gauges = {name for name in _series() if not name.endswith(("_total", "_bucket", "_sum", "_count"))}
    for where, query in queries.items():
        for node in _walk(query):
            if isinstance(node, promql_parser.Call) and node.func.name in {"rate", "increase"}:
                assert not {selector.name for selector in _selectors(node.prettify())} & gauges, where


def test_dashboard_shows_what_operators_ask_for(dashboard: dict[str, Any]) -> None:
    """Flow, lag, deliveries, waiting, dead letters, quota, commit times, webhooks and source age each have a panel."""
    shown = {
        selector.name
        for panel in _panels(dashboard)
        for target in panel["targets"]
        for selector in _selectors(target["expr"].replace("$__rate_interval", "1m"))
    }
    assert shown >= {
        "sluiceway_records_in_total",
        "sluiceway_records_out_total",
        "sluiceway_lag_records",
        "sluiceway_lag_seconds",
        "sluiceway_deliveries_total",
        "sluiceway_todos",
        "sluiceway_dead_letters_total",
        "sluiceway_quota_remaining",
        "sluiceway_chunk_seconds_bucket",
        "sluiceway_commit_seconds_bucket",
        "sluiceway_webhooks_total",
        "sluiceway_source_age_seconds",
    }


def test_dashboard_is_stable(dashboard: dict[str, Any]) -> None:
    """Its uid is fixed, panels have distinct ids, do not overlap, and explain themselves."""
    assert dashboard["uid"] == "sluiceway-overview"
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
    cells = [
        (x, y)
        for panel in dashboard["panels"]
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(cells) == len(set(cells))
    assert all(panel["description"] for panel in _panels(dashboard))


def test_grafana_is_provisioned(dashboard: dict[str, Any], root: Path, services: dict[str, Any]) -> None:
    """The panels' datasource is the provisioned one and asks the compose file's Prometheus; the folder is mounted."""
    provisioning = root / "deploy/grafana/provisioning"
    (source,) = yaml.safe_load((provisioning / "datasources/prometheus.yml").read_text())["datasources"]
    assert {target["datasource"]["uid"] for panel in _panels(dashboard) for target in panel["targets"]} == {
        source["uid"]
    }
    assert source["url"] == "http://prometheus:9090"
    (provider,) = yaml.safe_load((provisioning / "dashboards/sluiceway.yml").read_text())["providers"]
    mounts = [volume.split(":") for volume in services["grafana"]["volumes"]]
    folders = {target: root / source for source, target, *_ in mounts if source.startswith("./")}
    home = Path(services["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    assert (folders[provider["options"]["path"]] / home.name).is_file()
    assert str(home.parent) == provider["options"]["path"]


def test_every_alert_has_a_runbook_and_every_runbook_an_alert(alerts: list[Alert], root: Path) -> None:
    """Alerts and runbooks belong to each other one by one."""
    named = {alert.annotations.runbook_url: alert.alert for alert in alerts}
    runbooks = {str(path.relative_to(root)): path.read_text() for path in (root / "deploy/runbooks").glob("*.md")}
    assert len(named) == len(alerts)
    assert set(named) == set(runbooks)
    for path, alert in named.items():
        assert f"`{alert}`" in runbooks[path], path


def test_runbooks_have_their_four_parts(root: Path) -> None:
    """A runbook tells symptom, query, decision and command, and its links lead somewhere."""
    for path in (root / "deploy/runbooks").glob("*.md"):
        text = path.read_text()
        parts = re.findall(r"^\*\*(\w+)\.\*\*", text, re.MULTILINE)
        assert parts == ["Symptom", "Query", "Decision", "Command"], path.name
        assert all((path.parent / link).is_file() for link in re.findall(r"\]\(([^)]+)\)", text)), path.name
