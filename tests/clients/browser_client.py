"""The script of steps in Chromium: client.mjs in a page that has the server's own origin."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import Route, async_playwright

CHROMIUM = "/usr/bin/chromium"
HERE = Path(__file__).parent
library, url, channel = sys.argv[1:]
FILES = {"/client.mjs": HERE / "client.mjs", "/library.js": Path(library)}
PLAY = """
async ([url, channel]) => {
  const { play } = await import("/client.mjs");
  const { Realtime } = await import("/library.js");
  await play(Realtime, url, channel, window.say, window.ask);
}
"""
answers: dict[str, asyncio.Queue[Any]] = {"token?": asyncio.Queue(), "next?": asyncio.Queue()}
"""An answer may come before its question is asked."""


async def ask(question: str) -> Any:
    print(question, flush=True)
    return await answers[question].get()


def read() -> None:
    for text in os.read(sys.stdin.fileno(), 65_536).splitlines():  # two may come at once
        line = json.loads(text)
        answers[line["to"]].put_nowait(line["answer"])


async def serve(route: Route) -> None:
    file = FILES.get(urlsplit(route.request.url).path)
    if file is None:
        await route.fulfill(body="<!doctype html><title>A page</title>", content_type="text/html")
    else:
        await route.fulfill(body=file.read_text(), content_type="text/javascript")


async def main() -> None:
    asyncio.get_running_loop().add_reader(sys.stdin, read)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM,
            # The page comes from a route of ours, which Chromium takes for the internet.
            args=[
                "--no-sandbox",
                "--no-proxy-server",
                "--disable-features=LocalNetworkAccessChecks",
            ],
        )
        page = await browser.new_page()
        page.on("console", lambda said: print(said.text, file=sys.stderr, flush=True))
        await page.expose_function("say", lambda line: print(line, flush=True))
        await page.expose_function("ask", ask)
        await page.route("**/*", serve)
        parts = urlsplit(url)
        await page.goto(f"http://{parts.netloc}/a-page")
        await page.evaluate(PLAY, [url, channel])
        await browser.close()


asyncio.run(main())
