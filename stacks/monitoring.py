"""The monitoring stack: is the endpoint well, and is its model cache large enough?"""

import aws_cdk as cdk
from aws_cdk import aws_sns as sns
from constructs import Construct

from fleet.config import DeploymentConfig
from sagemaker_mme import EndpointAlarms, EndpointDashboard, MultiModelEndpointBase


class MonitoringStack(cdk.Stack):
    """A dashboard, and alarms that go to the configured topic, if any."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        config: DeploymentConfig,
        endpoint: MultiModelEndpointBase,
        env: cdk.Environment | None = None,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            description="Dashboard and alarms of the multi-model endpoint",
            termination_protection=config.termination_protection,
            env=env,
        )
        self.dashboard = EndpointDashboard(self, "Dashboard", endpoint=endpoint)
        topic_arn = config.alarm_topic_arn
        self.alarms = EndpointAlarms(
            self,
            "Alarms",
            endpoint=endpoint,
            topic=sns.Topic.from_topic_arn(self, "Topic", topic_arn) if topic_arn else None,
        )
        cdk.CfnOutput(self, "DashboardName", value=self.dashboard.dashboard_name)
