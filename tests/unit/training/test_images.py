import pytest

from training.images import ImageError, linear_learner_image, scikit_learn_image


@pytest.mark.parametrize(
    ("region", "uri"),
    [
        ("us-east-1", "382416733822.dkr.ecr.us-east-1.amazonaws.com/linear-learner:1"),
        ("eu-west-1", "438346466558.dkr.ecr.eu-west-1.amazonaws.com/linear-learner:1"),
        ("cn-north-1", "390948362332.dkr.ecr.cn-north-1.amazonaws.com.cn/linear-learner:1"),
    ],
)
def test_linear_learner_is_in_a_registry_of_its_own_in_each_region(region: str, uri: str) -> None:
    assert linear_learner_image(region) == uri


def test_scikit_learn_is_the_version_that_the_endpoint_runs() -> None:
    image = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.9-0-cpu-py3"
    assert scikit_learn_image("us-east-1") == image


def test_a_region_without_the_image_is_refused_with_those_that_have_it() -> None:
    with pytest.raises(ImageError, match=r"region 'mars-1' has no linear-learner image.*us-east-1"):
        linear_learner_image("mars-1")
