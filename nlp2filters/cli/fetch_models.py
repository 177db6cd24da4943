"""`nlp2filters fetch-models`: download the models before they are needed, as when an image is built."""

import argparse
import os
import sys

from nlp2filters.audio.weights import WHISPER
from nlp2filters.embedding.weights import MINILM_BY_WEIGHTS
from nlp2filters.settings import Settings


def add_to(command: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    command.add_argument("--audio", action="store_true", help="also fetch the speech model")
    command.set_defaults(run=_fetch)


def _fetch(args: argparse.Namespace) -> int:
    settings, progress = Settings.read(os.environ), sys.stderr.isatty()
    print(
        MINILM_BY_WEIGHTS[settings.embedding_weights].locate(
            settings.model_path, settings.model_cache, progress=progress
        )
    )
    if args.audio:
        print(WHISPER.locate(settings.audio_model_path, settings.model_cache, progress=progress))
    return 0
