"""The monitoring stack: is the endpoint well, and is its model cache large enough?"""

import aws_cdk as cdk
from aws_cdk import aws_sns as sns
from constructs import Construct

from fleet.config import DeploymentConfig
from sagemaker_mme import EndpointAlarms, EndpointDashboard, MultiModelEndpointBase
from stacks.stage import StageStack


class MonitoringStack(StageStack):
    """A dashboard, and alarms that go to the configured topic, if any."""

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
            description="Dashboard and alarms of the multi-model endpoint",
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
