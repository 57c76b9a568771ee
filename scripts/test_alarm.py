"""Sends a test message to everybody whom the alarms reach."""

from fleet.alarms import send_test
from fleet.console import Console
from scripts.command import FAILED, SUCCEEDED, Aws, aws_options, main, make_command


@make_command(__doc__, "housing test-alarm")
@aws_options
def command(aws: Aws) -> int:
    session, deployment = aws.deployment()
    console = Console()
    topics = send_test(session, deployment.require("endpoint_name"))
    for reached in topics:
        console.say(reached.topic)
        for name in reached.confirmed:
            console.say(f"  {name}")
        for name in reached.pending:
            console.say(f"  {name}: not yet confirmed; the link is in the mail that AWS sent")
        if not reached.confirmed:
            console.say("  nobody: no subscription is confirmed")
    return SUCCEEDED if any(reached.confirmed for reached in topics) else FAILED


if __name__ == "__main__":
    main(command, "test_alarm")
