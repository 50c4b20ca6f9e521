import itertools

from cake_operator.api import CakeDeployment
from demo.documents import Document
from demo.scaling import last_reason, new_conversations, reasons
from demo.served import Seen


def seen(desired: int | None, reason: str = "") -> Seen:
    scaling = {} if desired is None else {"scaling": {"desiredReplicas": desired, "reason": reason}}
    source = {"persistentVolumeClaim": {"claimName": "models"}}
    spec = {"model": {"name": "m", "source": source}}
    return Seen(0.0, CakeDeployment.model_validate({"metadata": {"name": "chat"}, "spec": spec, "status": scaling}))


def test_each_change_of_the_wanted_replicas_is_told_with_its_reason() -> None:
    history = [seen(None), seen(1), seen(1, "slow"), seen(2, "slow"), seen(2, "still"), seen(1, "quiet")]
    assert list(reasons(history)) == ["1 to 2: slow", "2 to 1: quiet"]


def test_new_conversations_share_no_first_words_so_no_prefix() -> None:
    first = itertools.islice(new_conversations([Document("a.py", "A", 1), Document("b.py", "B", 1)]), 6)
    openings = [talk.messages()[0]["content"].partition("\n")[0] for talk in first]
    assert len(set(openings)) == 6


def test_the_last_reason_is_the_latest_sentence_of_the_operator() -> None:
    assert last_reason([seen(1, "slow"), seen(2, "quiet soon"), seen(2, ""), seen(None)]) == "quiet soon"
    assert last_reason([seen(None)]) == "the operator gave no reason"
