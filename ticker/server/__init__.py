"""The HTTP side: boards, ready answers, routes. Knows the store, never the poller."""
