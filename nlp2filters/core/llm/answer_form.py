"""The form of an LLM's answer as models. They are lenient where a fault can only mean one thing: see `salvage.py`."""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator
from pydantic import Field as Constraint

from nlp2filters.core.interpretation import Direction
from nlp2filters.core.llm import salvage

MAX_CONDITIONS = 200


class _Part(BaseModel):
    """A part of an answer. What it has besides its members is ignored."""

    model_config = ConfigDict(extra="ignore")


class AnswerCondition(_Part):
    """A condition, with the words of the text that it quotes.

    Conditions of group 0 must hold. Of the others, those of one group must hold together, and one group is enough.
    """

    quote: str
    field: str
    op: str
    value: str | bool | int | float | list[str | bool | int | float] | None = None
    group: Annotated[int | str, BeforeValidator(salvage.group)] = 0
    confidence: Annotated[float, BeforeValidator(salvage.confidence)] = salvage.UNSTATED_CONFIDENCE

    @model_validator(mode="before")
    @classmethod
    def _rewrite(cls, data: Any) -> Any:
        return salvage.condition(data)


class AnswerSort(_Part):
    """A sort by one field."""

    field: str
    direction: Direction


class AnswerIgnored(_Part):
    """Words that changed nothing."""

    quote: str
    reason: Annotated[str, Constraint(max_length=500)] = ""


class AnswerClarification(_Part):
    """A question to the user."""

    question: Annotated[str, Constraint(max_length=500)]
    choices: Annotated[
        list[Annotated[str, Constraint(max_length=500)]], Constraint(max_length=10), BeforeValidator(salvage.several)
    ] = []


_Sort = Annotated[AnswerSort, BeforeValidator(salvage.sort)]
_Ignored = Annotated[AnswerIgnored, BeforeValidator(salvage.ignored)]
_Several = BeforeValidator(salvage.several)


class AnswerForm(_Part):
    """The whole answer."""

    conditions: Annotated[list[AnswerCondition], Constraint(max_length=MAX_CONDITIONS), _Several]
    sort: Annotated[list[_Sort], Constraint(max_length=5), _Several] = []
    limit: Annotated[Annotated[int, Constraint(ge=1, le=1000)] | None, BeforeValidator(salvage.limit)] = None
    text: Annotated[str, Constraint(max_length=4000), BeforeValidator(salvage.words)] = ""
    ignored: Annotated[list[_Ignored], Constraint(max_length=100), _Several] = []
    clarification: Annotated[AnswerClarification | None, BeforeValidator(salvage.clarification)] = None
