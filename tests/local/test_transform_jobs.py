"""Batch transform, as boto3 sees it."""

import json
from textwrap import dedent
from typing import Any

import numpy as np
import pytest
from botocore.exceptions import ClientError

from localaws.testing import LocalAws
from localaws.testing.jobs import (
    LINEAR_LEARNER,
    SCIKIT_LEARN,
    Jobs,
    make_jobs,
    source_archive,
)
from training.linear_learner.artifact import write_artifact
from training.linear_learner.model import LinearModel, PredictorType

ROWS = ["1,2", "3,4", "5,6"]

PREPROCESSOR = """
    import json
    from sagemaker_containers.beta.framework import worker

    def model_fn(model_dir):
        return None

    def transform_fn(model, content, content_type, accept):
        rows = []
        for number, line in enumerate(content.splitlines(), 1):
            try:
                rows.append([2 * float(cell) for cell in line.split(",")])
            except ValueError as error:
                return worker.Response(f"row {number}: {error}", status=400, mimetype="text/plain")
        if accept == "text/csv":
            body = "".join(",".join(map(str, row)) + "\\n" for row in rows)
            return worker.Response(body, mimetype="text/csv")
        return worker.Response(json.dumps({"instances": [{"features": row} for row in rows]}))
    """


CODE = {"SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"}


@pytest.fixture(scope="module")
def jobs(localaws: LocalAws) -> Jobs:
    """Models ``linear`` (a + 10 b), ``double`` (a script) and ``pipeline`` (both in turn)."""
    jobs = make_jobs(localaws.session(), "test-transform-jobs")
    weights = np.array([[1], [10]], np.float32)
    model = LinearModel(PredictorType.REGRESSOR, "squared_loss", weights, np.zeros(1, np.float32))
    linear = {
        "Image": LINEAR_LEARNER,
        "ModelDataUrl": jobs.put("models/linear.tar.gz", write_artifact(model)),
    }
    script = source_archive(**{"code/script.py": dedent(PREPROCESSOR)})
    double = {
        "Image": SCIKIT_LEARN,
        "ModelDataUrl": jobs.put("models/double.tar.gz", script),
        "Environment": {
            "SAGEMAKER_PROGRAM": "script.py",
            "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
        },
    }
    create = jobs.sagemaker.create_model
    create(ModelName="linear", PrimaryContainer=linear, ExecutionRoleArn=jobs.role_arn)
    create(ModelName="double", PrimaryContainer=double, ExecutionRoleArn=jobs.role_arn)
    create(ModelName="pipeline", Containers=[double, linear], ExecutionRoleArn=jobs.role_arn)
    jobs.put("rows/first.csv", "\n".join(ROWS[:2]) + "\n")
    jobs.put("rows/deep/second.csv", ROWS[2])
    jobs.put("with-id/rows.csv", "a,1,2\nb,3,4\n")
    lines = [{"id": "a", "features": [1, 2]}, {"id": "b", "features": [3, 4]}]
    jobs.put("with-id-json/rows.jsonl", "\n".join(map(json.dumps, lines)))
    return jobs


def request(
    jobs: Jobs,
    name: str,
    model: str = "linear",
    source: str = "rows/",
    content_type: str = "text/csv",
    split_type: str = "Line",
    accept: str = "application/jsonlines",
    assemble_with: str = "Line",
    data_type: str = "S3Prefix",
    **members: Any,
) -> dict[str, Any]:
    return {
        "TransformJobName": name,
        "ModelName": model,
        "TransformInput": {
            "DataSource": {"S3DataSource": {"S3DataType": data_type, "S3Uri": jobs.uri(source)}},
            "ContentType": content_type,
            "SplitType": split_type,
        },
        "TransformOutput": {
            "S3OutputPath": jobs.uri(f"answers/{name}"),
            "Accept": accept,
            "AssembleWith": assemble_with,
        },
        "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
        **members,
    }


def create_script_model(jobs: Jobs, name: str, source: str) -> None:
    """A model that is nothing but a script."""
    archive = source_archive(**{"code/script.py": source})
    container = {
        "Image": SCIKIT_LEARN,
        "ModelDataUrl": jobs.put(f"models/{name}.tar.gz", archive),
        "Environment": {"SAGEMAKER_PROGRAM": "script.py", **CODE},
    }
    jobs.sagemaker.create_model(
        ModelName=name, PrimaryContainer=container, ExecutionRoleArn=jobs.role_arn
    )


def answers(jobs: Jobs, name: str, file: str = "first.csv") -> bytes:
    return jobs.get(jobs.uri(f"answers/{name}/{file}.out"))


def test_every_object_below_the_prefix_gets_its_answers_in_a_file_of_its_name(jobs: Jobs) -> None:
    job = jobs.transform(request(jobs, "all-files"))
    assert job["TransformJobStatus"] == "Completed", job.get("FailureReason")
    assert job["TransformStartTime"] <= job["TransformEndTime"]
    assert answers(jobs, "all-files") == b'{"score":21.0}\n{"score":43.0}\n'
    assert answers(jobs, "all-files", "deep/second.csv") == b'{"score":65.0}\n'


def test_a_pipeline_answers_with_its_last_container(jobs: Jobs) -> None:
    jobs.transform(request(jobs, "pipeline-job", "pipeline"))
    assert answers(jobs, "pipeline-job") == b'{"score":42.0}\n{"score":86.0}\n'


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        ("MultiRecord", b'{"predictions": [{"score": 21.0}, {"score": 43.0}]}\n'),
        (
            "SingleRecord",
            b'{"predictions": [{"score": 21.0}]}\n{"predictions": [{"score": 43.0}]}\n',
        ),
    ],
)
def test_the_strategy_says_how_many_records_a_request_holds(
    jobs: Jobs, strategy: str, expected: bytes
) -> None:
    name = f"strategy-{strategy}"
    accept = "application/json"
    jobs.transform(request(jobs, name, accept=accept, BatchStrategy=strategy))
    assert answers(jobs, name) == expected


def test_without_a_split_the_object_is_one_request(jobs: Jobs) -> None:
    jobs.transform(request(jobs, "no-split", split_type="None", assemble_with="None"))
    assert answers(jobs, "no-split") == b'{"score":21.0}\n{"score":43.0}\n'


def test_a_manifest_names_the_objects(jobs: Jobs) -> None:
    jobs.put("rows.manifest", json.dumps([{"prefix": jobs.uri("rows/")}, "deep/second.csv"]))
    jobs.transform(request(jobs, "by-manifest", source="rows.manifest", data_type="ManifestFile"))
    assert answers(jobs, "by-manifest", "deep/second.csv") == b'{"score":65.0}\n'


class TestDataProcessing:
    """Filters and joins, on rows with an id in front."""

    def test_an_input_filter_keeps_columns_from_the_model(self, jobs: Jobs) -> None:
        filters = {"InputFilter": "$[1:]"}
        jobs.transform(request(jobs, "filtered", source="with-id/", DataProcessing=filters))
        assert answers(jobs, "filtered", "rows.csv") == b'{"score":21.0}\n{"score":43.0}\n'

    def test_csv_answers_are_joined_behind_their_rows(self, jobs: Jobs) -> None:
        join = {"InputFilter": "$[1:]", "JoinSource": "Input", "OutputFilter": "$[0,-1]"}
        jobs.transform(
            request(jobs, "joined", source="with-id/", accept="text/csv", DataProcessing=join)
        )
        assert answers(jobs, "joined", "rows.csv") == b"a,21.0\nb,43.0\n"

    def test_json_answers_are_joined_as_a_member_of_their_records(self, jobs: Jobs) -> None:
        join = {"JoinSource": "Input", "OutputFilter": "$['id','SageMakerOutput']"}
        source = "with-id-json/"
        content_type = "application/jsonlines"
        jobs.transform(
            request(jobs, "joined-json", "linear", source, content_type, DataProcessing=join)
        )
        lines = answers(jobs, "joined-json", "rows.jsonl").splitlines()
        assert [json.loads(line) for line in lines] == [
            {"id": "a", "SageMakerOutput": {"score": 21.0}},
            {"id": "b", "SageMakerOutput": {"score": 43.0}},
        ]

    def test_an_expression_that_is_no_json_path_is_refused(self, jobs: Jobs) -> None:
        wrong = request(jobs, "bad-filter", DataProcessing={"InputFilter": "features"})
        with pytest.raises(ClientError, match="JSONPath 'features' does not start with"):
            jobs.sagemaker.create_transform_job(**wrong)


class TestFailure:
    def test_of_a_bad_row_names_its_file_and_what_the_container_said(self, jobs: Jobs) -> None:
        jobs.put("bad-rows/good.csv", "1,2\n")
        jobs.put("bad-rows/wrong.csv", "1,2\n3,oops\n")
        job = jobs.transform(request(jobs, "bad-row", "double", "bad-rows/", accept="text/csv"))
        assert job["TransformJobStatus"] == "Failed"
        reason = job["FailureReason"]
        place = "test-transform-jobs/bad-rows/wrong.csv (records 1 to 2)"
        assert reason.startswith(f"ClientError: {place}: ")
        assert "row 2: could not convert string to float: 'oops'" in reason
        assert answers(jobs, "bad-row", "good.csv") == b"2.0,4.0\n"

    def test_of_a_record_that_a_filter_does_not_fit_names_it(self, jobs: Jobs) -> None:
        jobs.put("narrow/rows.csv", "1,2,3\n4\n")
        job = jobs.transform(
            request(
                jobs,
                "narrow",
                "double",
                "narrow/",
                accept="text/csv",
                BatchStrategy="SingleRecord",
                DataProcessing={"InputFilter": "$[1]"},
            )
        )
        place = "test-transform-jobs/narrow/rows.csv (record 2)"
        assert job["FailureReason"].startswith(
            f"ClientError: {place}: JSONPath '$[1]' selects nothing of [\"4\"]"
        )

    def test_of_an_answer_that_does_not_come_in_time_names_the_records(self, jobs: Jobs) -> None:
        source = "import time\ndef model_fn(d): pass\ndef transform_fn(*_): time.sleep(600)"
        create_script_model(jobs, "patient", source)
        timeout = {"InvocationsTimeoutInSeconds": 1, "InvocationsMaxRetries": 0}
        job = jobs.transform(request(jobs, "late", "patient", ModelClientConfig=timeout))
        assert job["TransformJobStatus"] == "Failed"
        assert (
            "rows/deep/second.csv (record 1): Unable to get response from algorithm: none within "
            "1 seconds (1 more files failed)" in job["FailureReason"]
        )

    def test_of_containers_that_end_is_told(self, jobs: Jobs) -> None:
        source = "import os\ndef model_fn(d): pass\ndef transform_fn(*_): os._exit(9)"
        create_script_model(jobs, "ending", source)
        job = jobs.transform(request(jobs, "ended", "ending"))
        assert job["TransformJobStatus"] == "Failed"
        reason = "Bad HTTP status received from algorithm: 500 a process of the container ended"
        assert f"{reason}: exit code 9" in job["FailureReason"]

    def test_is_told_in_the_data_log(self, jobs: Jobs) -> None:
        jobs.put("bad-width/wrong.csv", "1,2,3\n")
        jobs.transform(request(jobs, "bad-width", source="bad-width/"))
        streams = jobs.log_lines("/aws/sagemaker/TransformJobs", "bad-width")
        (data_log,) = [lines for name, lines in streams.items() if name.endswith("/data-log")]
        assert data_log[0].endswith(
            "[sagemaker logs]: MaxConcurrentTransforms=1, MaxPayloadInMB=6, "
            "BatchStrategy=MULTI_RECORD"
        )
        assert data_log[1].endswith("bad-width/wrong.csv: ClientError: 400")
        assert data_log[-1].endswith("unable to evaluate payload provided")

    def test_of_an_empty_prefix_names_it(self, jobs: Jobs) -> None:
        job = jobs.transform(request(jobs, "nothing-there", source="nothing/"))
        assert job["TransformJobStatus"] == "Failed"
        assert "No S3 objects found under S3 URL" in job["FailureReason"]

    def test_of_a_container_that_does_not_start_names_the_reason(self, jobs: Jobs) -> None:
        broken = {
            "Image": SCIKIT_LEARN,
            "ModelDataUrl": jobs.put("models/empty.tar.gz", source_archive(nothing="")),
            "Environment": {"SAGEMAKER_PROGRAM": "script.py"},
        }
        jobs.sagemaker.create_model(
            ModelName="broken", PrimaryContainer=broken, ExecutionRoleArn=jobs.role_arn
        )
        job = jobs.transform(request(jobs, "broken-model", "broken"))
        assert job["TransformJobStatus"] == "Failed"
        assert "script.py is not in /opt/ml/code" in job["FailureReason"]

    def test_a_record_larger_than_the_payload_is_named(self, jobs: Jobs) -> None:
        jobs.put("large/rows.csv", f"1,2\n{'1' * 2**20},2\n")
        job = jobs.transform(request(jobs, "large", source="large/", MaxPayloadInMB=1))
        assert "record 2 has" in job["FailureReason"]


def test_a_job_can_be_stopped(jobs: Jobs) -> None:
    create_script_model(
        jobs, "slow", "import time\ndef model_fn(d): print('loading'); time.sleep(600)"
    )
    jobs.sagemaker.create_transform_job(**request(jobs, "stopped", "slow"))
    jobs.wait_for_line("/aws/sagemaker/TransformJobs", "stopped", "loading")
    jobs.sagemaker.stop_transform_job(TransformJobName="stopped")
    assert jobs.wait_for_transform("stopped")["TransformJobStatus"] == "Stopped"


def test_a_name_can_be_used_once(jobs: Jobs) -> None:
    jobs.transform(request(jobs, "once"))
    with pytest.raises(ClientError, match="must be unique") as error:
        jobs.sagemaker.create_transform_job(**request(jobs, "once"))
    assert error.value.response["Error"]["Code"] == "ResourceInUse"


def test_a_multi_model_container_cannot_transform(jobs: Jobs) -> None:
    container = {"Image": LINEAR_LEARNER, "ModelDataUrl": jobs.uri("models/"), "Mode": "MultiModel"}
    jobs.sagemaker.create_model(
        ModelName="many", PrimaryContainer=container, ExecutionRoleArn=jobs.role_arn
    )
    with pytest.raises(ClientError, match="MultiModel"):
        jobs.sagemaker.create_transform_job(**request(jobs, "many-models", "many"))


def test_jobs_are_listed(jobs: Jobs) -> None:
    jobs.transform(request(jobs, "to-be-listed"))
    listed = jobs.sagemaker.list_transform_jobs(NameContains="to-be-listed")
    (job,) = listed["TransformJobSummaries"]
    assert (job["TransformJobName"], job["TransformJobStatus"]) == ("to-be-listed", "Completed")
