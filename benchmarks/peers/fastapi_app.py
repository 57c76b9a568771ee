"""FastAPI with the models in an LRU: what one writes who needs many models behind one address.

usage: python fastapi_app.py FOLDER PORT
"""

import io
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

import joblib
import pandas as pd
import uvicorn
from fastapi import FastAPI, Request
from multi_model_server_handler import NAMES  # type: ignore[import-not-found]  # is beside it

app = FastAPI()


@lru_cache(maxsize=1000)
def load(name: str) -> Any:
    """A model, from memory or from the folder."""
    return joblib.load(Path(sys.argv[1]) / f"{name}.joblib")


@app.get("/ping")
def ping() -> dict[str, str]:
    """Say that it runs."""
    return {}


@app.post("/constant")
async def constant(request: Request) -> dict[str, str]:
    """A bare answer: the limit of this server."""
    await request.body()
    return {}


@app.post("/invocations")
async def invocations(request: Request) -> dict[str, Any]:
    """Predict with the target model."""
    model = load(request.headers["x-amzn-sagemaker-target-model"])
    text = (await request.body()).decode()
    frame = pd.read_csv(io.StringIO(text), header=None, names=list(NAMES))
    return {"predictions": [{"score": float(model.predict(frame)[0])}]}


if __name__ == "__main__":
    port = int(sys.argv[2])
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning", access_log=False)
