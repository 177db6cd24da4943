"""A listener that remembers."""

from dataclasses import dataclass, field


@dataclass
class Heard:
    """`texts`: what came of the answer in each try; `waited`: the tries that were announced."""

    texts: list[list[str]] = field(default_factory=list)
    waited: list[tuple[int, int]] = field(default_factory=list)

    def on_start(self) -> None:
        self.texts.append([])

    def on_delta(self, text: str) -> None:
        self.texts[-1].append(text)

    def on_retry(self, wait_s: float, number: int, max_tries: int) -> None:
        assert wait_s >= 0
        self.waited.append((number, max_tries))

    @property
    def tries(self) -> list[str]:
        """The text of each try."""
        return ["".join(texts) for texts in self.texts]
