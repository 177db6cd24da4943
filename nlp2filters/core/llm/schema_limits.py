"""The limits that a provider puts on the JSON schema of an answer. `answer_schema` stays within them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaLimits:
    """The greatest schema that a provider takes. The defaults are OpenAI's, the strictest that it documents.

    enum_values            values of all enums together
    properties             properties of all objects together
    depth                  levels of objects and lists
    characters             of all names, enum values and definitions together
    long_enum_values       an enum with more values is a long one …
    long_enum_characters   … and has at most this many characters
    unions                 places with `anyOf`

    See https://platform.openai.com/docs/guides/structured-outputs#supported-schemas.
    """

    enum_values: int = 1_000
    properties: int = 5_000
    depth: int = 10
    characters: int = 120_000
    long_enum_values: int = 250
    long_enum_characters: int = 15_000
    unions: int = 1_000


OPENAI_LIMITS = SchemaLimits()
