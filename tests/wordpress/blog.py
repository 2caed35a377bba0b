"""A real WordPress of Debian's packages for tests: its files in a folder of their own, MariaDB on a private socket, and
PHP's own server. Nothing of the system is started, asked or written to.

What it needs and where that is missing is said by `missing`.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from service import free_port

HERE = Path(__file__).parent
PLUGIN = HERE.parents[1] / "integrations/wordpress/market-prices"
SOURCE = Path("/usr/share/wordpress")
THEME = SOURCE / "wp-content/themes/twentytwentythree"
PACKAGES = (
    "wordpress wordpress-theme-twentytwentythree mariadb-server-core php-cli php-mysql php-curl php-xml php-mbstring"
)
PATIENCE = 30.0  # seconds for a program to answer or to end, on a machine that is busy
PATH = os.environ.get("PATH", "") + ":/usr/sbin"
PASSWORD = "correct horse battery staple"

CONFIG = """<?php
define( 'DB_NAME', 'blog' );
define( 'DB_USER', 'root' );
define( 'DB_PASSWORD', '' );
define( 'DB_HOST', 'localhost:{folder}/db.sock' );
define( 'DB_CHARSET', 'utf8mb4' );
define( 'WP_HOME', '{address}' );
define( 'WP_SITEURL', '{address}' );
define( 'WP_DEBUG', true );
define( 'WP_DEBUG_DISPLAY', false );
define( 'WP_DEBUG_LOG', '{folder}/debug.log' );
define( 'WP_CACHE', true );
define( 'DISABLE_WP_CRON', true );
define( 'WP_AUTO_UPDATE_CORE', false );
define( 'WP_HTTP_BLOCK_EXTERNAL', true ); // nothing leaves this machine
define( 'WP_ACCESSIBLE_HOSTS', '127.0.0.1,localhost' );
$said = __DIR__ . '/ticker-url.txt';
if ( is_file( $said ) ) {{
    define( 'TICKER_URL', file_get_contents( $said ) );
}}
$table_prefix = 'wp_';
require_once ABSPATH . 'wp-settings.php';
"""

# Nobody is asked for news. While public.txt is there, 127.0.0.1 and its ports stand for a public host.
HERE_ONLY = """<?php
foreach ( array( 'core', 'plugins', 'themes' ) as $what ) {
    remove_action( 'admin_init', "_maybe_update_$what" );
}
add_filter( 'translations_api', '__return_empty_array' );
if ( is_file( ABSPATH . 'public.txt' ) ) {
    add_filter( 'http_request_host_is_external', '__return_true' );
    add_filter( 'http_allowed_safe_ports', fn( $ports, $host, $url ) =>
        array( wp_parse_url( $url, PHP_URL_PORT ) ), 10, 3 );
}
"""


def missing() -> str:
    """What is not here; '' where all is."""
    programs = ("php", "mariadbd", "mariadb-install-db")
    gone = [one for one in programs if shutil.which(one, path=PATH) is None]
    gone += [str(one) for one in (SOURCE / "wp-load.php", THEME) if not one.exists()]
    return f"no {', '.join(gone)} here; apt-get install {PACKAGES}" if gone else ""


class Blog:
    """An installed blog at `address`, with an administrator and an author, until it is closed."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.site = folder, folder / "site"
        self.port = free_port()
        self.address = f"http://localhost:{self.port}"
        self._running: list[subprocess.Popen[bytes]] = []
        try:
            self._copy()
            self._database()
            self._serve()
            self.run((HERE / "install.php").read_text(encoding="utf-8").removeprefix("<?php"), installing=True)
        except BaseException:
            self.close()
            raise

    @property
    def log(self) -> str:
        """What PHP has complained of."""
        log = self.folder / "debug.log"
        return log.read_text(encoding="utf-8") if log.exists() else ""

    def run(self, code: str, *, installing: bool = False) -> Any:
        """Run PHP inside WordPress, on the command line; what it returns."""
        before = "define( 'WP_INSTALLING', true );" if installing else ""
        script = self.folder / "run.php"
        script.write_text(
            f"<?php {before} $_SERVER['HTTP_HOST'] = 'localhost:{self.port}'; require '{self.site}/wp-load.php';\n"
            f'echo "\\n", json_encode( ( function () {{ {code} }} )() );',
            encoding="utf-8",
        )
        command = ("php", "-d", "display_errors=stderr", script)
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout.rpartition("\n")[2])

    def post(self, content: str, by: str = "admin") -> str:
        """Publish as a user, with all that WordPress takes away from such a user's text; the post's address."""
        return str(
            self.run(
                f"wp_set_current_user( get_user_by( 'login', '{by}' )->ID ); return get_permalink( wp_insert_post( "
                f"wp_slash( array( 'post_title' => 'Latest market prices', 'post_status' => 'publish', "
                f"'post_content' => {_quoted(content)} ) ) ) );"
            )
        )

    def greet(self, who: str) -> None:
        """The block editor does not show this user around any more."""
        self.run(
            f"update_user_meta( get_user_by( 'login', '{who}' )->ID, 'wp_persisted_preferences', array( "
            "'core/edit-post' => array( 'welcomeGuide' => false ), '_modified' => '2026-01-01T00:00:00Z' ) );"
        )

    def forget(self) -> None:
        """As if the plugin had never asked."""
        self._sql("DELETE FROM wp_options WHERE option_name LIKE '%transient%market_prices%'")

    def later(self, seconds: int) -> None:
        """So much time passes for all that the plugin keeps."""
        self.run(
            'global $wpdb; foreach ( $wpdb->get_col( "SELECT option_name FROM $wpdb->options '
            "WHERE option_name LIKE '_transient_market%'\" ) as $name ) { $copy = get_option( $name ); "
            f"$copy['asked'] -= {seconds}; $copy['good'] -= {seconds}; update_option( $name, $copy ); }} "
            f'$wpdb->query( "UPDATE $wpdb->options SET option_value = option_value - {seconds} '
            "WHERE option_name LIKE '_transient_timeout_market%'\" );"
        )

    def get(self, url: str) -> str:
        """A page as the server sends it."""
        with urlopen(url, timeout=PATIENCE) as answer:
            return str(answer.read().decode())

    def close(self) -> None:
        """End what was started."""
        while self._running:
            process = self._running.pop()
            os.killpg(process.pid, signal.SIGKILL)  # PHP's workers do not die with their parent
            process.wait(PATIENCE)

    def _copy(self) -> None:
        shutil.copytree(SOURCE, self.site, ignore_dangling_symlinks=True)
        content = self.site / "wp-content"
        (content / "plugins/market-prices").symlink_to(PLUGIN)
        (content / "mu-plugins").mkdir()
        (content / "mu-plugins/here-only.php").write_text(HERE_ONLY, encoding="utf-8")
        shutil.copy(HERE / "advanced-cache.php", content)
        config = CONFIG.format(folder=self.folder, address=self.address)
        (self.site / "wp-config.php").write_text(config, encoding="utf-8")

    def _database(self) -> None:
        data, door = self.folder / "db", self.folder / "db.sock"
        own = ["--no-defaults", f"--datadir={data}", *(["--user=root"] if os.geteuid() == 0 else [])]
        small = ("--innodb-log-file-size=8M", "--innodb-buffer-pool-size=32M", "--innodb-flush-log-at-trx-commit=0")
        install = ["mariadb-install-db", *own, "--auth-root-authentication-method=normal", "--skip-test-db", *small]
        with (self.folder / "db.log").open("ab") as log:
            subprocess.run(
                install, stdout=log, stderr=log, timeout=PATIENCE, check=True, env={**os.environ, "PATH": PATH}
            )
        alone = ("--skip-networking", "--skip-grant-tables", f"--socket={door}", f"--pid-file={self.folder}/db.pid")
        self._start(["mariadbd", *own, *alone, *small], "db.log")
        self._wait(door.exists)
        self._sql("CREATE DATABASE blog", "")

    def _serve(self) -> None:
        settings = ("-d", "opcache.revalidate_freq=0", "-d", f"error_log={self.folder}/debug.log")
        server = ["php", *settings, "-S", f"127.0.0.1:{self.port}", "-t", str(self.site), str(HERE / "router.php")]
        # With one worker, a page that asks its own site waits for ever.
        self._start(server, "php.log", PHP_CLI_SERVER_WORKERS="4")
        self._wait(self._answers)

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def _start(self, command: Sequence[str], log: str, **environ: str) -> None:
        with (self.folder / log).open("ab") as out:
            self._running.append(
                subprocess.Popen(
                    command, stdout=out, stderr=out, start_new_session=True, env={**os.environ, "PATH": PATH, **environ}
                )
            )

    def _sql(self, statement: str, database: str = "blog") -> None:
        opened = f"new mysqli( null, 'root', '', '{database}', 0, '{self.folder}/db.sock' )"
        code = f"( {opened} )->query( {_quoted(statement)} );"
        subprocess.run(["php", "-r", code], capture_output=True, timeout=PATIENCE, check=True)

    def _wait(self, ready: Callable[[], bool]) -> None:
        until = time.monotonic() + PATIENCE
        while not ready():
            assert self._running[-1].poll() is None, "it ended at once; see the logs in the folder"
            assert time.monotonic() < until, "it does not answer"
            time.sleep(0.05)


def _quoted(text: str) -> str:
    """A string of PHP."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
