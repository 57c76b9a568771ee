"""The VPC that containers run in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

if TYPE_CHECKING:
    from aws_cdk import aws_ec2 as ec2

MAX_SECURITY_GROUPS = 5
MAX_SUBNETS = 16


def vpc_config(
    scope: Construct,
    vpc: ec2.IVpc | None,
    vpc_subnets: ec2.SubnetSelection | None,
    security_groups: Sequence[ec2.ISecurityGroup] | None,
) -> sagemaker.CfnModel.VpcConfigProperty | None:
    """What CreateModel calls VpcConfig; None without a VPC."""
    if vpc is None:
        return None
    # It is the CDK's largest module: apps without a VPC synthesize two seconds sooner without it.
    from aws_cdk import aws_ec2 as ec2

    groups = security_groups or [ec2.SecurityGroup(scope, "SecurityGroup", vpc=vpc)]
    return sagemaker.CfnModel.VpcConfigProperty(
        subnets=_selected(vpc, vpc_subnets).subnet_ids,
        security_group_ids=[group.security_group_id for group in groups],
    )


def _selected(vpc: ec2.IVpc, subnets: ec2.SubnetSelection | None) -> ec2.SelectedSubnets:
    if subnets is None:
        return vpc.select_subnets()
    return vpc.select_subnets(
        availability_zones=subnets.availability_zones,
        one_per_az=subnets.one_per_az,
        subnet_filters=subnets.subnet_filters,
        subnet_group_name=subnets.subnet_group_name,
        subnets=subnets.subnets,
        subnet_type=subnets.subnet_type,
    )


def vpc_problems(
    vpc: ec2.IVpc | None,
    vpc_subnets: ec2.SubnetSelection | None,
    security_groups: Sequence[ec2.ISecurityGroup] | None,
) -> Iterator[str]:
    """Why SageMaker would not place containers there."""
    if vpc is None:
        if vpc_subnets is not None:
            yield "vpc_subnets is given without vpc"
        if security_groups is not None:
            yield "security_groups is given without vpc"
        return
    selected = _selected(vpc, vpc_subnets)
    if not selected.is_pending_lookup:
        yield from _subnet_problems(selected)
    if security_groups is not None and not 1 <= len(security_groups) <= MAX_SECURITY_GROUPS:
        yield (
            f"security_groups has {len(security_groups)} entries;"
            f" allowed: 1 to {MAX_SECURITY_GROUPS}"
        )


def _subnet_problems(selected: ec2.SelectedSubnets) -> Iterator[str]:
    if len(selected.subnet_ids) > MAX_SUBNETS:
        yield f"vpc_subnets selects {len(selected.subnet_ids)} subnets; allowed: 2 to {MAX_SUBNETS}"
    if len(set(selected.availability_zones)) < 2:
        yield (
            f"vpc_subnets selects subnets in {sorted(set(selected.availability_zones))};"
            " SageMaker wants two zones, for a single instance too"
        )
