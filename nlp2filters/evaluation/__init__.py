"""Evaluation of how well texts are understood: labelled cases, measures, a chart. Nothing here calls a model."""
