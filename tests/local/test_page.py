"""The page of localaws: who may open it, what it shows, and how it works in a real browser."""

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import pytest

from localaws.page.door import COOKIE, page_token
from localaws.profile import PAGE_PATH
from localaws.testing import LocalAws
from localaws.testing.hosting import Hosting, make_hosting, make_role, wait_until

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]
DIMENSIONS = ["EndpointName", "test-page", "VariantName", "AllTraffic"]
DASHBOARD = {
    "widgets": [
        {
            "type": "metric",
            "properties": {
                "title": "Requests",
                "stat": "Sum",
                "metrics": [
                    ["AWS/SageMaker", "Invocations", *DIMENSIONS],
                    [".", "ModelCacheHit", ".", ".", ".", ".", {"label": "warm"}],
                ],
            },
        }
    ]
}


@pytest.fixture(scope="module")
def hosting(localaws: LocalAws) -> Hosting:
    hosting = make_hosting(localaws.session(), "test-page")
    hosting.deploy("test-page")
    for name in "abb":
        hosting.invoke("test-page", TargetModel=f"{name}.tar.gz")
    condition = {"StringLike": {"sagemaker:TargetModel": "a.tar.gz"}}
    may = {"Effect": "Allow", "Action": "sagemaker:InvokeEndpoint", "Resource": "*"}
    make_role(hosting.session, "test-page-a-only", [may | {"Condition": condition}])
    cloudwatch = hosting.session.client("cloudwatch")
    cloudwatch.put_dashboard(DashboardName="test-page", DashboardBody=json.dumps(DASHBOARD))
    return hosting


class Page:
    """Requests to the page, as a browser that has opened it sends them."""

    def __init__(self, localaws: LocalAws) -> None:
        self.host = urlsplit(localaws.endpoint_url).netloc
        self.token = page_token(localaws.state.directory)
        self.address = f"{localaws.endpoint_url}{PAGE_PATH}/?token={self.token}"

    def get(self, path: str, **headers: str) -> tuple[int, str]:
        return self.ask("GET", path, None, {"Cookie": f"{COOKIE}={self.token}", **headers})

    def ask(
        self, method: str, path: str, body: str | None, headers: dict[str, str]
    ) -> tuple[int, str]:
        connection = HTTPConnection(self.host, timeout=30)
        connection.request(method, f"{PAGE_PATH}{path}", body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()

    def read(self, path: str) -> Any:
        status, text = self.get(f"/api/{path}")
        assert status == 200, text
        return json.loads(text)


@pytest.fixture(scope="module")
def page(localaws: LocalAws) -> Page:
    return Page(localaws)


def test_without_the_token_nothing_is_shown(page: Page) -> None:
    assert page.ask("GET", "/", None, {})[0] == 403
    assert page.ask("GET", "/api/overview", None, {"Cookie": f"{COOKIE}=guessed"})[0] == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "rebound.example"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
)
def test_another_web_page_is_refused_even_with_the_cookie(
    page: Page, headers: dict[str, str]
) -> None:
    assert page.get("/api/overview", **headers)[0] == 403


def test_another_web_page_cannot_invoke(page: Page, hosting: Hosting) -> None:
    cookie = {"Cookie": f"{COOKIE}={page.token}", "Origin": "http://127.0.0.1:1"}
    assert page.ask("POST", "/api/invoke", "{}", cookie)[0] == 403


def test_the_token_is_the_owners_alone(localaws: LocalAws, page: Page) -> None:
    assert (localaws.state.directory / "page-token").stat().st_mode & 0o777 == 0o600


def test_no_other_file_is_served(page: Page) -> None:
    assert page.get("/../door.py")[0] == 404
    assert page.get("/static/page.js")[0] == 404


def test_an_endpoint_is_shown_with_its_loaded_models(page: Page, hosting: Hosting) -> None:
    (shown,) = (e for e in page.read("overview")["endpoints"] if e["name"] == "test-page")
    (instance,) = shown["cache"]["instances"]
    assert (shown["status"], instance["loaded"]) == ("InService", 2)
    assert instance["models"] == ["b.tar.gz", "a.tar.gz"]


def test_a_chart_has_the_values_of_get_metric_data(page: Page, hosting: Hosting) -> None:
    def values(name: str) -> list[float]:
        (chart,) = page.read("dashboard?name=test-page&minutes=15")
        (line,) = (line for line in chart["lines"] if line["label"] == name)
        return [value for _, value in line["points"]]

    wait_until(lambda: sum(values("Invocations")) >= 3, "metrics")
    metric: Any = {
        "Namespace": "AWS/SageMaker",
        "MetricName": "ModelCacheHit",
        "Dimensions": [
            {"Name": name, "Value": value}
            for name, value in zip(DIMENSIONS[::2], DIMENSIONS[1::2], strict=True)
        ],
    }
    answer = hosting.session.client("cloudwatch").get_metric_data(
        MetricDataQueries=[
            {"Id": "m", "MetricStat": {"Metric": metric, "Period": 10, "Stat": "Sum"}}
        ],
        StartTime=datetime.now(UTC) - timedelta(minutes=15),
        EndTime=datetime.now(UTC),
        ScanBy="TimestampAscending",
    )
    assert values("warm") == answer["MetricDataResults"][0]["Values"]


def test_the_times_of_an_invocation_are_those_of_the_metrics(page: Page, hosting: Hosting) -> None:
    since = datetime.now(UTC).timestamp()
    hosting.invoke("test-page", TargetModel="a.tar.gz")
    path = f"times?endpoint=test-page&since={since}"
    wait_until(lambda: page.read(path)["parts"] != [], "no times are shown")
    shown = page.read(path)
    assert shown["invocations"] >= 1
    assert {name for name, _ in shown["parts"]} >= {"container-1", "container-2", "the platform"}


def test_models_are_those_of_the_bucket(page: Page, hosting: Hosting) -> None:
    shown = page.read("models?endpoint=test-page")
    assert [m["target_model"] for m in shown["models"]] == ["a.tar.gz", "b.tar.gz", "c.tar.gz"]
    assert not shown["more"]


def test_the_access_matrix_is_what_iam_simulates(page: Page, hosting: Hosting) -> None:
    shown = page.read("access?endpoint=test-page")
    (row,) = (row for row in shown["roles"] if row["role"] == "test-page-a-only")
    assert dict(zip(shown["models"], row["may"], strict=True)) == {
        "a.tar.gz": True,
        "b.tar.gz": False,
        "c.tar.gz": False,
    }


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("models", "endpoint is missing"),
        ("models?endpoint=nowhere", "Could not find endpoint"),
        ("times?endpoint=x&since=inf", "since is inf; allowed: seconds since the epoch"),
        ("history?run=nowhere", "Execution nowhere not found"),
        ("dashboard?name=x&minutes=0", "minutes is 0; allowed: 1 to 1440"),
    ],
)
def test_what_cannot_be_shown_is_said(page: Page, path: str, text: str) -> None:
    status, answer = page.get(f"/api/{path}")
    assert status == 400
    assert text in answer


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Debian's Chromium, driven by playwright."""
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="no playwright: uv pip install -r requirements-browser.txt"
    )
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        yield browser
        browser.close()


@pytest.fixture
def opened(browser: Any, page: Page, hosting: Hosting) -> Iterator[Any]:
    """The page in a tab of its own; it may write no error to the console."""
    tab = browser.new_page(viewport={"width": 1600, "height": 1000})
    faults: list[str] = []
    tab.on(
        "console", lambda message: faults.append(message.text) if message.type == "error" else None
    )
    tab.on("pageerror", lambda error: faults.append(str(error)))
    tab.goto(page.address)
    tab.get_by_text("test-page", exact=True).first.wait_for()
    yield tab
    tab.close()
    assert faults == []


def test_the_browser_draws_the_dashboards_charts(opened: Any) -> None:
    opened.locator("#dashboard").select_option("test-page")
    chart = opened.locator(".chart svg")
    chart.wait_for()
    assert "Requests: Invocations" in chart.get_attribute("aria-label")
    assert opened.locator(".chart path").first.get_attribute("d").startswith("M")


def test_the_token_does_not_stay_in_the_address(opened: Any) -> None:
    assert "token" not in opened.url


def test_a_row_is_sent_by_keyboard_alone(opened: Any) -> None:
    opened.locator("[name=endpoint]").select_option("test-page")
    opened.locator("[name=target_model]").fill("c.tar.gz")
    opened.locator("[name=body]").fill("1,2,3")
    opened.locator("[name=body]").press("Tab")
    opened.keyboard.press("Enter")
    answer = opened.locator("#answer.good, #answer.bad")
    answer.wait_for()
    assert answer.inner_text().startswith("1,2,3\n200, ")
    opened.get_by_text("the platform").wait_for()


def test_a_run_of_a_state_machine_shows_its_events(opened: Any, localaws: LocalAws) -> None:
    states = localaws.session().client("stepfunctions")
    role = make_role(
        localaws.session(),
        "test-page-states",
        [{"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": "*"}],
        "states.amazonaws.com",
    )
    definition = {"StartAt": "Judge", "States": {"Judge": {"Type": "Fail", "Error": "TooFewRows"}}}
    machine = states.create_state_machine(
        name="test-page-with-a-name-as-long-as-step-functions-allows-which-is-eighty-of-them",
        definition=json.dumps(definition),
        roleArn=role,
    )["stateMachineArn"]
    states.start_execution(stateMachineArn=machine, name="first-run")
    opened.get_by_text("first-run").click()
    opened.locator("#runs pre", has_text="TooFewRows").wait_for()


@pytest.mark.parametrize("width", [400, 1600])
def test_nothing_is_wider_than_the_window(opened: Any, width: int) -> None:
    opened.set_viewport_size({"width": width, "height": 800})
    assert opened.evaluate("document.documentElement.scrollWidth") <= width
