"""The browser that tests drive: where it is, and how it is started so that it asks nobody but them."""

import os
import shutil

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or ""
ABSENT = "no chromium on the path; set CHROMIUM"
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
