"""Every error that Tanya Diplomasi raises on purpose.

A name states the fact; a message says what was found, what was expected and what to do. Foreign errors
(OSError, yaml, faiss, …) are translated where they enter, so a caller needs only this tree:

    TanyaError
    ├── CorpusError
    │   ├── CorpusMissing          the corpus folder is not there, or is a file
    │   ├── CorpusEmpty            it holds no readable document
    │   ├── CorpusShrunk           it lost most of what the live index has
    │   ├── CorpusChanging         it is being edited while it is read
    │   └── DocumentError          one file cannot become a Document
    │       ├── DocumentUnreadable     permission, disk, not a regular file
    │       ├── DocumentNotText        not UTF-8, or binary
    │       ├── DocumentTooLarge       over MAX_BYTES
    │       ├── DocumentEmpty          no text after the front matter
    │       ├── FrontMatterInvalid     not YAML, or a field of the wrong kind
    │       └── DuplicateDocumentId    two files ask for one id
    ├── SearchIndexError
    │   ├── IndexMissing           nothing has been built yet
    │   ├── IndexDamaged           a file is missing, torn or altered
    │   ├── IndexOutdated          written in another format
    │   ├── ModelMismatch          built with another embedding model
    │   ├── IndexBusy              another build holds the lock
    │   ├── VersionUnknown         no version of that name is kept
    │   ├── BuildFailed            the disk refused; the old index is untouched
    │   └── StoreUnavailable       Milvus cannot be reached, or lacks the version
    ├── ModelError                 the embedding model cannot be loaded
    ├── QuestionInvalid            empty, not text, or in no language that is spoken here
    │   └── QuestionTooLong            more characters than are read
    ├── DocumentUnknown            no such document in this index
    ├── AnswerUnknown              that answer is not remembered (any more)
    ├── QueueFull                  more questions wait than are taken; come back later
    ├── TimeUp                     the answer took longer than it may
    ├── AnswerStopped              nobody waits for the answer any more
    ├── KeptUnwritable             the file of feedback and gaps cannot be read or written
    ├── EvaluationInvalid          a file of questions is not of the shape that is read
    ├── EmbedRefused               a site or a request that may not use this embed
    │   ├── EmbedUnknown               no such embed is listed
    │   ├── TokenInvalid               its token is missing, not its own, or too old
    │   └── EmbedLimited               it has asked as much as it may for now
    └── SettingsInvalid            an unknown key, or a value out of bounds
"""


class TanyaError(Exception):
    """Root of all errors raised on purpose."""


class CorpusError(TanyaError):
    """Something is wrong with the source texts."""


class CorpusMissing(CorpusError):
    """The corpus folder is not there."""


class CorpusEmpty(CorpusError):
    """The corpus folder holds no readable document."""


class CorpusShrunk(CorpusError):
    """Most of the documents of the live index are gone."""


class CorpusChanging(CorpusError):
    """The files change while they are read."""


class CorpusUnwritable(CorpusError):
    """The folder of source texts refuses a change, or is the one that came with the package."""


class DocumentError(CorpusError):
    """One file cannot become a Document."""


class DocumentUnreadable(DocumentError):
    """The file cannot be read."""


class DocumentNotText(DocumentError):
    """The file is not UTF-8 text."""


class DocumentTooLarge(DocumentError):
    """The file is larger than a document may be."""


class DocumentEmpty(DocumentError):
    """The file has no text."""


class FrontMatterInvalid(DocumentError):
    """The front matter is not what it must be."""


class DuplicateDocumentId(DocumentError):
    """Two files ask for the same document id."""


class SearchIndexError(TanyaError):
    """Something is wrong with the built index."""


class IndexMissing(SearchIndexError):
    """No index has been built."""


class IndexDamaged(SearchIndexError):
    """The index on disk is torn, altered or incomplete."""


class IndexOutdated(SearchIndexError):
    """The index was written in another format."""


class ModelMismatch(SearchIndexError):
    """The index was built with another embedding model."""


class IndexBusy(SearchIndexError):
    """Another build is under way."""


class VersionUnknown(SearchIndexError):
    """No version of that name is kept."""


class BuildFailed(SearchIndexError):
    """The index could not be written."""


class StoreUnavailable(SearchIndexError):
    """The shared vector store cannot be reached, or does not have the version."""


class ModelError(TanyaError):
    """The embedding model cannot be loaded."""


class QuestionInvalid(TanyaError):
    """The question cannot be read."""


class QuestionTooLong(QuestionInvalid):
    """The question has more characters than are read."""


class DocumentUnknown(TanyaError):
    """The index has no such document."""


class AnswerUnknown(TanyaError):
    """No such answer is remembered."""


class QueueFull(TanyaError):
    """More questions wait than are taken; `retry_after` is in seconds."""

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class TimeUp(TanyaError):
    """The answer took longer than it may."""


class AnswerStopped(TanyaError):
    """Nobody waits for the answer any more."""


class KeptUnwritable(TanyaError):
    """The file of feedback and unanswered questions cannot be read or written."""


class EvaluationInvalid(TanyaError):
    """The file of questions cannot be read."""


class EmbedRefused(TanyaError):
    """This site, or this request, may not use the embed."""


class EmbedUnknown(EmbedRefused):
    """No embed of that id is listed."""


class TokenInvalid(EmbedRefused):
    """The token is missing, another's, or too old."""


class EmbedLimited(EmbedRefused):
    """The embed, or the address, has asked as much as it may for now; `retry_after` is in whole seconds."""

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class SettingsInvalid(TanyaError):
    """A setting is unknown or out of bounds."""
