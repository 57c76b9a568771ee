"""Here and not among the unit tests because importing sagemaker.core takes several seconds."""

from sagemaker.core import image_uris

from training.images import linear_learner_image, scikit_learn_image

REGIONS = ("us-east-1", "eu-central-1", "ap-northeast-3", "us-gov-west-1", "cn-north-1")


def test_uris_are_those_of_the_sagemaker_sdk() -> None:
    for region in REGIONS:
        scikit_learn = image_uris.retrieve(
            "sklearn", region, version="1.9-0", py_version="py3", instance_type="ml.m5.large"
        )
        assert scikit_learn_image(region) == scikit_learn
        assert linear_learner_image(region) == image_uris.retrieve("linear-learner", region)
