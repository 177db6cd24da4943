"""`nlp2filters transcribe`: write down what a recording says."""

import argparse
import asyncio
import os
from pathlib import Path

from nlp2filters.cli import output
from nlp2filters.settings import Settings


def add_to(command: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    command.add_argument("file", type=Path, help="a recording (wav, mp3, m4a, ogg, flac, webm), or a video")
    command.add_argument("--language", metavar="CODE", help="what is spoken: en, es; else it is found out")
    command.add_argument("--expect", metavar="NAMES", help="names that may occur, separated by commas")
    form = command.add_mutually_exclusive_group()
    form.add_argument("--srt", action="store_true", help="subtitles for video players")
    form.add_argument("--vtt", action="store_true", help="subtitles for browsers")
    form.add_argument("--json", action="store_true", help="the text with times, for programs")
    command.add_argument("--words", action="store_true", help="with --json, also the times of single words")
    command.set_defaults(run=_transcribe)


def _transcribe(args: argparse.Namespace) -> int:
    from nlp2filters.cli import speech  # It loads the speech model's libraries, which `--help` does not need.

    names = [name.strip() for name in (args.expect or "").split(",") if name.strip()]
    settings = Settings.read(os.environ)
    transcript, seconds = asyncio.run(speech.transcribe(args.file, settings, args.language, names, words=args.words))
    if args.json:
        output.print_json(speech.to_json(transcript, seconds))
    elif args.srt or args.vtt:
        print((speech.to_srt if args.srt else speech.to_vtt)(transcript.segments), end="")
    else:
        print(transcript.text)
    return 0
