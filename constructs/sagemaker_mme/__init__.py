"""CDK constructs for SageMaker multi-model endpoints, alone or behind an inference pipeline."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from sagemaker_mme.configured_endpoint import ConfiguredEndpoint
from sagemaker_mme.container import (
    Container,
    ModelCacheSetting,
    ModelData,
    MultiModelContainer,
)
from sagemaker_mme.container_image import BoundImage, ContainerImage
from sagemaker_mme.data_capture import CaptureMode, DataCapture
from sagemaker_mme.deployment_policy import CapacitySize, DeploymentPolicy
from sagemaker_mme.endpoint_alarms import EndpointAlarms
from sagemaker_mme.endpoint_base import (
    EndpointVariant,
    MultiModelEndpointBase,
    MultiModelEndpointGrants,
)
from sagemaker_mme.endpoint_dashboard import EndpointDashboard
from sagemaker_mme.endpoint_tag_invoker_role import EndpointTagInvokerRole
from sagemaker_mme.images import Processor
from sagemaker_mme.instance_scaling import ScalableInstanceCount
from sagemaker_mme.instance_type import InstanceType
from sagemaker_mme.invocation_trail import InvocationTrail
from sagemaker_mme.model import Model, ModelBase
from sagemaker_mme.model_store import (
    ImportedModelStore,
    ModelStore,
    ModelStoreBase,
)
from sagemaker_mme.multi_model_endpoint import MultiModelEndpoint
from sagemaker_mme.pipeline_rules import InferenceExecutionMode
from sagemaker_mme.prefixes import KeyLayout, Prefix, PrefixGrants
from sagemaker_mme.problems import InvalidPropsError
from sagemaker_mme.production_variant import (
    InferenceAmiVersion,
    ManagedInstanceScaling,
    ProductionVariant,
    RoutingStrategy,
)
from sagemaker_mme.service_roles import SageMakerRole, TrainingRole
from sagemaker_mme.target_model_invoker_role import TargetModelInvokerRole, TenantInvokerRole
from sagemaker_mme.target_model_rule import multi_model_rules, target_model_rule

if TYPE_CHECKING:
    from sagemaker_mme.tenant_api import TenantApi
    from sagemaker_mme.tenant_broker import TenantBroker

__all__ = [
    "BoundImage",
    "CapacitySize",
    "CaptureMode",
    "ConfiguredEndpoint",
    "Container",
    "ContainerImage",
    "DataCapture",
    "DeploymentPolicy",
    "EndpointAlarms",
    "EndpointDashboard",
    "EndpointTagInvokerRole",
    "EndpointVariant",
    "ImportedModelStore",
    "InferenceAmiVersion",
    "InferenceExecutionMode",
    "InstanceType",
    "InvalidPropsError",
    "InvocationTrail",
    "KeyLayout",
    "ManagedInstanceScaling",
    "Model",
    "ModelBase",
    "ModelCacheSetting",
    "ModelData",
    "ModelStore",
    "ModelStoreBase",
    "MultiModelContainer",
    "MultiModelEndpoint",
    "MultiModelEndpointBase",
    "MultiModelEndpointGrants",
    "Prefix",
    "PrefixGrants",
    "Processor",
    "ProductionVariant",
    "RoutingStrategy",
    "SageMakerRole",
    "ScalableInstanceCount",
    "TargetModelInvokerRole",
    "TenantApi",
    "TenantBroker",
    "TenantInvokerRole",
    "TrainingRole",
    "multi_model_rules",
    "target_model_rule",
]

_LATE = {"TenantApi": "tenant_api", "TenantBroker": "tenant_broker"}
"""What needs the CDK's largest modules: other apps synthesize two seconds sooner without them."""


def __getattr__(name: str) -> Any:
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LATE[name]}"), name)
