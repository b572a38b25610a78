"""The folder where what can be made or fetched again is kept between commands."""

import os
from pathlib import Path

import platformdirs

CACHE_VARIABLE = "EDGEPROOF_CACHE"


def cache_folder() -> Path:
    """The user's cache folder, or what `EDGEPROOF_CACHE` names."""
    return Path(os.environ.get(CACHE_VARIABLE) or platformdirs.user_cache_dir("edgeproof"))
