"""Tells what a fleet of models would need and cost, before anything is paid."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import click

from fleet.capacity.plan import Option, Plan, Target, make_plan
from fleet.capacity.prices import SHIPPED, PriceList, read_prices, renew_prices, write_prices
from fleet.capacity.traffic import Traffic, TrafficError, live, popular, recorded
from fleet.console import Console
from scripts.command import SUCCEEDED, Aws, aws_options, json_option, main, make_command

POSITIVE = click.FloatRange(min=0, min_open=True)
COLUMNS = ("instances", "models", "warm", "cold/min", "p50 ms", "p99 ms", "CPU", "$/month")


@make_command(
    __doc__,
    "housing plan --models 10000 --rate 50 --zipf 0.9 --target-hit-ratio 0.95",
    "housing plan --trace requests.csv --rate 20 --chart plan.png",
    "housing plan --from-endpoint housing-prod --target-p99-ms 200",
)
@click.option("--models", type=click.IntRange(1, 10_000_000), help="How many models there are.")
@click.option("--rate", type=POSITIVE, metavar="PER_SECOND", help="Requests, all together.")
@click.option(
    "--zipf",
    "exponent",
    type=click.FloatRange(0, 4),
    default=0.9,
    show_default=True,
    metavar="EXPONENT",
    help="How uneven they are used; 0 is uniform.",
)
@click.option(
    "--trace",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="CSV",
    help="Recorded traffic instead: a column target_model, a row a request.",
)
@click.option("--from-endpoint", metavar="NAME", help="What CloudWatch tells of a live one.")
@click.option(
    "--hours", type=POSITIVE, default=24.0, show_default=True, help="How far it looks back."
)
@click.option("--model-mib", type=POSITIVE, help="Memory of a model.  [default: 101.5]")
@click.option("--warm-ms", type=POSITIVE, help="A request whose model is loaded.  [default: 50]")
@click.option("--load-ms", type=POSITIVE, help="What loading it adds.  [default: 1600]")
@click.option("--cpu-ms", type=POSITIVE, help="Processor time of a request.  [default: 5]")
@click.option("--target-hit-ratio", type=click.FloatRange(0, 1), help="Share of warm requests.")
@click.option("--target-p99-ms", type=POSITIVE, help="99 of 100 requests are at least as quick.")
@click.option(
    "--prices",
    "price_file",
    type=click.Path(path_type=Path, dir_okay=False),
    default=SHIPPED,
    metavar="FILE",
    help="A price list.  [default: the one that ships]",
)
@click.option(
    "--renew-prices",
    "region",
    metavar="REGION",
    help="Write that region's prices of today to --prices, from AWS's price list.",
)
@click.option(
    "--chart",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Draw hit ratio and cost: .png, .svg or .pdf.",
)
@json_option
@aws_options
def command(
    aws: Aws,
    models: int | None,
    rate: float | None,
    exponent: float,
    trace: Path | None,
    from_endpoint: str | None,
    hours: float,
    model_mib: float | None,
    warm_ms: float | None,
    load_ms: float | None,
    cpu_ms: float | None,
    target_hit_ratio: float | None,
    target_p99_ms: float | None,
    price_file: Path,
    region: str | None,
    chart: Path | None,
    as_json: bool,
) -> int:
    prices = _prices(aws, price_file, region)
    if from_endpoint:
        traffic, _ = live(aws.session(), from_endpoint, prices, hours)
    elif rate is None:
        raise TrafficError("--rate is missing: requests a second of all models together")
    elif trace:
        traffic = recorded(trace, rate, models)
    elif models is None:
        raise TrafficError("--models is missing; or give --trace or --from-endpoint")
    else:
        traffic = popular(models, rate, exponent)
    given: dict[str, Any] = {
        "model_mib": model_mib,
        "warm_seconds": warm_ms and warm_ms / 1000,
        "load_seconds": load_ms and load_ms / 1000,
        "cpu_seconds": cpu_ms and cpu_ms / 1000,
    }
    workload = replace(traffic.workload, **{k: v for k, v in given.items() if v is not None})
    traffic = replace(traffic, workload=workload)
    target = Target(target_hit_ratio, target_p99_ms and target_p99_ms / 1000)
    plan = make_plan(workload, traffic.hit_ratio, prices, target)
    if chart:
        from fleet.capacity.chart import draw_plan  # matplotlib takes a second to import

        draw_plan(plan, workload, traffic.hit_ratio, prices, chart)
    if as_json:
        print(json.dumps(_as_json(plan, traffic, prices), indent=2))
    else:
        _print(Console(), plan, traffic, prices)
    return SUCCEEDED


def _prices(aws: Aws, path: Path, region: str | None) -> PriceList:
    if region is None:
        return read_prices(path)
    known = read_prices(path if path.exists() else SHIPPED)
    renewed = renew_prices(aws.session(), known, region)
    write_prices(renewed, path)
    return renewed


def _as_json(plan: Plan, traffic: Traffic, prices: PriceList) -> dict[str, object]:
    return {
        "source": traffic.source,
        "workload": asdict(traffic.workload),
        "prices": {"region": prices.region, "date": prices.date, "source": prices.source},
        "options": [asdict(option) for option in plan.options],
        "cheapest": plan.cheapest and asdict(plan.cheapest),
        "endpoint_a_model_monthly": plan.endpoint_a_model,
        "serverless_monthly": plan.serverless,
    }


def _print(console: Console, plan: Plan, traffic: Traffic, prices: PriceList) -> None:
    console.say(traffic.source)
    shown = [option for option in plan.options if plan.is_worth_showing(option)]
    shown.sort(key=lambda option: option.monthly)
    title = f"Options that no cheaper one beats, prices of {prices.region} on {prices.date}"
    console.table(title, COLUMNS, [_row(option) for option in shown])
    console.say("p50 and p99 without queueing; CPU above 70 % queues. Simulated, not measured.")
    console.say(f"One endpoint a model: ${plan.endpoint_a_model:,.0f} a month.")
    console.say(f"Serverless, one endpoint a model: ${plan.serverless:,.0f} a month at 1 GiB each.")
    best = plan.cheapest
    if best is None:
        console.say("No option reaches the target.")
    else:
        console.say(
            f"Cheapest that reaches the target: {_name(best)}, ${best.monthly:,.0f} a month."
        )


def _row(option: Option) -> tuple[str, ...]:
    return (
        _name(option),
        f"{option.models_held:,}",
        f"{option.hit_ratio:.1%}",
        f"{option.cold_per_minute:,.1f}",
        f"{option.p50 * 1000:,.0f}",
        f"{option.p99 * 1000:,.0f}",
        f"{option.processors:.0%}",
        f"{option.monthly:,.0f}",
    )


def _name(option: Option) -> str:
    return f"{option.count} x {option.instance_type}"


if __name__ == "__main__":
    main(command, "plan")
