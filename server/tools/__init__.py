"""What an operator gives to a mind beyond words: calls over HTTP, MCP servers, cards, staff."""
