"""The CoinGecko dialect: `/api/v3` as existing clients speak it, over our own settled prices.

`asks` reads what is asked for, `answers` says what is known of it, `doors` puts both behind paths. The calls, their
parameters and where we differ stand in docs/coingecko-dialect.md.
"""

from ticker.server.dialect.doors import PATH, Dialect, refusal

__all__ = ["PATH", "Dialect", "refusal"]
