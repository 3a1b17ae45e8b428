"""How findings are shown: words in two languages, a text, a page."""
