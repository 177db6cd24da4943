"""`nlp2filters analyze` as somebody types it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from nlp2filters.analysis.archives import ArchiveLimits
from nlp2filters.analysis.folders import read_folder
from nlp2filters.cli.main import main
from nlp2filters.errors import ArchiveRefused
from tests.analysis.packing import tar
from tests.analysis.test_findings import SCHEMA

Run = Callable[..., tuple[int, str, str]]
KNOTTY = "def knotty(a):\n" + "    if a:\n        pass\n" * 20
FILES = {
    "README.md": "# Shop\n\nShop keeps the carts of customers and sends them their invoices by mail.\n",
    "shop/carts.py": "class Carts:\n    def put(self, item):\n        self.items.append(item)\n",
    "shop/mail.py": "import smtplib\n\n\ndef send_mail(to, body):\n    smtplib.SMTP().sendmail('shop', to, body)\n",
    "shop/knots.py": KNOTTY,
    ".gitignore": "*.log\n",
    "debug.log": "noise\n",
}


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Runs a command; gives the exit code and what it wrote. There is no model, unless a test names one."""
    monkeypatch.setattr("nlp2filters.model_files.ModelFiles.find", lambda self, path, cache: None)
    monkeypatch.setattr("platformdirs.user_cache_path", lambda name: tmp_path / "cache")

    def run(*words: str) -> tuple[int, str, str]:
        try:
            code = main(("analyze", *words))
        except SystemExit as exc:
            code = int(str(exc.code))
        written = capsys.readouterr()
        return code, written.out, written.err

    return run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "shop"
    for path, text in FILES.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    (root / "link.py").symlink_to("/etc/passwd")
    (root / "node_modules").mkdir()
    (root / "node_modules" / "dependency.js").write_text("function dependency() {}\n")
    return root


def test_a_folder_is_described_without_a_model(run: Run, folder: Path) -> None:
    code, out, err = run(str(folder))
    assert (code, err) == (0, "")
    assert "Shop keeps the carts of customers" in out
    assert "Carts.put" in out
    assert "shop/knots.py:1  `knotty` divides at 20 points" in out
    assert "dependency" not in out


def test_a_question_is_answered_by_words_without_a_model(run: Run, folder: Path) -> None:
    code, out, _ = run(str(folder), "--question", "where do you send mail?")
    assert code == 0
    assert out.index("shop/mail.py:1-") < out.index("Most used")
    assert "By words only" in out


def test_a_question_is_answered_by_meaning(
    run: Run, folder: Path, model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nlp2filters.model_files.ModelFiles.find", lambda self, path, cache: model_folder)
    words = (str(folder), "--question", "What delivers letters to recipients?", "--json")
    code, out, _ = run(*words)
    assert code == 0
    report = json.loads(out)
    assert report["answers"][0]["path"] == "shop/mail.py"
    assert report["coverage"]["analyzed"] == report["coverage"]["chunks"]
    monkeypatch.setattr("nlp2filters.cli.local_analysis.quantize", None)  # Nothing is embedded twice.
    assert json.loads(run(*words)[1]) == report


def test_the_budget_is_told(run: Run, folder: Path, model_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nlp2filters.model_files.ModelFiles.find", lambda self, path, cache: model_folder)
    code, out, _ = run(str(folder), "--task", "search", "--max-chunks", "2")
    assert code == 0
    assert "Read by meaning: 2 of " in out


def test_an_archive_gives_what_its_folder_gives(run: Run, folder: Path, tmp_path: Path) -> None:
    archive = tmp_path / "shop.tgz"
    archive.write_bytes(tar({path: text.encode() for path, text in FILES.items()}).getvalue())
    of_archive, of_folder = (json.loads(run(str(path), "--json")[1]) for path in (archive, folder))
    assert of_archive["map"] == of_folder["map"]
    assert of_archive["findings"] == of_folder["findings"]
    reasons = {file["path"]: file["skipped"] for file in of_folder["files"]}
    assert reasons["debug.log"] == "A `.gitignore` file leaves it out."
    assert reasons["link.py"] == "It is a link."


def test_findings_go_to_a_sarif_file(run: Run, folder: Path, tmp_path: Path) -> None:
    code, _, _ = run(str(folder), "--sarif", str(tmp_path / "out.sarif"), "--include", "*.py", "--exclude", "mail.py")
    assert code == 0
    log = json.loads((tmp_path / "out.sarif").read_text())
    SCHEMA.validate(log)
    assert [result["ruleId"] for result in log["runs"][0]["results"]] == ["complex-function"]


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("missing",), 1, "No such file or directory"),
        (("--include", "!", "."), 2, "'!' is no pattern"),
        (("--max-chunks", "0", "."), 2, "is no positive number"),
        ((__file__,), 1, "The archive cannot be read"),
    ],
)
def test_what_is_wrong_is_told(run: Run, words: tuple[str, ...], code: int, message: str) -> None:
    exit_code, _, err = run(*words)
    assert exit_code == code
    assert message in err


def test_a_folder_with_too_many_files_is_refused(folder: Path) -> None:
    with pytest.raises(ArchiveRefused, match="Name a folder in it"):
        list(read_folder(folder, ArchiveLimits(files=3)))
