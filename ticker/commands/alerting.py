"""Alerts as the configuration in use wants them: which webhook is told, and after how much patience.

Knows who decides what ops must hear (the reporter) and who posts it (the webhook), and puts another webhook in the
place of one whose settings changed; what still waited to be posted goes to the new one.
"""

import asyncio
from collections.abc import Mapping

from ticker.alerts import PATIENCE, Message, Patience
from ticker.commands import assembly
from ticker.config import Config
from ticker.observing import instance
from ticker.webhook import Webhook


class Alerting:
    """Offers messages to the webhook of a configuration, if it names one. Counts over all webhooks there were."""

    def __init__(self, config: Config) -> None:
        self._settings = config.alerts
        self._user_agent = assembly.user_agent(config)
        self._changed = asyncio.Event()
        self._webhook = self._made()
        self._before: dict[str, int] = {}

    @property
    def patience(self) -> Mapping[str, Patience]:
        """How long each kind must be so before it is told, and be over before that is."""
        return {**PATIENCE, "source_down": Patience(self._settings.source_down, PATIENCE["source_down"].ends)}

    @property
    def counts(self) -> Mapping[str, int]:
        """Messages by how they ended; empty where there never was a webhook."""
        hook = self._webhook
        if hook is None:
            return self._before
        now = {"sent": hook.sent, "failed": hook.failed, "dropped": hook.dropped}
        return {name: count + self._before.get(name, 0) for name, count in now.items()}

    def offer(self, message: Message) -> None:
        """Post it in the background, if there is somewhere to post it to."""
        if self._webhook is not None:
            self._webhook.offer(message)

    def take(self, config: Config) -> None:
        """Another configuration is used from now on."""
        if config.alerts == self._settings:
            return
        self._settings, self._before = config.alerts, dict(self.counts)
        waiting = () if self._webhook is None else self._webhook.waiting()
        self._webhook = self._made()
        for message in waiting:
            self.offer(message)
        self._changed.set()

    async def run(self) -> None:
        """Post what is offered, until cancelled."""
        while True:
            self._changed.clear()
            posting = None if self._webhook is None else asyncio.create_task(self._webhook.run())
            try:
                await self._changed.wait()
            finally:
                if posting is not None:
                    posting.cancel()
                    await asyncio.gather(posting, return_exceptions=True)

    def _made(self) -> Webhook | None:
        if self._settings.webhook is None:
            return None
        return Webhook(
            self._settings.webhook.reveal(),
            allow_private=self._settings.allow_private,
            user_agent=self._user_agent,
            instance=instance(),
        )
