"""The monitoring stack: whether the endpoint is well, and its model cache large enough."""

from collections.abc import Iterator

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from fleet import names
from fleet.config import DeploymentConfig
from sagemaker_mme import EndpointAlarms, EndpointDashboard, MultiModelEndpointBase
from stacks.stage import StageStack


class MonitoringStack(StageStack):
    """A dashboard, what clients note, and alarms that go to the configured topic, if any."""

    def __init__(
        self,
        scope: Construct,
        *,
        stage: str,
        config: DeploymentConfig,
        endpoint: MultiModelEndpointBase,
    ) -> None:
        super().__init__(
            scope,
            "monitoring",
            stage=stage,
            config=config,
            description="Dashboard and alarms of endpoint and retraining",
        )
        self.dashboard = EndpointDashboard(self, "Dashboard", endpoint=endpoint)
        self.alarms = EndpointAlarms(self, "Alarms", endpoint=endpoint)
        failed_runs = self._failed_runs()
        for topic in self._topics():
            action = actions.SnsAction(topic)
            for alarm in (*self.alarms.alarms, failed_runs):
                alarm.add_alarm_action(action)
                alarm.add_ok_action(action)
        self.client_logs = logs.LogGroup(
            self,
            "ClientLogs",
            retention=logs.RetentionDays[config.log_retention],
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        cdk.CfnOutput(self, "DashboardName", value=self.dashboard.dashboard_name)
        cdk.CfnOutput(
            self,
            "ClientLogGroupName",
            value=self.client_logs.log_group_name,
            description="Clients note their requests here, for housing models usage",
        )

    def _failed_runs(self) -> cloudwatch.Alarm:
        machine = sfn.StateMachine.from_state_machine_name(
            self, "StateMachine", names.state_machine_name(self.stage)
        )
        return machine.metric_failed(period=cdk.Duration.minutes(5)).create_alarm(
            self,
            "FailedRuns",
            alarm_name=f"{names.endpoint_name(self.stage)}-FailedRuns",
            alarm_description="A retraining run failed; what arrived waits for the next",
            threshold=1,
            evaluation_periods=1,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )

    def _topics(self) -> Iterator[sns.ITopic]:
        """The topic that the config names, and one for its e-mail addresses."""
        if self.config.alarm_topic_arn:
            yield sns.Topic.from_topic_arn(self, "Topic", self.config.alarm_topic_arn)
        if self.config.alarm_emails:
            topic = sns.Topic(self, "EmailTopic", enforce_ssl=True)
            for address in self.config.alarm_emails:
                topic.add_subscription(subscriptions.EmailSubscription(address))
            yield topic
