"""The retraining stack: what arrives below ``incoming/`` is trained, judged and served.

A state machine that objects and a schedule start. Of several that start at once one runs; it waits
for what arrives shortly after, trains all of it in one SageMaker job, publishes, and looks again
before it ends, so that nothing that arrived is left.
"""

import json
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_scheduler_targets as scheduler_targets
from aws_cdk import aws_sns as sns
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from fleet import names
from fleet.config import DeploymentConfig
from fleet.project import project_schema
from sagemaker_mme import ContainerImage, ModelStore, Prefix
from stacks.acknowledgements import (
    ONE_PREFIX,
    acknowledge_wildcards,
    arn_from_other_stack,
)
from stacks.retraining_states import definition
from stacks.stage import StageStack

ROOT = Path(__file__).parents[1]
PACKAGES = (
    "fleet",
    "training",
    "training/fleet_trainer",
    "training/linear_learner",
    "training/linear_learner/wire",
)
"""What of this project the function carries: the job's source travels through it."""


class RetrainingStack(StageStack):
    """State machine, function, rule, schedule and topic, each with a role of its own."""

    def __init__(
        self,
        scope: Construct,
        *,
        stage: str,
        config: DeploymentConfig,
        model_store: ModelStore,
        registry: dynamodb.ITable,
        training_role: iam.IRole,
    ) -> None:
        super().__init__(
            scope,
            "retraining",
            stage=stage,
            config=config,
            description="Trains, judges and publishes what arrives",
        )
        self._store = model_store
        self._registry = registry
        self._training_role = training_role
        self.function = self._function()
        self.topic = sns.Topic(self, "Runs", enforce_ssl=True)
        self.state_machine = self._state_machine()
        self._start_by_arrivals()
        if config.retraining.schedule is not None:
            self._start_by_schedule(config.retraining.schedule)
        cdk.CfnOutput(
            self,
            "StateMachineArn",
            value=self.state_machine.state_machine_arn,
            description="Retrains what arrived",
        )
        cdk.CfnOutput(
            self, "TopicArn", value=self.topic.topic_arn, description="Hears of every run"
        )

    def _function(self) -> lambda_.Function:
        log_group = logs.LogGroup(
            self,
            "FunctionLogs",
            retention=logs.RetentionDays[self.config.log_retention],
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        role = iam.Role(
            self,
            "FunctionRole",
            description="Collects what arrived; judges and publishes models",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
        )
        log_group.grant_write(role)
        self._grant_store(role)
        self._grant_registry(role)
        parameter = names.preprocessor_url_parameter(self.stage)
        role.add_to_policy(
            iam.PolicyStatement(
                actions=["ssm:GetParameter"],
                resources=[
                    self.format_arn(
                        service="ssm", resource="parameter", resource_name=parameter.lstrip("/")
                    )
                ],
            )
        )
        settings = self.config.retraining
        return lambda_.Function(
            self,
            "Function",
            description="Before and after the training job of a retraining run",
            runtime=lambda_.Runtime.PYTHON_3_14,
            handler="training.retraining.handler",
            code=lambda_.Code.from_asset(
                str(ROOT),
                exclude=[
                    "*",
                    *(f"!/{package}" for package in PACKAGES),
                    *(f"!/{package}/*.py" for package in PACKAGES),
                ],
                ignore_mode=cdk.IgnoreMode.GIT,
            ),
            role=role,
            log_group=log_group,
            memory_size=1024,
            timeout=cdk.Duration.minutes(15),
            environment={
                "STAGE": self.stage,
                "BUCKET": self._store.bucket.bucket_name,
                "KEY_ARN": self._store.key.key_arn,
                "TRAINING_ROLE_ARN": self._training_role.role_arn,
                "PREPROCESSOR_PARAMETER": parameter,
                "REGISTRY_TABLE": self._registry.table_name,
                "KEEP_VERSIONS": str(self.config.keep_versions),
                "GATE": json.dumps(self.config.gate.model_dump(), sort_keys=True),
                "SCHEMA_HYPERPARAMETERS": json.dumps(dict(project_schema().hyperparameters)),
                "IMAGE": ContainerImage.scikit_learn().bind(self).uri,
                "INSTANCE_TYPE": settings.instance_type,
                "INSTANCE_COUNT": str(settings.instance_count),
            },
        )

    def _grant_store(self, role: iam.Role) -> None:
        grants = self._store.grants
        read = (Prefix.RAW, Prefix.JOBS, Prefix.MODELS, names.Prefix.INCOMING)
        grants.read(role, *read)
        grants.write(role, Prefix.RAW, Prefix.JOBS, Prefix.MODELS)
        cleared = [
            self._store.bucket.arn_for_objects(f"{prefix}*")
            for prefix in (names.Prefix.INCOMING, Prefix.MODELS)
        ]
        role.add_to_policy(iam.PolicyStatement(actions=["s3:DeleteObject"], resources=cleared))
        store = arn_from_other_stack(self, self._store.bucket)
        acknowledge_wildcards(role, {f"{store}/{prefix}*": ONE_PREFIX for prefix in read})

    def _grant_registry(self, role: iam.Role) -> None:
        table = self._registry.table_arn
        role.add_to_policy(
            iam.PolicyStatement(
                actions=[
                    "dynamodb:BatchGetItem",
                    "dynamodb:GetItem",
                    "dynamodb:PutItem",
                    "dynamodb:Query",
                    "dynamodb:UpdateItem",
                ],
                resources=[table],
            )
        )

    def _state_machine(self) -> sfn.StateMachine:
        role = iam.Role(
            self,
            "StateMachineRole",
            description="Runs the steps of a retraining run",
            assumed_by=iam.ServicePrincipal("states.amazonaws.com"),
        )
        job = self.format_arn(
            service="sagemaker",
            resource="training-job",
            resource_name=f"{names.PROJECT}-{self.stage}-retraining-*",
        )
        rule = self.format_arn(
            service="events",
            resource="rule",
            resource_name="StepFunctionsGetEventsForSageMakerTrainingJobsRule",
        )
        machine = names.state_machine_name(self.stage)
        again = self.format_arn(
            service="states",
            resource="stateMachine",
            resource_name=machine,
            arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
        )
        execution = self.format_arn(
            service="states",
            resource="execution",
            resource_name=f"{machine}:*",
            arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
        )
        for allowed, resource in (
            (["lambda:InvokeFunction"], self.function.function_arn),
            (["sns:Publish"], self.topic.topic_arn),
            (
                ["dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem"],
                self._registry.table_arn,
            ),
            (["states:DescribeExecution"], execution),
            (["states:StartExecution"], again),
            (
                [
                    "sagemaker:CreateTrainingJob",
                    "sagemaker:DescribeTrainingJob",
                    "sagemaker:StopTrainingJob",
                ],
                job,
            ),
            (["events:DescribeRule", "events:PutRule", "events:PutTargets"], rule),
        ):
            role.add_to_policy(iam.PolicyStatement(actions=allowed, resources=[resource]))
        role.add_to_policy(
            iam.PolicyStatement(
                actions=["iam:PassRole"],
                resources=[self._training_role.role_arn],
                conditions={"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
            )
        )
        acknowledge_wildcards(
            role,
            {
                job: "The jobs of this state machine, each named after its run",
                execution: "The executions of this state machine",
            },
        )
        made = sfn.StateMachine(
            self,
            "StateMachine",
            state_machine_name=machine,
            definition_body=sfn.DefinitionBody.from_string(
                json.dumps(
                    definition(
                        function_arn="${FunctionArn}",
                        table_name="${TableName}",
                        topic_arn="${TopicArn}",
                        window_seconds=self.config.retraining.window_seconds,
                    )
                )
            ),
            definition_substitutions={
                "FunctionArn": self.function.function_arn,
                "TableName": self._registry.table_name,
                "TopicArn": self.topic.topic_arn,
            },
            role=role.without_policy_updates(),
        )
        made.node.add_dependency(role)
        self._acknowledge(
            made,
            {
                "AwsSolutions-SF1": "Step Functions keeps the history of each run for 90 days;"
                " log delivery would need permissions on every log group",
                "AwsSolutions-SF2": "One run at a time: its history shows where the time went",
            },
        )
        return made

    def _start_by_arrivals(self) -> None:
        bucket = self._store.bucket.bucket_name
        events.Rule(
            self,
            "Arrivals",
            description="A file of a city has arrived",
            event_pattern=events.EventPattern(
                source=["aws.s3"],
                detail_type=["Object Created"],
                detail={
                    "bucket": {"name": [bucket]},
                    "object": {"key": [{"prefix": names.Prefix.INCOMING}]},
                },
            ),
            targets=[targets.SfnStateMachine(self.state_machine)],
        )

    def _start_by_schedule(self, expression: str) -> None:
        scheduler.Schedule(
            self,
            "Schedule",
            description="Retrains what arrived and was missed",
            schedule=scheduler.ScheduleExpression.expression(expression),
            target=scheduler_targets.StepFunctionsStartExecution(self.state_machine),
        )

    def _acknowledge(self, scope: Construct, reasons: dict[str, str]) -> None:
        for rule, reason in reasons.items():
            cdk.Validations.of(scope).acknowledge(
                cdk.Acknowledgment(id=f"AwsSolutions::{rule}", reason=reason)
            )
