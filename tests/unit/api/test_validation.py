import pytest
import yaml
from pydantic import ValidationError

from cake_operator.api import CakeDeployment
from tests.unit.api.specs import ACCEPTED, EXAMPLES, FIVE_FIELDS, REFUSED, Case, merged, named


@pytest.mark.parametrize("case", REFUSED, ids=named)
def test_the_models_refuse_what_the_table_refuses(case: Case):
    with pytest.raises(ValidationError) as refusal:
        CakeDeployment.model_validate(case.object())
    if case.ours:
        assert case.sentence in str(refusal.value)


@pytest.mark.parametrize("case", ACCEPTED, ids=named)
def test_the_models_accept_what_the_table_accepts(case: Case):
    CakeDeployment.model_validate(case.object())


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_every_example_is_valid(path):
    for document in yaml.safe_load_all(path.read_text()):
        if document["kind"] == "CakeDeployment":
            CakeDeployment.model_validate(document)


def test_an_unknown_field_of_the_spec_is_refused():
    with pytest.raises(ValidationError, match="maxReplica"):
        CakeDeployment.model_validate(merged(FIVE_FIELDS, {"spec": {"scaling": {"maxReplica": 3}}}))


def test_an_unknown_field_of_the_resources_is_refused_with_the_known_ones():
    with pytest.raises(ValidationError, match="write requests, limits or claims"):
        CakeDeployment.model_validate(merged(FIVE_FIELDS, {"spec": {"engine": {"resources": {"limit": {}}}}}))


def test_unknown_metadata_and_status_of_a_newer_version_are_ignored():
    newer = merged(FIVE_FIELDS, {"metadata": {"managedFields": []}, "status": {"phase": "x", "slo": {"burn": 2}}})
    cake = CakeDeployment.model_validate(newer)
    assert cake.metadata.name == "chat"
    assert cake.status.slo is not None


def test_null_is_the_same_as_absent():
    nulls = FIVE_FIELDS | {"spec": FIVE_FIELDS["spec"] | {"slo": None, "balance": None, "replicas": None}}
    assert CakeDeployment.model_validate(nulls) == CakeDeployment.model_validate(FIVE_FIELDS)


def test_five_fields_get_the_defaults_a_user_would_choose():
    spec = CakeDeployment.model_validate(FIVE_FIELDS).spec
    assert (spec.replicas, spec.slo, spec.scaling.max_replicas) == (None, None, 1)
    assert (spec.balance.mode, spec.balance.tuning, spec.balance.bounds.retain_from) == ("Adaptive", "Auto", None)
    assert (spec.engine.drain.pre_stop.seconds, spec.engine.startup_timeout) == (15, None)
    assert spec.service.type == "ClusterIP"


def test_without_tiers_there_are_4_gibibytes_of_memory():
    (tier,) = CakeDeployment.model_validate(merged(FIVE_FIELDS, {"spec": {"kvTiers": None}})).spec.kv_tiers
    assert (tier.name, tier.kind, tier.capacity.bytes) == ("memory", "Memory", 4 * 2**30)


def test_what_was_parsed_and_written_parses_to_the_same():
    for case in ACCEPTED:
        cake = CakeDeployment.model_validate(case.object())
        written = cake.model_dump(by_alias=True, mode="json", exclude_none=True)
        assert CakeDeployment.model_validate(written) == cake
