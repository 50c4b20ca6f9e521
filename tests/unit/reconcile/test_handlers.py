"""What kopf is spared."""

import kopf

from cake_operator.handlers import make_settings


def test_kopf_neither_copies_objects_nor_compares_them_with_what_they_were() -> None:
    storage = make_settings().persistence.diffbase_storage
    annotations = {"kopf.zalando.org/last-handled-configuration": '{"spec": {}}'}
    body = kopf.Body({"metadata": {"name": "chat", "annotations": annotations}, "spec": {"replicas": 1}})

    assert storage.fetch(body=body) is None
    assert storage.build(body=body, extra_fields=[("spec",)]) == {}
