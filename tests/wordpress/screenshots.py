"""Writes the pictures of docs/wordpress.md: a post with the shortcode, and the block editor with a pasted address."""

import shutil
import tempfile
from pathlib import Path

from chromium import CHROMIUM, FLAGS
from playwright.sync_api import sync_playwright
from wordpress.blog import PATIENCE, Blog, missing
from wordpress.conftest import ALONE
from wordpress.desk import Desk
from wordpress.test_ways import enter

PICTURES = Path(__file__).parents[2] / "docs/pictures"
SHORTCODE = "<p>Written by an author, printed by the server:</p>[market_prices coins='bitcoin,ethereum,pirate-chain']"


def main() -> None:
    """All of them."""
    if lacking := missing():
        raise SystemExit(lacking)
    folder, desk = Path(tempfile.mkdtemp(prefix="blog")), Desk()
    blog = Blog(folder)
    try:
        blog.run(f"update_option( 'market_prices_url', '{desk.origin}' );")
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, ALONE])
            tab = browser.new_page(viewport={"width": 1200, "height": 680})
            tab.goto(blog.post(SHORTCODE, by="author"))
            tab.screenshot(path=PICTURES / "wordpress-shortcode.png")
            blog.greet("author")
            enter(tab, blog, "author", "post-new.php")
            tab.locator(".editor-post-title__input").type("Prices of the week")
            url = f"{desk.origin}/embed/list"
            tab.evaluate(
                "url => wp.data.dispatch('core/block-editor').insertBlocks(wp.blocks.createBlock('core/embed', {url}))",
                url,
            )
            preview = tab.frame_locator(".wp-block-embed iframe").frame_locator("iframe")
            preview.locator(".mp-price").first.wait_for(timeout=PATIENCE * 1000)
            tab.wait_for_timeout(1000)
            tab.screenshot(path=PICTURES / "wordpress-editor.png")
            browser.close()
    finally:
        blog.close()
        desk.close()
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
