"""Hit ratio and cost against memory, as a PNG or SVG file."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fleet.capacity.plan import GIB_IN_MIB, HitRatio, Option, Plan, Workload
from fleet.capacity.prices import PriceList

COLORS = {"ml.c5": "#d1495b", "ml.m5": "#1f5fa8", "ml.r5": "#2a9d6f"}
OTHER_COLOR, GREY = "#8a94a0", "#8a94a0"
CURVE_POINTS = 60


def draw_plan(
    plan: Plan, workload: Workload, hit_ratio: HitRatio, prices: PriceList, path: Path
) -> None:
    """Write the chart; the file's ending chooses the format."""
    figure = Figure(figsize=(9.0, 6.4), layout="constrained")
    hits, costs = figure.subplots(2, 1, sharex=True)
    usable = (workload.limit_percent - workload.idle_percent) / 100
    held = np.unique(np.geomspace(1, workload.models, CURVE_POINTS).astype(int))
    memory = held * workload.model_mib / GIB_IN_MIB / usable
    hits.plot(memory, [hit_ratio(int(models)) for models in held], color=GREY)
    for option in plan.options:
        gib = prices.instances[option.instance_type].memory_gib * option.count
        color = COLORS.get(option.instance_type.rpartition(".")[0], OTHER_COLOR)
        filled = color if option.reaches(plan.target) else "none"
        marker = {"marker": "o", "s": 36, "edgecolors": color, "facecolors": filled}
        hits.scatter([gib], [option.hit_ratio], **marker)
        costs.scatter([gib], [option.monthly], **marker)
    for family, color in COLORS.items():
        costs.scatter([], [], color=color, label=family)
    _mark_cheapest(costs, plan.cheapest, prices)
    hits.set(ylabel="requests that find their model loaded", ylim=(0, 1.05), xscale="log")
    hits.set_title(
        f"{workload.models:,} models, {workload.requests_per_second:g} requests a second",
        loc="left",
    )
    costs.set(xlabel="memory of all instances (GiB)", ylabel="US dollars a month", yscale="log")
    costs.legend(title=f"full: reaches the target; prices of {prices.date}", frameon=False)
    for axes in (hits, costs):
        axes.set_axisbelow(True)
        axes.grid(color="#e4e8ec")
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=200)


def _mark_cheapest(axes: Axes, option: Option | None, prices: PriceList) -> None:
    if option is None:
        return
    gib = prices.instances[option.instance_type].memory_gib * option.count
    axes.annotate(
        f"{option.count} × {option.instance_type}: ${option.monthly:,.0f}",
        (gib, option.monthly),
        xytext=(-8, 8),
        textcoords="offset points",
        ha="right",
    )
