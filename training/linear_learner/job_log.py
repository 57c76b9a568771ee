"""What a training job says about itself: log lines, and the metrics that are read from them.

The lines are those of the service's container, without their time stamps; SageMaker finds the
metrics in them with the MetricDefinitions that DescribeTrainingJob shows.
"""

from collections.abc import Callable, Mapping

from training.linear_learner.metrics import Metrics, final_metric_name

Log = Callable[[str], None]
_HOST = "host=algo-1"


class JobLog:
    """Writes the lines of one job, and keeps the last value of each metric."""

    def __init__(self, log: Log) -> None:
        self.line = log
        self.metrics: Metrics = {}

    def objective(self, split: str, name: str, epoch: int, value: float) -> None:
        """The loss of an epoch: that of the first of the parallel models."""
        self.metrics[f"{split}:objective_loss"] = value
        self.line(f"#quality_metric: {_HOST}, epoch={epoch}, {split} {name} <loss>={value}")

    def criterion(self, name: str, epoch: int, value: float) -> None:
        """The value that early stopping looks at."""
        self.line(
            f"#early_stopping_criteria_metric: {_HOST}, epoch={epoch}, criteria={name}, "
            f"value={value}"
        )

    def improvement(self, epoch: int, waited: int) -> None:
        """Whether the epoch is the best so far: then none has been waited for since."""
        if waited == 0:
            self.line(f"Epoch {epoch}: Loss improved. Updating best model")
        else:
            self.line(f"Epoch {epoch}: Loss has not improved for {waited} epochs.")

    def progress(self, epoch: int, epochs: int, records_per_second: float) -> None:
        """The end of an epoch, counted from 0."""
        percent = 100 * (epoch + 1) // epochs
        self.metrics["train:progress"] = float(percent)
        self.line(f"#progress_metric: {_HOST}, completed {percent} % of epochs")
        self.line(
            f"#throughput_metric: {_HOST}, train throughput={records_per_second} records/second"
        )

    def quality(self, split: str, metrics: Mapping[str, float]) -> None:
        """The final metrics on one data set."""
        for name, value in metrics.items():
            self.line(f"#{split}_score (algo-1) : ({name!r}, {value})")
        for name, value in metrics.items():
            kind = "loss" if name.endswith(("_objective", "_loss", "mse")) else "score"
            self.line(f"#quality_metric: {_HOST}, {split} {name} <{kind}>={value}")
            self.metrics[final_metric_name(split, name)] = value
