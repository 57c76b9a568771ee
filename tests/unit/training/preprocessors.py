"""The preprocessor script with schemas, as a job or a container has them beside it."""

import os
import shutil
import tempfile
from pathlib import Path

from fleet.schema import HOUSES, Schema
from localaws.containers.process_host import ProcessHost
from tests.unit.programs import start_program
from training.preprocessor import sklearn_preprocessor as script


def read(schema: Schema) -> script.Schema:
    """The schema as the script reads it from its file."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "schema.json"
        file.write_text(schema.to_json(), encoding="utf-8")
        return script.read_schema(file)


SCHEMA = read(HOUSES)


def run_script(
    host: ProcessHost, channel: Path, model: Path, schema: Schema = HOUSES
) -> tuple[int | None, str]:
    """Exit code and output of the script, run as a training job does, its schema beside it."""
    with tempfile.TemporaryDirectory() as folder:
        code = Path(folder)
        shutil.copy(script.__file__, code / "sklearn_preprocessor.py")
        (code / "schema.json").write_text(schema.to_json(), encoding="utf-8")
        variables = {**os.environ, "SM_CHANNEL_TRAIN": str(channel), "SM_MODEL_DIR": str(model)}
        return start_program(host, code / "sklearn_preprocessor.py", code, variables).end()
