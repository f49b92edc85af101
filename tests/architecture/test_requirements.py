"""Requirements are pinned and hashed, and say nothing about where packages come from."""

import re

from tests.architecture.repository import ROOT, configuration

TEXT = (ROOT / "requirements.txt").read_text(encoding="utf-8")
ENTRIES = TEXT.replace("\\\n", " ").splitlines()


def test_every_requirement_is_one_version_with_hashes() -> None:
    entries = [line for line in ENTRIES if line.strip() and not line.startswith("#")]

    assert len(entries) > 50
    assert [
        line[:60]
        for line in entries
        if not re.match(r"[A-Za-z0-9._\[\],-]+==\S+( ;.+?)?\s+--hash=sha256:[0-9a-f]{64}", line)
    ] == []


def test_no_requirement_names_an_index_or_an_address() -> None:
    assert "://" not in TEXT
    assert re.findall(r"^\s*-", TEXT.replace("    --hash", ""), flags=re.MULTILINE) == []


def test_every_package_of_the_project_is_among_them() -> None:
    project = configuration()["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    pinned = {re.split(r"[\[=]", line)[0].strip().lower() for line in ENTRIES if "==" in line}

    assert [name for name in wanted if name.partition("[")[0].lower() not in pinned] == []


def test_the_desktop_build_of_opencv_is_not_among_them() -> None:
    assert not re.search(r"^opencv-python==", TEXT, flags=re.MULTILINE)


def test_the_project_cannot_be_published() -> None:
    assert "Private :: Do Not Upload" in configuration()["project"]["classifiers"]
