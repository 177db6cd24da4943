"""Figures as text."""


def number(value: float) -> str:
    """Write a figure with three digits that count."""
    size = abs(value)
    return f"{value:,.0f}" if size >= 100 or value == int(value) else f"{value:.1f}" if size >= 10 else f"{value:.2f}"
