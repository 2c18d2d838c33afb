"""How things are written: markdown, tables and the style of figures."""
