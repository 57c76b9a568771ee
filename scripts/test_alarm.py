"""Sends a test message to everybody whom the alarms reach."""

from fleet.alarms import send_test
from fleet.console import Console
from scripts.command import FAILED, SUCCEEDED, Aws, aws_options, main, make_command


@make_command(__doc__, "housing test-alarm")
@aws_options
def command(aws: Aws) -> int:
    session, deployment = aws.deployment()
    topics = send_test(session, deployment.require("endpoint_name"))
    console = Console()
    for topic, subscriptions in topics.items():
        console.say(topic)
        for subscription in subscriptions or ["nobody: no subscription is confirmed"]:
            console.say(f"  {subscription}")
    return SUCCEEDED if any(topics.values()) else FAILED


if __name__ == "__main__":
    main(command, "test_alarm")
