"""A listener that remembers."""

from dataclasses import dataclass, field


@dataclass
class Heard:
    """`texts`: what came of the answer in each try; `waited`: the tries that were announced."""

    texts: list[list[str]] = field(default_factory=list)
    waited: list[tuple[int, int]] = field(default_factory=list)

    def begins(self) -> None:
        self.texts.append([])

    def adds(self, text: str) -> None:
        self.texts[-1].append(text)

    def waits(self, seconds: float, number: int, most: int) -> None:
        assert seconds >= 0
        self.waited.append((number, most))

    @property
    def tries(self) -> list[str]:
        """The text of each try."""
        return ["".join(texts) for texts in self.texts]
