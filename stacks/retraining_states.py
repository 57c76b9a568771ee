"""The states of a retraining run, in the Amazon States Language with JSONata.

https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html

One run at a time: the item ``#retraining`` of the registry names the execution that holds the run.
An execution that finds it held by one that still runs ends: that one looks again before it ends.
What another left behind when it was stopped is taken over.
"""

from typing import Any

LOCK = {"city": {"S": "#retraining"}, "version": {"N": "0"}}
ME = "{% $states.context.Execution.Id %}"
RUN = "{% $states.context.Execution.Name %}"
CONDITION_FAILED = [
    "DynamoDB.ConditionalCheckFailedException",
    "DynamoDb.ConditionalCheckFailedException",
]
BUSY = {
    "ErrorEquals": [
        "Lambda.ServiceException",
        "Lambda.AWSLambdaException",
        "Lambda.SdkClientException",
        "Lambda.TooManyRequestsException",
    ],
    "IntervalSeconds": 2,
    "MaxAttempts": 5,
    "BackoffRate": 2,
}

State = dict[str, Any]


def definition(*, function_arn: str, table_name: str, topic_arn: str, window_seconds: int) -> State:
    """The state machine's definition."""

    def step(name: str, following: str, **payload: str) -> State:
        return {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Arguments": {"FunctionName": function_arn, "Payload": {"step": name, **payload}},
            "Output": "{% $states.result.Payload %}",
            "Retry": [BUSY],
            "Catch": _failing(),
            "Next": following,
        }

    states: dict[str, State] = {
        "Hold": {
            "Type": "Task",
            "Resource": "arn:aws:states:::dynamodb:putItem",
            "Arguments": _put(table_name, "attribute_not_exists(city) OR holder = :me", ME),
            "Catch": [{"ErrorEquals": CONDITION_FAILED, "Next": "Who holds"}],
            "Next": "Wait for more",
        },
        "Who holds": {
            "Type": "Task",
            "Resource": "arn:aws:states:::dynamodb:getItem",
            "Arguments": {"TableName": table_name, "Key": LOCK, "ConsistentRead": True},
            "Output": "{% {'holder': $states.result.Item.holder.S} %}",
            "Next": "Is it free",
        },
        "Is it free": {
            "Type": "Choice",
            "Choices": [
                {"Condition": "{% $exists($states.input.holder) %}", "Next": "Does it run"}
            ],
            "Default": "Hold",
        },
        "Does it run": {
            "Type": "Task",
            "Resource": "arn:aws:states:::aws-sdk:sfn:describeExecution",
            "Arguments": {"ExecutionArn": "{% $states.input.holder %}"},
            "Output": "{% {'holder': $states.input.holder, 'status': $states.result.Status} %}",
            "Next": "Still running",
        },
        "Still running": {
            "Type": "Choice",
            "Choices": [
                {"Condition": "{% $states.input.status = 'RUNNING' %}", "Next": "Left to the other"}
            ],
            "Default": "Take over",
        },
        "Left to the other": {"Type": "Succeed"},
        "Take over": {
            "Type": "Task",
            "Resource": "arn:aws:states:::dynamodb:putItem",
            "Arguments": _put(table_name, "holder = :me", "{% $states.input.holder %}"),
            "Catch": [{"ErrorEquals": CONDITION_FAILED, "Next": "Left to the other"}],
            "Next": "Wait for more",
        },
        "Wait for more": {"Type": "Wait", "Seconds": window_seconds, "Next": "Collect"},
        "Collect": step("collect", "Is there work", run=RUN),
        "Is there work": {
            "Type": "Choice",
            "Choices": [{"Condition": "{% $states.input.cities > 0 %}", "Next": "Train"}],
            "Default": "Let go",
        },
        "Train": {
            "Type": "Task",
            "Resource": "arn:aws:states:::sagemaker:createTrainingJob.sync",
            "Arguments": "{% $states.input.request %}",
            "Output": "{% $states.input %}",
            "Catch": _failing(),
            "Next": "Publish",
        },
        "Publish": {
            **step("publish", "Tell", run=RUN),
            "Arguments": {
                "FunctionName": function_arn,
                "Payload": {
                    "step": "publish",
                    "run": RUN,
                    "request": "{% $states.input.request %}",
                },
            },
        },
        "Tell": {
            "Type": "Task",
            "Resource": "arn:aws:states:::sns:publish",
            "Arguments": {
                "TopicArn": topic_arn,
                "Subject": "{% $states.input.subject %}",
                "Message": "{% $states.input.message & '\n' & $states.input.report %}",
            },
            "Output": "{% $states.input %}",
            "Catch": _failing(),
            "Next": "Let go",
        },
        "Let go": {**_let_go(table_name), "Next": "Look again"},
        "Look again": step("look", "Has more arrived"),
        "Has more arrived": {
            "Type": "Choice",
            "Choices": [{"Condition": "{% $states.input.cities > 0 %}", "Next": "Start anew"}],
            "Default": "Done",
        },
        "Start anew": {
            "Type": "Task",
            "Resource": "arn:aws:states:::aws-sdk:sfn:startExecution",
            "Arguments": {"StateMachineArn": "{% $states.context.StateMachine.Id %}"},
            "Next": "Done",
        },
        "Done": {"Type": "Succeed"},
        "Let go after a failure": {
            **_let_go(table_name),
            "Output": "{% $states.input %}",
            "Next": "Failed",
        },
        "Failed": {
            "Type": "Fail",
            "Error": "{% $states.input.Error %}",
            "Cause": "{% $states.input.Cause %}",
        },
    }
    return {
        "Comment": "Trains, judges and publishes what arrived below incoming/",
        "QueryLanguage": "JSONata",
        "StartAt": "Hold",
        "TimeoutSeconds": 86400,
        "States": states,
    }


def _put(table_name: str, condition: str, compared: str) -> State:
    return {
        "TableName": table_name,
        "Item": {**LOCK, "holder": {"S": ME}},
        "ConditionExpression": condition,
        "ExpressionAttributeValues": {":me": {"S": compared}},
    }


def _let_go(table_name: str) -> State:
    """Delete the lock, if it is still held; it may have been taken over."""
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::dynamodb:deleteItem",
        "Arguments": {
            "TableName": table_name,
            "Key": LOCK,
            "ConditionExpression": "attribute_not_exists(city) OR holder = :me",
            "ExpressionAttributeValues": {":me": {"S": ME}},
        },
    }


def _failing() -> list[State]:
    return [
        {
            "ErrorEquals": ["States.ALL"],
            "Output": "{% $states.errorOutput %}",
            "Next": "Let go after a failure",
        }
    ]
