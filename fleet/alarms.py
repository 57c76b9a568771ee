"""The alarms of a deployed endpoint, and whether they reach anybody."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fleet.errors import HousingError

if TYPE_CHECKING:
    import boto3

TESTED = "ServerErrors"


class AlarmError(HousingError):
    """An alarm that would reach nobody."""


@dataclass(frozen=True)
class Reached:
    """Whom a topic reaches, as ``protocol endpoint``, and who has not confirmed yet."""

    topic: str
    confirmed: tuple[str, ...]
    pending: tuple[str, ...]


def topics_of(session: "boto3.Session", endpoint_name: str) -> list[Reached]:
    """The SNS topics that alarms go to, each with its subscriptions."""
    cloudwatch, sns = session.client("cloudwatch"), session.client("sns")
    pages = cloudwatch.get_paginator("describe_alarms").paginate(
        AlarmNamePrefix=f"{endpoint_name}-"
    )
    actions = {
        action
        for page in pages
        for alarm in page["MetricAlarms"]
        for action in alarm.get("AlarmActions", [])
        if ":sns:" in action
    }
    return [_reached(sns, topic) for topic in sorted(actions)]


def _reached(sns: Any, topic: str) -> Reached:
    subscriptions = [
        subscription
        for page in sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
        for subscription in page["Subscriptions"]
    ]
    names: dict[bool, list[str]] = {True: [], False: []}
    for each in subscriptions:
        confirmed = each["SubscriptionArn"].startswith("arn:")
        names[confirmed].append(f"{each['Protocol']} {each['Endpoint']}")
    return Reached(topic, tuple(names[True]), tuple(names[False]))


def send_test(session: "boto3.Session", endpoint_name: str) -> list[Reached]:
    """Let an alarm go off for a moment; returns whom that reaches.

    The whole way is tried, from CloudWatch by the topic to those who subscribed. At its next
    evaluation the alarm returns to what its metric says.

    Raises
    ------
    AlarmError
        No alarm has a topic.
    """
    topics = topics_of(session, endpoint_name)
    if not topics:
        raise AlarmError(
            f"no alarm of {endpoint_name} has a topic: give alarmEmails or alarmTopicArn in"
            " cdk.json and deploy the monitoring stack"
        )
    cloudwatch = session.client("cloudwatch")
    # An alarm that is still in ALARM, of the test before, would tell nobody; of the first state
    # nobody is told.
    for state in ("INSUFFICIENT_DATA", "ALARM"):
        cloudwatch.set_alarm_state(
            AlarmName=f"{endpoint_name}-{TESTED}",
            StateValue=state,
            StateReason="This is a test message; nothing is wrong.",
        )
    return topics
