"""Plain language in, validated search filters out."""

__version__ = "0.1.0"
