"""People's ways in: command line, HTTP, chat and reader page."""

from ui.cli import main

__all__ = ["main"]
