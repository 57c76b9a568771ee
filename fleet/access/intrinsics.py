"""CloudFormation's intrinsic functions, as far as roles and policies use them.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
A template is read without an account: what only a deployment would tell gets a name made of the
logical id, so that two references to one resource stay equal.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fleet.errors import HousingError

_REF_IS_ARN = frozenset(
    {
        "AWS::IAM::ManagedPolicy",
        "AWS::SNS::Topic",
        "AWS::SageMaker::Endpoint",
        "AWS::StepFunctions::StateMachine",
    }
)
_PLACEHOLDER = re.compile(r"\$\{([^!}][^}]*)\}")
_ESCAPED_PLACEHOLDER = re.compile(r"\$\{!([^}]*)\}")


@dataclass(frozen=True)
class Environment:
    """The account and region that a template is read for."""

    account_id: str = "123456789012"
    region: str = "us-east-1"
    partition: str = "aws"

    def arn(self, service: str, resource: str, *, regional: bool = True) -> str:
        """An ARN within the environment."""
        region = self.region if regional else ""
        return f"arn:{self.partition}:{service}:{region}:{self.account_id}:{resource}"


@dataclass(frozen=True)
class Template:
    """A template and what others offer it.

    ``imports`` maps the export names of other templates to values; ``others`` maps their names to
    their outputs.
    """

    name: str
    body: Mapping[str, Any]
    environment: Environment = Environment()
    imports: Mapping[str, str] = field(default_factory=dict)
    others: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def resources(self, resource_type: str) -> dict[str, dict[str, Any]]:
        """Logical id to resolved properties, of all resources of a type."""
        return {
            logical_id: self.resolve(resource.get("Properties", {}))
            for logical_id, resource in self.body.get("Resources", {}).items()
            if resource["Type"] == resource_type
        }

    def outputs(self) -> dict[str, str]:
        """Name to value of all outputs."""
        return {
            name: self.resolve(output["Value"])
            for name, output in self.body.get("Outputs", {}).items()
        }

    def exports(self) -> dict[str, str]:
        """Export name to value of all outputs that are exported."""
        return {
            self.resolve(output["Export"]["Name"]): self.resolve(output["Value"])
            for output in self.body.get("Outputs", {}).values()
            if "Export" in output
        }

    def resolve(self, value: Any) -> Any:
        """The value with every function replaced by its result.

        Raises
        ------
        HousingError
            For a function that is not known here.
        """
        if isinstance(value, list):
            return [self.resolve(item) for item in value if item != {"Ref": "AWS::NoValue"}]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            name, argument = next(iter(value.items()))
            if name == "Ref" or name.startswith("Fn::"):
                return self._call(name, argument)
        return {
            key: self.resolve(item)
            for key, item in value.items()
            if item != {"Ref": "AWS::NoValue"}
        }

    def _call(self, name: str, argument: Any) -> Any:
        functions: Mapping[str, Callable[[Any], Any]] = {
            "Ref": self._ref,
            "Fn::GetAtt": self._get_att,
            "Fn::Join": self._join,
            "Fn::Sub": self._sub,
            "Fn::ImportValue": self._import_value,
            "Fn::GetStackOutput": self._get_stack_output,
            "Fn::FindInMap": self._find_in_map,
            "Fn::Select": self._select,
            "Fn::Split": self._split,
        }
        if name not in functions:
            raise HousingError(f"{self.name}: the function {name} cannot be resolved here")
        return functions[name](argument)

    def _ref(self, name: str) -> str:
        pseudo = {
            "AWS::AccountId": self.environment.account_id,
            "AWS::Region": self.environment.region,
            "AWS::Partition": self.environment.partition,
            "AWS::URLSuffix": "amazonaws.com",
            "AWS::StackName": self.name,
        }
        if name in pseudo:
            return pseudo[name]
        parameter = self.body.get("Parameters", {}).get(name)
        if parameter is not None:
            return str(parameter.get("Default", name))
        resource = self._resource(name)
        if resource["Type"] in _REF_IS_ARN:
            return self._arn(name)
        return _physical_name(name)

    def _get_att(self, argument: list[str] | str) -> str:
        name, attribute = argument.split(".", 1) if isinstance(argument, str) else argument
        if attribute.endswith("Arn"):
            return self._arn(name)
        return f"{_physical_name(name)}.{attribute}"

    def _arn(self, name: str) -> str:
        """The ARN of a resource of the template, in the form that its type has."""
        resource = self._resource(name)
        arn = self.environment.arn
        match resource["Type"]:
            case "AWS::IAM::Role":
                return arn("iam", f"role/{name}", regional=False)
            case "AWS::IAM::ManagedPolicy":
                return arn("iam", f"policy/{name}", regional=False)
            case "AWS::S3::Bucket":
                return f"arn:{self.environment.partition}:s3:::{_physical_name(name)}"
            case "AWS::SageMaker::Endpoint":
                given = self.resolve(resource.get("Properties", {}).get("EndpointName", name))
                return arn("sagemaker", f"endpoint/{given.lower()}")
            case resource_type:
                _, service, kind = resource_type.split("::", 2)
                return arn(service.lower(), f"{kind.lower()}/{name}")

    def _resource(self, name: str) -> Mapping[str, Any]:
        resources: Mapping[str, Mapping[str, Any]] = self.body.get("Resources", {})
        if name not in resources:
            raise HousingError(f"{self.name}: nothing in the template is called {name}")
        return resources[name]

    def _join(self, argument: list[Any]) -> str:
        separator, values = argument
        return str(separator).join(map(str, self.resolve(values)))

    def _sub(self, argument: str | list[Any]) -> str:
        text, variables = (argument, {}) if isinstance(argument, str) else argument

        def replaced(match: re.Match[str]) -> str:
            name = match[1]
            if name in variables:
                return str(self.resolve(variables[name]))
            return self._get_att(name) if "." in name else self._ref(name)

        return _ESCAPED_PLACEHOLDER.sub(r"${\1}", _PLACEHOLDER.sub(replaced, text))

    def _import_value(self, argument: Any) -> str:
        name = self.resolve(argument)
        if name not in self.imports:
            raise HousingError(f"{self.name}: no other template exports {name}")
        return self.imports[name]

    def _get_stack_output(self, argument: Mapping[str, Any]) -> str:
        stack, output = self.resolve(argument["StackName"]), argument["OutputName"]
        try:
            return self.others[stack][output]
        except KeyError:
            raise HousingError(f"{self.name}: {stack} has no output {output}") from None

    def _find_in_map(self, argument: list[Any]) -> Any:
        mapping, first, second = self.resolve(argument)
        try:
            return self.body["Mappings"][mapping][first][second]
        except KeyError:
            raise HousingError(
                f"{self.name}: the mapping {mapping} has no {first}.{second}"
            ) from None

    def _select(self, argument: list[Any]) -> Any:
        index, values = self.resolve(argument)
        return values[int(index)]

    def _split(self, argument: list[Any]) -> list[str]:
        separator, text = self.resolve(argument)
        return str(text).split(separator)


def _physical_name(logical_id: str) -> str:
    return logical_id.lower()
