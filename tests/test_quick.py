"""Gradio without its type stubs: in a process of its own, since the tests have it already."""

import subprocess
import sys

LOOKING = """
import sys

touched = []
sys.addaudithook(lambda event, values: touched.append(values[0]) if event == "open" and str(values[0]).endswith(".pyi") else None)
before = list(sys.meta_path)
{importing}
assert sys.meta_path == before
assert hasattr(gr.Chatbot, "example_select") and hasattr(gr.Blocks, "load")
print(len(touched))
"""


def stubs(importing: str) -> int:
    """How many stubs were opened while Gradio was imported so."""
    ran = subprocess.run([sys.executable, "-c", LOOKING.format(importing=importing)], capture_output=True, text=True, check=True)
    return int(ran.stdout)


def test_gradio_comes_whole_and_no_stub_is_touched() -> None:
    assert stubs("from ui.quick import import_gradio\ngr = import_gradio()") == 0


def test_without_it_stubs_are_written_so_the_detour_is_still_needed() -> None:
    assert stubs("import gradio as gr") > 0
