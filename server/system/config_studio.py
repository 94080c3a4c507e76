"""The settings of the studio: what is made of scripts, and where such work is done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from visavis.server.system.addresses import Network, networks
from visavis.server.system.config_trust import Trust
from visavis.server.system.setting import setting


@dataclass(frozen=True, slots=True)
class Studio(Trust):
    """Read as a part of `Config`: a settings file has no sections."""

    jobs: str = setting(
        "",
        "where films and batches are made: empty, in processes of this machine; or the Redis "
        "server of `visavis worker`, such as redis://127.0.0.1:6379/0 (needs visavis[jobs])",
    )
    jobs_processes: int | Literal["auto"] = setting(
        "auto", "processes that make them, here or in one worker; auto: by cores and memory",
        count=True,
    )  # fmt: skip
    jobs_beside: int = setting(
        1, "how many of them work while somebody is in a session here; 0: none does"
    )
    jobs_results: str = setting(
        "",
        "where finished films lie for all machines, with `jobs`: a shared folder, or a store such "
        "as s3://bucket/films (needs visavis[s3]); empty: jobs in home",
    )
    jobs_days: int = setting(
        30, "days after which a job that is over is deleted with its film; 0: never"
    )
    studio_cache_mb: int = setting(
        2000,
        "MB of clauses and pictures that films share, kept in studio-cache in home; what was not "
        "used for longest goes first",
    )
    webhook_secret: str = setting(
        "", "secret that signs webhooks; empty: there are none; never an option"
    )
    webhook_secret_file: str = setting("", "file that holds it, and that only you may read")
    webhook_networks: str = setting(
        "",
        "address ranges of your own network, separated by spaces, that webhooks may go to; by "
        "default they go to public addresses alone",
    )

    studio_translator: str = setting(
        "auto",
        "who translates scripts: openai (the endpoint of llm_base_url), ctranslate2 (a folder of "
        "models), apertium, or auto: the first of them that is here and has the languages",
    )
    studio_translator_model: str = setting(
        "", "name of the endpoint's model that translates; empty: llm_model"
    )
    studio_translator_folder: str = setting(
        "", "folder of a CTranslate2 translation model, or of several, each in a folder of its own"
    )

    @property
    def webhook_ranges(self) -> tuple[Network, ...]:
        """Raises ConfigError."""
        return networks("webhook_networks", self.webhook_networks)
