"""Shows the jobs of a step while they run."""

from fleet.console import Console, Step
from training.job import JobEvent, Status


class JobReporter:
    """Shows the jobs of the current step: one moving line on a terminal, a line a change if not."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def __call__(self, event: JobEvent) -> None:
        """Show one change."""
        seconds = f" after {event.seconds:.1f} s" if event.seconds else ""
        line = f"          {event.label}: {event.what}{seconds}  ({event.name})"
        if not self._console.is_terminal:
            self._console.say(line)
            return
        if event.what in (Status.FAILED, Status.STOPPED, "stopping"):
            self._console.say(line)
        self._console.show(_progress(self._console.current_step, event))


def _progress(step: Step, event: JobEvent) -> str:
    if event.what in ("started", "joined"):
        step.running.add(event.label)
    elif event.what != "stopping" and not event.what.startswith("waiting"):
        step.running.discard(event.label)
        step.ended += 1
    running = f", running: {', '.join(sorted(step.running))}" if step.running else ""
    return f"{step.name}: {step.ended} done{running}"
