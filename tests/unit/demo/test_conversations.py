from demo.conversations import QUESTIONS, Conversation
from demo.documents import Document

TALK = Conversation(Document("heapq.py", "TEXT", 1))


def test_the_first_turn_is_the_document_with_a_question() -> None:
    assert TALK.messages() == [{"role": "user", "content": f"heapq.py:\n\nTEXT\n\n{QUESTIONS[0]}"}]


def test_a_later_turn_repeats_all_that_was_said_and_asks_the_next_question() -> None:
    later = TALK.answered("A queue.").answered("heappush.")
    assert later.messages()[:1] == TALK.messages()
    assert [(m["role"], m["content"]) for m in later.messages()[1:]] == [
        ("assistant", "A queue."),
        ("user", QUESTIONS[1]),
        ("assistant", "heappush."),
        ("user", QUESTIONS[2]),
    ]


def test_an_answer_leaves_the_conversation_before_it_as_it_was() -> None:
    TALK.answered("A queue.")
    assert TALK.answers == ()
