"""A conversation: the texts so far and their reading, which the next text refines."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from nlp2filters.core import filters
from nlp2filters.core.interpretation import Interpretation, from_json, to_json

# A filter of more parts cannot be refined: those of the follow-up come on top.
MAX_PARTS = 100


@dataclass(frozen=True, slots=True)
class Conversation:
    """The conversation so far: the job `job_id`, the texts up to it, and their reading.

    `texts` are those from which conditions still hold, by the id of their job; that of `job_id` comes last.
    """

    job_id: str
    texts: Mapping[str, str]
    reading: Interpretation

    @classmethod
    def of(
        cls, job_id: str, text: str, reading: Interpretation, before: "Conversation | None" = None
    ) -> "Conversation":
        """Add a job's text and reading to a conversation; `before` is the one that the job itself refined."""
        quoted_jobs = {condition.said_in for condition in reading.conditions}
        quoted_texts = {job: before.texts[job] for job in before.texts if job in quoted_jobs} if before else {}
        return cls(job_id, {**quoted_texts, job_id: text}, reading)

    @classmethod
    def from_json(cls, data: Any) -> Self:
        """Read back what `to_json` wrote."""
        texts = {turn["job_id"]: turn["text"] for turn in data["texts"]}
        return cls(data["job_id"], texts, from_json(data["reading"]))

    def to_json(self) -> dict[str, Any]:
        """Return the conversation as JSON data."""
        return {"job_id": self.job_id, "texts": self.turns, "reading": to_json(self.reading)}

    @property
    def is_too_large(self) -> bool:
        """True if the filter has grown too large to add anything."""
        return self.reading.filter is not None and filters.size(self.reading.filter) > MAX_PARTS

    @property
    def turns(self) -> list[dict[str, str]]:
        """The texts as JSON data, the oldest first."""
        return [{"job_id": job, "text": text} for job, text in self.texts.items()]
