"""SNS by mail: who is asked, who gets what, and when an alarm's message arrives."""

import re
import time
import urllib.request
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from localaws.mail import Mail, Mailbox
from localaws.testing import LocalAws
from localaws.testing.stacks import Stack

PATIENCE_SECONDS = 60
LINK = re.compile(r"http://\S*Action=ConfirmSubscription\S*")


@pytest.fixture
def address() -> str:
    return f"ops-{uuid4().hex[:8]}@example.com"


@pytest.fixture
def topic(localaws: LocalAws) -> Iterator[str]:
    sns = localaws.session().client("sns")
    arn = sns.create_topic(Name=f"alarms-{uuid4().hex[:8]}")["TopicArn"]
    yield arn
    sns.delete_topic(TopicArn=arn)


def mails_to(localaws: LocalAws, address: str) -> list[Mail]:
    return [mail for mail in Mailbox(localaws.state.mail_directory).mails() if mail.to == address]


def confirm(localaws: LocalAws, address: str) -> None:
    """Open the link of the first mail, as its reader would."""
    link = LINK.search(mails_to(localaws, address)[0].text)
    assert link is not None
    with urllib.request.urlopen(link[0]) as answer:
        assert answer.status == 200


def subscriptions(localaws: LocalAws, topic: str) -> list[str]:
    listed: Any = localaws.session().client("sns").list_subscriptions_by_topic(TopicArn=topic)
    return [each["SubscriptionArn"] for each in listed["Subscriptions"]]


def test_an_address_gets_nothing_until_it_has_confirmed(
    localaws: LocalAws, topic: str, address: str
) -> None:
    sns = localaws.session().client("sns")
    answer = sns.subscribe(TopicArn=topic, Protocol="email", Endpoint=address)
    assert answer["SubscriptionArn"] == "pending confirmation"
    assert subscriptions(localaws, topic) == ["PendingConfirmation"]
    sns.publish(TopicArn=topic, Subject="too early", Message="text")
    assert [mail.subject for mail in mails_to(localaws, address)] == [
        "AWS Notification - Subscription Confirmation"
    ]
    confirm(localaws, address)
    assert subscriptions(localaws, topic)[0].startswith(topic)
    sns.publish(TopicArn=topic, Subject="in time", Message="text")
    assert mails_to(localaws, address)[-1].subject == "in time"


def test_a_link_with_another_token_confirms_nothing(
    localaws: LocalAws, topic: str, address: str
) -> None:
    sns = localaws.session().client("sns")
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint=address)
    with pytest.raises(ClientError, match="Invalid token"):
        sns.confirm_subscription(TopicArn=topic, Token="0" * 64)
    assert subscriptions(localaws, topic) == ["PendingConfirmation"]


def test_an_address_of_a_stack_is_asked_once(localaws: LocalAws, topic: str, address: str) -> None:
    stack = Stack(localaws, f"mail-{uuid4().hex[:8]}")
    properties = {"TopicArn": topic, "Protocol": "email", "Endpoint": address}
    resource = {"Type": "AWS::SNS::Subscription", "Properties": properties}
    assert stack.deploy({"Subscription": resource}) == "CREATE_COMPLETE"
    other = {"Type": "AWS::SNS::Topic"}
    assert stack.deploy({"Subscription": resource, "Other": other}) == "UPDATE_COMPLETE"
    assert len(mails_to(localaws, address)) == 1
    assert subscriptions(localaws, topic) == ["PendingConfirmation"]
    stack.delete()


def test_an_alarm_that_goes_off_is_mailed(localaws: LocalAws, topic: str, address: str) -> None:
    session = localaws.session()
    session.client("sns").subscribe(TopicArn=topic, Protocol="email", Endpoint=address)
    confirm(localaws, address)
    cloudwatch = session.client("cloudwatch")
    name = f"alarm-{uuid4().hex[:8]}"
    cloudwatch.put_metric_alarm(
        AlarmName=name,
        Namespace=name,
        MetricName="Errors",
        Statistic="Sum",
        Period=10,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        TreatMissingData="notBreaching",
        AlarmActions=[topic],
    )
    cloudwatch.put_metric_data(Namespace=name, MetricData=[{"MetricName": "Errors", "Value": 5}])
    deadline = time.monotonic() + PATIENCE_SECONDS
    while len(mails_to(localaws, address)) < 2 and time.monotonic() < deadline:
        time.sleep(0.2)
    mail = mails_to(localaws, address)[-1]
    assert mail.subject == f'ALARM: "{name}" in us-east-1'
    assert '"NewStateValue": "ALARM"' in mail.text
    cloudwatch.delete_alarms(AlarmNames=[name])
