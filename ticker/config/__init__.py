"""The configuration: files, environment and command line in; one frozen, typed `Config` or every error out."""

from ticker.config.durations import duration_text, fraction, percent_text, seconds
from ticker.config.folder import (
    COINS_FILE,
    SETTINGS_FILE,
    default_folder,
    editable,
    initialise,
    replace_file,
    shipped_folder,
)
from ticker.config.load import Config, attempt, check, load
from ticker.config.quotas import MOST_BYTES_A_DAY, Demand, Usage, amount, bytes_a_day, demands, period, usages
from ticker.config.secret import Secret
from ticker.config.settings import (
    SECTIONS,
    SOURCE_KINDS,
    AlertsSettings,
    CoinSettings,
    ConsensusSettings,
    DisplaySettings,
    HistorySettings,
    ServerSettings,
    Setting,
    SourceSettings,
    StoreSettings,
    settings,
)

__all__ = [
    "COINS_FILE",
    "MOST_BYTES_A_DAY",
    "SECTIONS",
    "SETTINGS_FILE",
    "SOURCE_KINDS",
    "AlertsSettings",
    "CoinSettings",
    "Config",
    "ConsensusSettings",
    "Demand",
    "DisplaySettings",
    "HistorySettings",
    "Secret",
    "ServerSettings",
    "Setting",
    "SourceSettings",
    "StoreSettings",
    "Usage",
    "amount",
    "attempt",
    "bytes_a_day",
    "check",
    "default_folder",
    "demands",
    "duration_text",
    "editable",
    "fraction",
    "initialise",
    "load",
    "percent_text",
    "period",
    "replace_file",
    "seconds",
    "settings",
    "shipped_folder",
    "usages",
]
