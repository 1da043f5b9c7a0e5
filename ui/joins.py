"""What the chat's page sends with a question, read before Gradio reads it.

Gradio takes a part of a message for a file to fetch or a component to build if it says that it is one, and where it is mounted it
checks no path. So only what our own page sends goes on: a known event of a known element, questions and messages of plain text.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError


class _Exact(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class ChatText(_Exact):
    """The only kind of part that our messages have."""

    type: Literal["text"]
    text: str


class ChatTurn(_Exact):
    """A message of the conversation, as the page holds it."""

    role: Literal["user", "assistant"]
    content: list[ChatText]
    metadata: None = None
    options: None = None


class Example(_Exact):
    """A question to begin with."""

    text: str


class Chosen(_Exact):
    """Which of these was clicked."""

    index: int
    value: Example


class Join(_Exact):
    """The body of `queue/join`."""

    data: list[str | list[ChatTurn]]
    fn_index: int
    trigger_id: int
    session_hash: str = Field(pattern=r"^\w{1,64}$")
    event_data: Chosen | None = None


class Joins:
    """Knows the events of one chat."""

    def __init__(self, blocks: Any) -> None:
        """Of the built Gradio `blocks`: each function with what calls it and what it is given."""
        import gradio as gr

        self._known = {
            (number, element): ([str if isinstance(given, gr.Textbox) else list for given in call.inputs], event == "example_select")
            for number, call in blocks.fns.items()
            for element, event in call.targets
        }

    def read(self, body: bytes) -> Join | None:
        """What the body says; None where our page would not have sent it."""
        try:
            join = Join.model_validate_json(body)
        except ValidationError:
            return None
        sent = [type(given) for given in join.data], join.event_data is not None
        return join if self._known.get((join.fn_index, join.trigger_id)) == sent else None
