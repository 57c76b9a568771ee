"""The MXNet symbol file of an artifact: the graph that turns features into scores.

All public artifacts, of 2020 to 2024, hold one and the same graph of seven nodes, saved by MXNet
1.3.1; only sizes, the output operator and a running number differ. The real file of
aws/amazon-sagemaker-examples (``ll-adult-prediction-model.tar.gz``) is reproduced byte for byte.
"""

import json
import re
from dataclasses import asdict, dataclass
from typing import Any

_TEMPLATE = """{
  "nodes": [
    {
      "op": "null",
      "name": "data",
      "inputs": []
    },
    {
      "op": "null",
      "name": "fc0_weight",
      "attrs": {"__shape__": "(%(features)d, %(outputs)d)"},
      "inputs": []
    },
    {
      "op": "dot",
      "name": "dot%(number)d",
      "inputs": [[0, 0, 0], [1, 0, 0]]
    },
    {
      "op": "null",
      "name": "fc0_bias",
      "attrs": {
        "__lr_mult__": "10.0",
        "__shape__": "(1, %(outputs)d)"
      },
      "inputs": []
    },
    {
      "op": "broadcast_add",
      "name": "broadcast_plus%(number)d",
      "inputs": [[2, 0, 0], [3, 0, 0]]
    },
    {
      "op": "null",
      "name": "out_label",
      "inputs": []
    },
    {
      "op": "%(operator)s",
      "name": "%(operator_name)s%(number)d",
      "inputs": [[4, 0, 0], [5, 0, 0]]
    }
  ],
  "arg_nodes": [0, 1, 3, 5],
  "node_row_ptr": [0, 1, 2, 3, 4, 5, 6, 7],
  "heads": [[6, 0, 0]],
  "attrs": {"mxnet_version": ["int", 10301]}
}""".replace(",\n", ", \n")  # MXNet 1.3.1 left a blank at the end of each line that goes on

LOGISTIC = "LogisticRegressionOutput"
SOFTMAX = "SoftmaxOutput"
IDENTITY = ("LinearRegressionOutput", "MAERegressionOutput")
_OPERATOR_OF_LOSS = {
    "logistic": LOGISTIC,
    "softmax_loss": SOFTMAX,
    "absolute_loss": "MAERegressionOutput",
}
_WIRING = [[], [], [[0, 0, 0], [1, 0, 0]], [], [[2, 0, 0], [3, 0, 0]], [], [[4, 0, 0], [5, 0, 0]]]


class GraphError(ValueError):
    """The symbol file is not a linear model's."""


@dataclass(frozen=True)
class Graph:
    """What differs from one Linear Learner graph to the next.

    The weights have the shape (``features``, ``outputs``).
    """

    operator: str
    number: int
    features: int
    outputs: int


def operator_of(loss: str) -> str:
    """The output operator of a model that was trained with ``loss``.

    Of the losses without a public artifact, absolute_loss has MXNet's operator of that name, and
    the others the one that hands the margin through, which is what they answer.
    """
    return _OPERATOR_OF_LOSS.get(loss, "LinearRegressionOutput")


def write_graph(graph: Graph) -> str:
    """The symbol file."""
    return _TEMPLATE % {**asdict(graph), "operator_name": graph.operator.lower()}


def read_graph(data: bytes) -> Graph:
    """Reads a symbol file and makes sure that it computes ``operator(data · weight + bias)``.

    Raises
    ------
    GraphError
        It computes something else, or is not a symbol file at all.
    """
    nodes = _nodes(data)
    operators = [str(node.get("op")) for node in nodes]
    if operators[:6] != ["null", "null", "dot", "null", "broadcast_add", "null"]:
        raise GraphError(f"the graph's operators are {operators}, not a linear model's")
    if [node.get("inputs") for node in nodes] != _WIRING:
        raise GraphError("the graph's nodes are not connected as a linear model's")
    if operators[6] not in (LOGISTIC, SOFTMAX, *IDENTITY):
        raise GraphError(f"the graph's output operator {operators[6]!r} is not known")
    number = re.fullmatch(r"dot([0-9]{1,9})", str(nodes[2].get("name")))
    features, outputs = _shape(nodes[1])
    return Graph(operators[6], int(number[1]) if number else 0, features, outputs)


def _shape(weight: dict[str, Any]) -> tuple[int, int]:
    attributes = weight.get("attrs")
    text = attributes.get("__shape__") if isinstance(attributes, dict) else None
    shape = re.fullmatch(r"\(([0-9]{1,18}), ([0-9]{1,18})\)", str(text))
    if shape is None:
        raise GraphError(f"the graph's weights have the shape {text!r:.40}, not (d, k)")
    return int(shape[1]), int(shape[2])


def _nodes(data: bytes) -> list[dict[str, Any]]:
    try:
        nodes = json.loads(data)["nodes"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise GraphError(f"not an MXNet symbol file: {error}") from error
    if not isinstance(nodes, list) or len(nodes) != len(_WIRING):
        raise GraphError(f"the graph does not have the {len(_WIRING)} nodes of a linear model")
    if not all(isinstance(node, dict) for node in nodes):
        raise GraphError("a node of the graph is not an object")
    return nodes
