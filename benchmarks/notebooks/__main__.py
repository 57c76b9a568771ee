"""Fetch AWS's notebooks, run every cell of them on localaws, and say which ran.

They come from a checkout or a mirror of github.com/aws/amazon-sagemaker-examples, or from GitHub;
the SageMaker SDK 2 that they need is installed in an environment of its own, ``.notebooks``.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from benchmarks.notebooks import data
from localaws.testing import LocalAws, start_localaws

REVISION = "2d519b52c3a2c2361f2b87f0d3de46fd6c0232a5"
GITHUB = f"https://raw.githubusercontent.com/aws/amazon-sagemaker-examples/{REVISION}"
ENVIRONMENT = Path(".notebooks").absolute()
PACKAGES = ("sagemaker<3", "pandas", "scikit-learn", "matplotlib", "seaborn", "nbclient",
            "ipykernel")  # fmt: skip
CELL_SECONDS = 900
ROLE = "notebook"
HOUSES = "scikit_learn_data"
MAY_FAIL = "This should fail"
"""What a cell says whose failure is what the notebook shows."""

Fetch = Callable[[str], bytes]


@dataclass(frozen=True)
class Notebook:
    """A notebook in a folder of the repository, with the files beside it that it needs."""

    folder: str
    name: str
    files: Sequence[str] = ()


# The repository's folders of today begin with blanks.
NOTEBOOKS = {
    "multi-model": Notebook(
        " archived/multi_model_linear_learner_home_value",
        "linear_learner_multi_model_endpoint_inf_pipeline.ipynb",
        ("sklearn_preprocessor.py",),
    ),
    "multi-model-scikit-learn": Notebook(
        " archived", "sklearn_multi_model_endpoint_home_value.ipynb"
    ),
    "multi-model-xgboost": Notebook(" archived", "xgboost_multi_model_endpoint_home_value.ipynb"),
    "inference-pipeline": Notebook(
        "     deploy_and_monitor/sm-inference_pipeline_with_scikit_linear_learner",
        "sm-inference_pipeline_with_scikit_linear_learner.ipynb",
        ("sklearn_abalone_featurizer.py",),
    ),
    "iris": Notebook(
        " archived/scikit_learn_iris",
        "scikit_learn_estimator_example_with_batch_transform_outputs.ipynb",
        ("scikit_learn_iris.py",),
    ),
    "mnist": Notebook(" archived", "linear_learner_mnist.ipynb"),
    "multiclass": Notebook(
        " archived/scientific_details_of_algorithms/linear_learner_multiclass_classification",
        "linear_learner_multiclass_classification.ipynb",
    ),
    "breast-cancer": Notebook(
        " archived", "Batch Transform - breast cancer prediction with high level SDK.ipynb"
    ),
    "mnist-tuned": Notebook("      build_and_train_models", "sm-linear_learner_mnist.ipynb"),
    "regression-tuned": Notebook(" archived", "Linear_Learner_Regression_csv_format.ipynb"),
    "scikit-learn-tuned": Notebook(" archived", "Sklearn_on_SageMaker_end2end.ipynb"),
    "breast-cancer-boto3": Notebook(
        " archived", "Batch Transform - breast cancer prediction with lowel level SDK.ipynb"
    ),
    "iris-own-model": Notebook(" archived/sklearn", "sklearn_byom_outputs.ipynb", ("train.py",)),
    "retrain-and-update": Notebook(
        " archived", "boto3_scikit_retrain_model_and_deploy_to_existing_endpoint.ipynb"
    ),
}


def from_checkout(folder: Path) -> Fetch:
    """Files of the newest revision of a git folder, with or without a work tree."""

    def fetch(path: str) -> bytes:
        command = ["git", "-C", str(folder), "show", f"HEAD:{path}"]
        return subprocess.run(command, check=True, capture_output=True).stdout

    return fetch


def from_github(path: str) -> bytes:
    """Files of the revision that was last tried."""
    with urllib.request.urlopen(f"{GITHUB}/{quote(path)}", timeout=30) as answer:
        content: bytes = answer.read()
    return content


def environment() -> Path:
    """The Python that has the SageMaker SDK 2; made when there is none."""
    python = ENVIRONMENT / "bin" / "python"
    if not (ENVIRONMENT / ".installed").exists():
        uv = str(Path(sys.executable).with_name("uv"))
        subprocess.run([uv, "venv", "-q", "--seed", "--clear", str(ENVIRONMENT)], check=True)
        command = [uv, "pip", "install", "-q", "--python", str(python), *PACKAGES]
        subprocess.run(command, check=True)
        (ENVIRONMENT / ".installed").touch()
    return python


def run(notebook: Notebook, fetch: Fetch, aws: LocalAws, python: Path, folder: Path) -> str:
    """Why a notebook did not run to its end; empty when it did."""
    folder.mkdir()
    for name in (notebook.name, *notebook.files):
        (folder / name).write_bytes(fetch(f"{notebook.folder}/{name}"))
    path = folder / notebook.name
    path.write_text(json.dumps(_prepared(json.loads(path.read_text()))))
    # Notebooks upgrade the SDK in their first cell; what they are written for is its version 2.
    constraint = folder.with_suffix(".txt")
    constraint.write_text("sagemaker<3\n")
    there = {
        **_of_the_role(aws),
        "PATH": f"{python.parent}{os.pathsep}{aws.environment['PATH']}",
        "PIP_CONSTRAINT": str(constraint),
        "IPYTHONDIR": str(folder.with_suffix(".ipython")),
        "SCIKIT_LEARN_DATA": str(folder.parent / HOUSES),
    }
    command = [str(python.with_name("jupyter-execute")), f"--timeout={CELL_SECONDS}", str(path)]
    done = subprocess.run(command, cwd=folder, env=there, capture_output=True, text=True)
    return done.stderr.strip()[-1500:] if done.returncode else ""


def _of_the_role(aws: LocalAws) -> dict[str, str]:
    """An environment with the keys of the notebook's own role, as a notebook instance has them."""
    session: Any = aws.session()
    iam, sts = session.client("iam"), session.client("sts")
    trust = {
        "Version": "2012-10-17",
        "Statement": [  # of one; the SageMaker SDK 3 reads no statement that is not in a list
            {
                "Effect": "Allow",
                "Principal": {"Service": "sagemaker.amazonaws.com", "AWS": aws.state.account_id},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    try:
        iam.create_role(
            RoleName=ROLE, AssumeRolePolicyDocument=json.dumps(trust), MaxSessionDuration=43_200
        )
        iam.attach_role_policy(
            RoleName=ROLE, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess"
        )
    except iam.exceptions.EntityAlreadyExistsException:
        pass
    keys = sts.assume_role(
        RoleArn=f"arn:aws:iam::{aws.state.account_id}:role/{ROLE}",
        RoleSessionName="SageMaker",
        DurationSeconds=43_200,
    )["Credentials"]
    return {
        **aws.environment,
        "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
        "AWS_SESSION_TOKEN": keys["SessionToken"],
    }


def _prepared(notebook: dict[str, Any]) -> dict[str, Any]:
    """The same with the name of the kernel here, and a mark on the cells that are to fail."""
    notebook["metadata"]["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    for cell in notebook["cells"]:
        if MAY_FAIL in "".join(cell["source"]):
            cell.setdefault("metadata", {})["tags"] = ["raises-exception"]
    return notebook


def main() -> int:
    """Run those that were asked for; exit status 1 when one did not run to its end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NOTEBOOKS)}")
    parser.add_argument("--examples", type=Path, help="a checkout of amazon-sagemaker-examples")
    options = parser.parse_args()
    fetch = from_checkout(options.examples) if options.examples else from_github
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        try:
            first = NOTEBOOKS["mnist"]
            fetch(f"{first.folder}/{first.name}")
            python = environment()
        except (urllib.error.URLError, OSError, subprocess.CalledProcessError) as error:
            print(f"skipped: AWS's notebooks or the SageMaker SDK 2 cannot be had: {error}")
            return 0
        aws = start_localaws(Path(folder) / "state")
        try:
            data.put(aws.session().client("s3"))
            data.houses(Path(folder) / HOUSES)
            for name in options.names or NOTEBOOKS:
                began = time.monotonic()
                why = run(NOTEBOOKS[name], fetch, aws, python, Path(folder) / name)
                took = time.monotonic() - began
                print(f"{name}: {'failed' if why else 'ran'} in {took:.0f} s", flush=True)
                print(why, end="\n" if why else "", flush=True)
                failed = failed or bool(why)
        finally:
            aws.stop()
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
