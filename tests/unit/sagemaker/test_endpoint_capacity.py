from tests.unit.sagemaker.endpoints import counts, set_capacity, update
from tests.unit.sagemaker.platform import Platform


def test_count_and_weight_can_be_changed(platform: Platform) -> None:
    platform.deployed()
    assert counts(set_capacity(platform, DesiredInstanceCount=2)) == (2, 1.0)
    assert counts(set_capacity(platform, DesiredWeight=0.5)) == (2, 0.5)


def test_an_unknown_variant_is_refused(platform: Platform) -> None:
    platform.deployed()
    error = platform.refusal(
        "UpdateEndpointWeightsAndCapacities",
        EndpointName="housing",
        DesiredWeightsAndCapacities=[{"VariantName": "Other", "DesiredInstanceCount": 1}],
    )
    assert "Could not find variant Other" in error.message


def test_an_update_resets_the_count_to_that_of_the_config(platform: Platform) -> None:
    platform.deployed()
    platform.create_config("config-2")
    set_capacity(platform, DesiredInstanceCount=2)
    assert counts(update(platform)) == (1, 1.0)


def test_an_update_can_retain_counts_and_weights(platform: Platform) -> None:
    platform.deployed()
    platform.create_config("config-2")
    set_capacity(platform, DesiredInstanceCount=2, DesiredWeight=0.5)
    assert counts(update(platform, RetainAllVariantProperties=True)) == (2, 0.5)


def test_retained_properties_can_be_excluded(platform: Platform) -> None:
    platform.deployed()
    platform.create_config("config-2")
    set_capacity(platform, DesiredInstanceCount=2, DesiredWeight=0.5)
    description = update(
        platform,
        RetainAllVariantProperties=True,
        ExcludeRetainedVariantProperties=[{"VariantPropertyType": "DesiredInstanceCount"}],
    )
    assert counts(description) == (1, 0.5)
