"""Where AWS keeps the images of its SageMaker containers, by region.

Source: ``image_uri_config/sklearn.json`` and ``linear-learner.json`` of the SageMaker Python SDK
(sagemaker-core 2.27.0, https://github.com/aws/sagemaker-python-sdk). Each of the 37 regions has its
own registry account, and not the same one for both images.
"""

from typing import NamedTuple


class RegistryAccounts(NamedTuple):
    """The accounts that own the two repositories in one region."""

    scikit_learn: str
    linear_learner: str


REGISTRY_ACCOUNTS: dict[str, RegistryAccounts] = {
    region: RegistryAccounts(*accounts)
    for region, accounts in {
        "af-south-1": ("510948584623", "455444449433"),
        "ap-east-1": ("651117190479", "286214385809"),
        "ap-northeast-1": ("354813040037", "351501993468"),
        "ap-northeast-2": ("366743142698", "835164637446"),
        "ap-northeast-3": ("867004704886", "867004704886"),
        "ap-south-1": ("720646828776", "991648021394"),
        "ap-south-2": ("628508329040", "628508329040"),
        "ap-southeast-1": ("121021644041", "475088953585"),
        "ap-southeast-2": ("783357654285", "712309505854"),
        "ap-southeast-3": ("951798379941", "951798379941"),
        "ap-southeast-4": ("106583098589", "106583098589"),
        "ca-central-1": ("341280168497", "469771592824"),
        "ca-west-1": ("190319476487", "190319476487"),
        "cn-north-1": ("450853457545", "390948362332"),
        "cn-northwest-1": ("451049120500", "387376663083"),
        "eu-central-1": ("492215442770", "664544806723"),
        "eu-central-2": ("680994064768", "680994064768"),
        "eu-north-1": ("662702820516", "669576153137"),
        "eu-south-1": ("978288397137", "257386234256"),
        "eu-south-2": ("104374241257", "104374241257"),
        "eu-west-1": ("141502667606", "438346466558"),
        "eu-west-2": ("764974769150", "644912444149"),
        "eu-west-3": ("659782779980", "749696950732"),
        "il-central-1": ("898809789911", "898809789911"),
        "me-central-1": ("272398656194", "272398656194"),
        "me-south-1": ("801668240914", "249704162688"),
        "sa-east-1": ("737474898029", "855470959533"),
        "us-east-1": ("683313688378", "382416733822"),
        "us-east-2": ("257758044811", "404615174143"),
        "us-gov-east-1": ("237065988967", "237065988967"),
        "us-gov-west-1": ("414596584902", "226302683700"),
        "us-iso-east-1": ("833128469047", "490574956308"),
        "us-isob-east-1": ("281123927165", "765400339828"),
        "us-isof-east-1": ("108575199400", "108575199400"),
        "us-isof-south-1": ("124985052026", "124985052026"),
        "us-west-1": ("746614075791", "632365934929"),
        "us-west-2": ("246618743249", "174872318107"),
    }.items()
}


def dns_suffix(region: str) -> str:
    """The domain of a region's registries; source: botocore's ``partitions.json``."""
    for prefix, suffix in (
        ("cn-", "amazonaws.com.cn"),
        ("us-iso-", "c2s.ic.gov"),
        ("us-isob-", "sc2s.sgov.gov"),
        ("us-isof-", "csp.hci.ic.gov"),
    ):
        if region.startswith(prefix):
            return suffix
    return "amazonaws.com"
