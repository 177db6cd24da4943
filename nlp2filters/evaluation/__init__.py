"""Measuring how well texts are understood: cases with what they mean, measures, a chart. Nothing here calls a model."""
