"""Rendering: text, figures and HTML. Nothing here knows what is shown."""
