"""A form that the user fills in."""

from datetime import datetime
from uuid import uuid4

from agents import function_tool
from chatkit.types import (
    StructuredInputFreeform,
    StructuredInputItem,
    StructuredInputMultipleChoice,
    StructuredInputMultipleChoiceOption,
    ThreadItemDoneEvent,
)
from pydantic import BaseModel

from app.model.context import Run


class Question(BaseModel):
    """A question for the user.

    Attributes:
        text: The question.
        answers: Answers to choose from; empty if the user should write one.
        several: Whether more than one answer can be right.
    """

    text: str
    answers: list[str]
    several: bool


@function_tool
async def ask_user(run: Run, questions: list[Question]) -> None:
    """Ask the user questions with a form. Use it when you need to know several things.

    Args:
        questions: One to five questions.
    """
    context = run.context
    item = StructuredInputItem(
        id=context.generate_id("message"),
        thread_id=context.thread.id,
        created_at=datetime.now(),
        inputs=[as_input(question) for question in questions],
    )
    # The turn ends here. The client stores the answers in the item, and the next turn begins.
    await context.stream(ThreadItemDoneEvent(item=item))


def as_input(question: Question) -> StructuredInputFreeform | StructuredInputMultipleChoice:
    """Return a question as a part of the form."""
    if not question.answers:
        return StructuredInputFreeform(id=uuid4().hex, question=question.text)
    return StructuredInputMultipleChoice(
        id=uuid4().hex,
        question=question.text,
        options=[StructuredInputMultipleChoiceOption(value=answer) for answer in question.answers],
        multiple=question.several,
    )
