"""State machines on localaws: each task is a request of the machine's role."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws.testing import LocalAws
from localaws.testing.jobs import (
    LINEAR_LEARNER,
    SCIKIT_LEARN,
    Jobs,
    houses_csv,
    make_jobs,
    source_archive,
    statement,
)
from localaws.testing.stacks import Stack
from tests.local.test_durability import killed, restarted

REGION = "us-east-1"
RULE = "StepFunctionsGetEventsForSageMakerTrainingJobsRule"
EXAMPLE = {"predictor_type": "regressor", "mini_batch_size": "100", "epochs": "1"}


@dataclass(frozen=True)
class Machines:
    """Makes state machines with roles of their own, and runs them."""

    localaws: LocalAws

    @cached_property
    def states(self) -> Any:
        return self.localaws.session().client("stepfunctions")

    def role(self, name: str, service: str, statements: Sequence[dict[str, Any]]) -> str:
        iam = self.localaws.session().client("iam")
        trust = statement("Allow", "sts:AssumeRole", Principal={"Service": service})
        arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
        iam.put_role_policy(RoleName=name, PolicyName="tasks", PolicyDocument=document)
        return arn

    def make(self, name: str, states: dict[str, Any], *allowed: dict[str, Any]) -> str:
        role = self.role(name, "states.amazonaws.com", allowed or [allow("s3:ListAllMyBuckets")])
        definition = {"QueryLanguage": "JSONata", "StartAt": next(iter(states)), "States": states}
        made = self.states.create_state_machine(
            name=name, definition=json.dumps(definition), roleArn=role
        )
        arn: str = made["stateMachineArn"]
        return arn

    def run(self, arn: str, **data: Any) -> dict[str, Any]:
        started = self.states.start_execution(stateMachineArn=arn, input=json.dumps(data))
        return self.wait(started["executionArn"])

    def wait(self, execution: str) -> dict[str, Any]:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            described: dict[str, Any] = self.states.describe_execution(executionArn=execution)
            if described["status"] != "RUNNING":
                return described
            time.sleep(0.1)
        raise TimeoutError(execution)


def allow(action: str | list[str], resource: str | list[str] = "*") -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource}


def task(resource: str, arguments: dict[str, Any]) -> dict[str, Any]:
    return {
        "Type": "Task",
        "Resource": f"arn:aws:states:::{resource}",
        "Arguments": arguments,
        "End": True,
    }


@pytest.fixture(scope="module")
def machines(localaws: LocalAws) -> Machines:
    return Machines(localaws)


@pytest.fixture(scope="module")
def jobs(localaws: LocalAws) -> Jobs:
    made = make_jobs(localaws.session(), "step-functions-jobs")
    made.put("rows/train.csv", houses_csv(300))
    return made


def training(jobs: Jobs, **hyperparameters: str) -> dict[str, Any]:
    request = jobs.training_request("x", LINEAR_LEARNER, {"train": jobs.uri("rows/")})
    return {
        **request,
        "TrainingJobName": "{% $states.input.name %}",
        "HyperParameters": {**EXAMPLE, **hyperparameters},
    }


def job_permissions(jobs: Jobs, localaws: LocalAws) -> list[dict[str, Any]]:
    account = localaws.state.account_id
    job = f"arn:aws:sagemaker:{REGION}:{account}:training-job/*"
    return [
        allow(
            [
                "sagemaker:CreateTrainingJob",
                "sagemaker:DescribeTrainingJob",
                "sagemaker:StopTrainingJob",
            ],
            job,
        ),
        {
            **allow("iam:PassRole", jobs.role_arn),
            "Condition": {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
        },
        allow(
            ["events:DescribeRule", "events:PutRule", "events:PutTargets"],
            f"arn:aws:events:{REGION}:{account}:rule/{RULE}",
        ),
    ]


def tuning(jobs: Jobs) -> dict[str, Any]:
    definition = jobs.training_request("x", LINEAR_LEARNER, {"train": jobs.uri("rows/")})
    del definition["TrainingJobName"]
    rates = {"Name": "learning_rate", "MinValue": "0.01", "MaxValue": "1"}
    return {
        "HyperParameterTuningJobName": "{% $states.input.name %}",
        "HyperParameterTuningJobConfig": {
            "Strategy": "Random",
            "HyperParameterTuningJobObjective": {
                "Type": "Minimize",
                "MetricName": "train:objective_loss:final",
            },
            "ResourceLimits": {"MaxNumberOfTrainingJobs": 2, "MaxParallelTrainingJobs": 1},
            "ParameterRanges": {"ContinuousParameterRanges": [rates]},
        },
        "TrainingJobDefinition": {**definition, "StaticHyperParameters": EXAMPLE},
    }


def test_a_tuning_job_is_waited_for_with_its_training_jobs(machines: Machines, jobs: Jobs) -> None:
    states = {"Tune": task("sagemaker:createHyperParameterTuningJob.sync", tuning(jobs))}
    permissions = [
        allow("sagemaker:*HyperParameterTuningJob"),
        allow("iam:PassRole", jobs.role_arn),
        allow(
            "events:*", "arn:aws:events:*:*:rule/StepFunctionsGetEventsForSageMakerTuningJobsRule"
        ),
    ]
    done = machines.run(machines.make("tuning", states, *permissions), name="tuned")
    assert done["status"] == "SUCCEEDED", done
    assert json.loads(done["output"])["TrainingJobStatusCounters"]["Completed"] == 2


def test_a_training_job_is_waited_for_and_described(machines: Machines, jobs: Jobs) -> None:
    states = {"Train": task("sagemaker:createTrainingJob.sync", training(jobs))}
    arn = machines.make("sync", states, *job_permissions(jobs, machines.localaws))
    done = machines.run(arn, name="step-functions-sync")
    assert done["status"] == "SUCCEEDED", done
    output = json.loads(done["output"])
    assert output["TrainingJobStatus"] == "Completed"
    artifact = output["ModelArtifacts"]["S3ModelArtifacts"]
    assert jobs.get(artifact)


@pytest.mark.parametrize("again", [restarted, killed])
def test_an_execution_goes_on_after_localaws_ended(
    own_localaws: LocalAws, again: Callable[[LocalAws], LocalAws]
) -> None:
    jobs = make_jobs(own_localaws.session(), "interrupted-jobs")
    jobs.put("rows/rows.csv", "1,2")
    script = b'import time\nprint("waiting", flush=True)\ntime.sleep(5)\n'
    hyperparameters = {
        "sagemaker_program": "train.py",
        "sagemaker_submit_directory": jobs.put("sourcedir.tar.gz", source_archive(train_py=script)),
    }
    request = jobs.training_request(
        "goes-on", SCIKIT_LEARN, {"train": jobs.uri("rows/")}, HyperParameters=hyperparameters
    )
    states = {
        "Note": {"Type": "Pass", "Assign": {"city": "{% $states.input.city %}"}, "Next": "Train"},
        "Train": {**task("sagemaker:createTrainingJob.sync", request), "Next": "Tell"},
        "Tell": {"Type": "Pass", "Output": {"city": "{% $city %}"}, "End": True},
    }
    del states["Train"]["End"]
    arn = Machines(own_localaws).make("goes-on", states, *job_permissions(jobs, own_localaws))
    started = Machines(own_localaws).states.start_execution(
        stateMachineArn=arn, input=json.dumps({"city": "Chicago_IL"})
    )
    jobs.wait_for_line("/aws/sagemaker/TrainingJobs", "goes-on", "waiting")
    after = Machines(again(own_localaws))
    came_back = datetime.now(UTC)
    done = after.wait(started["executionArn"])
    assert (done["status"], json.loads(done["output"])) == ("SUCCEEDED", {"city": "Chicago_IL"})
    events = after.states.get_execution_history(executionArn=started["executionArn"])["events"]
    entered = {
        each["stateEnteredEventDetails"]["name"]: each["timestamp"]
        for each in events
        if "Entered" in each["type"]
    }
    assert list(entered) == ["Note", "Train", "Tell"]
    assert entered["Train"] < came_back < entered["Tell"]


def test_a_job_that_fails_fails_its_task_and_can_be_caught(machines: Machines, jobs: Jobs) -> None:
    states = {
        "Train": {
            **task("sagemaker:createTrainingJob.sync", training(jobs, epochs="0")),
            "Catch": [{"ErrorEquals": ["States.TaskFailed"], "Next": "Caught"}],
        },
        "Caught": {
            "Type": "Pass",
            "Output": "{% $parse($states.input.Cause).FailureReason %}",
            "End": True,
        },
    }
    arn = machines.make("sync-fails", states, *job_permissions(jobs, machines.localaws))
    done = machines.run(arn, name="step-functions-fails")
    assert done["status"] == "SUCCEEDED", done
    assert "epochs" in done["output"]


def test_a_job_of_an_execution_that_is_stopped_is_stopped(machines: Machines, jobs: Jobs) -> None:
    endless = training(jobs, epochs="1000000", early_stopping_patience="1000000")
    states = {"Train": task("sagemaker:createTrainingJob.sync", endless)}
    arn = machines.make("sync-stops", states, *job_permissions(jobs, machines.localaws))
    name = "step-functions-stops"
    started = machines.states.start_execution(stateMachineArn=arn, input=json.dumps({"name": name}))
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        listed = jobs.sagemaker.list_training_jobs(NameContains=name)["TrainingJobSummaries"]
        if listed:
            break
        time.sleep(0.1)
    machines.states.stop_execution(executionArn=started["executionArn"])
    assert jobs.wait_for_training(name)["TrainingJobStatus"] == "Stopped"


def test_without_permission_for_the_managed_rule_a_task_cannot_wait(
    machines: Machines, jobs: Jobs
) -> None:
    states = {"Train": task("sagemaker:createTrainingJob.sync", training(jobs))}
    arn = machines.make("no-rule", states, *job_permissions(jobs, machines.localaws)[:2])
    done = machines.run(arn, name="step-functions-no-rule")
    assert done["status"] == "FAILED"
    assert "managed-rule" in done["cause"]


def test_an_execution_without_end_fails_at_the_most_events(machines: Machines) -> None:
    ever = {"Variable": "$.never", "IsPresent": True, "Next": "End"}
    states = {
        "Again": {"Type": "Choice", "Choices": [ever], "Default": "Again"},
        "End": {"Type": "Succeed"},  # which every machine needs
    }
    arn = machines.make("endless", states)
    ended = machines.run(arn)
    assert ended["status"] == "FAILED"
    assert ended["error"] == "States.Runtime"
    assert "maximum number of history events (25000)" in ended["cause"]


def test_a_task_that_the_role_may_not_is_refused_by_the_service(
    machines: Machines, jobs: Jobs
) -> None:
    arguments = {"Bucket": jobs.bucket, "Key": "new", "CopySource": f"{jobs.bucket}/rows/train.csv"}
    states = {"Copy": task("aws-sdk:s3:copyObject", arguments)}
    done = machines.run(machines.make("denied", states))
    assert done["status"] == "FAILED"
    assert "s3:PutObject" in done["cause"] or "s3:GetObject" in done["cause"]


def test_any_operation_of_the_sdk_is_a_task(machines: Machines, jobs: Jobs) -> None:
    arguments = {
        "Bucket": jobs.bucket,
        "Key": "copied",
        "CopySource": f"{jobs.bucket}/rows/train.csv",
        "IfNoneMatch": "*",
    }
    states = {"Copy": task("aws-sdk:s3:copyObject", arguments)}
    allowed = allow(["s3:PutObject", "s3:GetObject"], f"arn:aws:s3:::{jobs.bucket}/*")
    arn = machines.make("copies", states, allowed)
    done = machines.run(arn)
    assert done["status"] == "SUCCEEDED", done
    assert json.loads(done["output"])["CopyObjectResult"]["ETag"]
    again = machines.run(arn)
    assert again["error"] == "S3.PreconditionFailedException"


def test_a_role_that_step_functions_may_not_assume_runs_nothing(machines: Machines) -> None:
    role = machines.role("of-lambda", "lambda.amazonaws.com", [allow("s3:ListAllMyBuckets")])
    states = {"List": task("aws-sdk:s3:listBuckets", {})}
    definition = {"QueryLanguage": "JSONata", "StartAt": "List", "States": states}
    machine = {"name": "of-lambda", "definition": json.dumps(definition)}
    with pytest.raises(ClientError, match="authorized to assume the provided role"):
        machines.states.create_state_machine(**machine, roleArn=role)
    own = machines.role("trusted-once", "states.amazonaws.com", [allow("s3:ListAllMyBuckets")])
    arn = machines.states.create_state_machine(**machine, roleArn=own)["stateMachineArn"]
    iam: Any = machines.localaws.session().client("iam")
    trust = iam.get_role(RoleName=role.rpartition("/")[2])["Role"]["AssumeRolePolicyDocument"]
    iam.update_assume_role_policy(RoleName=own.rpartition("/")[2], PolicyDocument=json.dumps(trust))
    done = machines.run(arn)
    assert done["status"] == "FAILED"
    assert "not authorized to assume the provided role" in done["cause"]


def test_executions_are_counted_and_a_failed_one_alarms(machines: Machines) -> None:
    states = {"Fail": {"Type": "Fail", "Error": "Nothing", "Cause": "works"}}
    arn = machines.make("fails", states)
    machines.run(arn)
    now = datetime.now(UTC)
    statistics = (
        machines.localaws.session()
        .client("cloudwatch")
        .get_metric_statistics(
            Namespace="AWS/States",
            MetricName="ExecutionsFailed",
            Dimensions=[{"Name": "StateMachineArn", "Value": arn}],
            StartTime=now - timedelta(minutes=5),
            EndTime=now + timedelta(minutes=1),
            Period=60,
            Statistics=["Sum"],
        )
    )
    assert sum(point["Sum"] for point in statistics["Datapoints"]) == 1


@pytest.fixture(scope="module")
def arrivals(machines: Machines) -> Iterator[str]:
    """A state machine that a rule starts for objects below incoming/ of a bucket."""
    target = machines.make("arrivals", {"Done": {"Type": "Succeed"}})
    role = machines.role(
        "arrivals-rule", "events.amazonaws.com", [allow("states:StartExecution", target)]
    )
    stack = Stack(machines.localaws, "arrivals")
    status = stack.deploy(
        {
            "Bucket": {
                "Type": "AWS::S3::Bucket",
                "Properties": {
                    "BucketName": "arrivals-of-objects",
                    "NotificationConfiguration": {
                        "EventBridgeConfiguration": {"EventBridgeEnabled": True}
                    },
                },
            },
            "Rule": {
                "Type": "AWS::Events::Rule",
                "Properties": {
                    "EventPattern": {
                        "source": ["aws.s3"],
                        "detail-type": ["Object Created"],
                        "detail": {
                            "bucket": {"name": ["arrivals-of-objects"]},
                            "object": {"key": [{"prefix": "incoming/"}]},
                        },
                    },
                    "Targets": [{"Id": "machine", "Arn": target, "RoleArn": role}],
                },
            },
        }
    )
    assert status == "CREATE_COMPLETE", stack.reasons()
    yield target
    machines.localaws.session().resource("s3").Bucket("arrivals-of-objects").objects.delete()
    stack.delete()


def executions(machines: Machines, arn: str) -> int:
    return len(machines.states.list_executions(stateMachineArn=arn)["executions"])


def test_an_object_that_arrives_starts_an_execution_and_others_do_not(
    machines: Machines, arrivals: str
) -> None:
    s3 = machines.localaws.session().client("s3")
    s3.put_object(Bucket="arrivals-of-objects", Key="elsewhere/a.csv", Body=b"1")
    s3.put_object(Bucket="arrivals-of-objects", Key="incoming/a.csv", Body=b"1")
    deadline = time.monotonic() + 20
    while not executions(machines, arrivals) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert executions(machines, arrivals) == 1


def test_a_schedule_starts_an_execution_as_a_role_that_trusts_its_group_alone(
    machines: Machines,
) -> None:
    """As the CDK makes the role of a schedule."""
    localaws = machines.localaws
    states = {"Note": {"Type": "Pass", "End": True}}
    machine = machines.make("scheduled", states)
    scheduler = localaws.session().client("scheduler")
    soon = datetime.now(UTC) + timedelta(seconds=2)

    def schedule(name: str, group: str) -> None:
        role = machines.role(name, "scheduler.amazonaws.com", [allow("states:StartExecution")])
        source = f"arn:aws:scheduler:{REGION}:{localaws.state.account_id}:schedule-group/{group}"
        localaws.session().client("iam").update_assume_role_policy(
            RoleName=name,
            PolicyDocument=statement(
                "Allow",
                "sts:AssumeRole",
                Principal={"Service": "scheduler.amazonaws.com"},
                Condition={"StringEquals": {"aws:SourceArn": source}},
            ),
        )
        scheduler.create_schedule(
            Name=name,
            ScheduleExpression=f"at({soon:%Y-%m-%dT%H:%M:%S})",
            FlexibleTimeWindow={"Mode": "OFF"},
            Target={"Arn": machine, "RoleArn": role, "Input": "{}"},
        )

    with pytest.raises(ClientError, match="must allow AWS EventBridge Scheduler"):
        schedule("another-group", "other")
    schedule("own-group", "default")
    deadline = time.monotonic() + 60
    while not machines.states.list_executions(stateMachineArn=machine)["executions"]:
        assert time.monotonic() < deadline, "nothing was started"
        time.sleep(0.1)
