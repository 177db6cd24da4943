"""Numbers that are written in one word: German "zweihundertfünfzig", two hundred fifty."""

from collections.abc import Mapping

from nlp2filters.core.languages.tables import Numbers

# A longer word is no number; splitting it could take long.
MAX_LENGTH = 64
THOUSAND = 1000


class Compounds:
    """The words of a language that can be parts of a number in one word."""

    def __init__(self, numbers: Numbers) -> None:
        self._scales = numbers.scales
        self._values: Mapping[str, int | float] = {**numbers.words, **numbers.parts, **numbers.scales}
        self._joining = {part for part, value in numbers.parts.items() if not value}
        self._longest_first = sorted(self._values, key=len, reverse=True)

    def value(self, word: str) -> int | float | None:
        """Return the number, if the word is made of such parts alone, and not only of what joins them ("und")."""
        parts = self._split(word) if len(word) <= MAX_LENGTH and word not in self._joining else None
        return self._total(parts) if parts else None

    def _split(self, word: str) -> list[str] | None:
        if not word:
            return []
        for part in self._longest_first:
            if word.startswith(part) and (rest := self._split(word[len(part) :])) is not None:
                return [part, *rest]
        return None

    def _total(self, parts: list[str]) -> int | float:
        """Add the parts; a scale multiplies those since the last greater one."""
        total: int | float = 0
        current: int | float = 0
        for part in parts:
            scale = self._scales.get(part)
            if scale is None:
                current += self._values[part]
            elif scale < THOUSAND:
                current = (current or 1) * scale
            else:
                total, current = total + (current or 1) * scale, 0
        return total + current
