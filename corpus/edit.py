"""Adds files to a corpus folder and removes them; each step is whole or not taken at all."""

import os
import tempfile
from pathlib import Path

from corpus.document import Document
from corpus.errors import CorpusMissing, CorpusUnwritable, DocumentUnknown, DuplicateDocumentId
from corpus.load import document_files, document_id, load_document


def add_document(path: Path, folder: Path) -> Document:
    """Copy the text or Markdown file at `path` to `folder`/LANGUAGE/; the document that it is there.

    Raises DocumentError where it cannot become one or its id is taken, and CorpusUnwritable; nothing is changed then.
    """
    language = load_document(path, path.parent).language
    target = folder / language / path.name
    wanted = document_id(target.relative_to(folder))
    for other in document_files(folder) if folder.is_dir() else ():
        if document_id(other.relative_to(folder)) == wanted:
            raise DuplicateDocumentId(f"{path}: its id {wanted!r} is taken by {other}. Remove that one, or rename yours.")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".add-", dir=target.parent) as draft:  # hidden: no build reads what is not yet whole
            copy = Path(draft) / path.name
            copy.write_bytes(path.read_bytes())
            os.link(copy, target)  # fails where somebody was faster
    except OSError as error:
        raise CorpusUnwritable(f"{path} could not be copied to {target} ({error.strerror}). Nothing was changed.") from error
    return load_document(target, folder)


def remove_document(doc_id: str, folder: Path) -> Path:
    """Delete the file of that document; its path. Raises CorpusMissing, DocumentUnknown and CorpusUnwritable."""
    if not folder.is_dir():
        raise CorpusMissing(f"No corpus folder at {folder}. Name one with --corpus DIR.")
    path = next((path for path in document_files(folder) if document_id(path.relative_to(folder)) == doc_id), None)
    if path is None:
        raise DocumentUnknown(f"There is no document {doc_id!r} in {folder}. `tanya corpus list` shows them.")
    try:
        path.unlink()
    except OSError as error:
        raise CorpusUnwritable(f"{path} could not be deleted ({error.strerror}).") from error
    return path
