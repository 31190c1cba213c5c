"""The HTML report in a real browser: nothing runs, nothing is asked of the network, nothing is refused."""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from analyzer.reports import render_as
from tests.report_fixture import HOSTILE, rich_report

BROWSER = next((path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), "")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--enable-logging=stderr",
    "--v=0",
]
# Headless chromium needs a second or two; the limit is there for a browser that hangs.
PATIENCE = 60
# A policy as some CI servers send it: neither the style nor the script of the page may be used.
STRICT = "sandbox; default-src 'none'; img-src 'self'; style-src 'self'"

pytestmark = pytest.mark.skipif(not BROWSER, reason="no chromium on this machine")


class Site:
    """A server of one page that remembers every request."""

    def __init__(self, page: bytes) -> None:
        self.page, self.requests, self.policy = page, list[str](), ""
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.requests.append(self.path)
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                if site.policy:
                    self.send_header("Content-Security-Policy", site.policy)
                self.end_headers()
                self.wfile.write(site.page)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/report.html"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def site() -> Iterator[Site]:
    # The hostile text asks this very server for an image, so that a request for it would be seen.
    site = Site(b"")
    page = render_as("html", rich_report()).decode()
    site.page = page.replace("http://evil.example", site.url.rsplit("/", 1)[0]).encode()
    yield site
    site.server.shutdown()
    site.server.server_close()


def browse(url: str, folder: Path, *flags: str) -> tuple[str, str]:
    """The document after scripts ran, and what the browser's console said."""
    done = subprocess.run(
        [BROWSER, *FLAGS, f"--user-data-dir={folder}", *flags, "--dump-dom", url],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    console = "\n".join(line for line in done.stderr.splitlines() if "CONSOLE" in line)
    return done.stdout, console


def test_the_page_runs_its_own_script_only(site: Site, tmp_path: Path) -> None:
    document, console = browse(site.url, tmp_path)
    assert document.count("<button") == document.count('class="command"') + document.count('class="command script"') > 4
    assert console == ""
    assert [path for path in site.requests if path != "/favicon.ico"] == ["/report.html"]
    assert "<img" not in document and document.count("<script") == 1


def test_the_page_is_complete_where_script_and_style_are_refused(site: Site, tmp_path: Path) -> None:
    site.policy = STRICT
    document, console = browse(site.url, tmp_path)
    assert "Refused" in console or "violates" in console
    assert "<button" not in document
    assert "Node worker-2 dropped packets" in document and "One script that collects all of it" in document
    assert [path for path in site.requests if path != "/favicon.ico"] == ["/report.html"]


@pytest.mark.parametrize("flags", [(), ("--blink-settings=preferredColorScheme=0",)], ids=["light", "dark"])
def test_the_page_is_drawn(site: Site, tmp_path: Path, flags: tuple[str, ...]) -> None:
    picture = tmp_path / "page.png"
    browse(site.url, tmp_path / "profile", *flags, f"--screenshot={picture}", "--window-size=1200,900")
    assert picture.stat().st_size > 20_000


def test_the_page_prints(site: Site, tmp_path: Path) -> None:
    paper = tmp_path / "page.pdf"
    browse(site.url, tmp_path / "profile", f"--print-to-pdf={paper}")
    assert paper.read_bytes().startswith(b"%PDF")


def test_the_fixture_is_hostile() -> None:
    assert "http://evil.example" in HOSTILE and "<script>" in HOSTILE
