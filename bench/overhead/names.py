"""What contenders are called, in records and tables."""

SUITE, BARE, DOCUMENT, LIGHTNING, SKORCH = "suite", "bare loop", "document", "Lightning", "skorch"
ONE, MANY = "one at a time", "side by side"
DEFAULTS, OURS = "torch's defaults", "the suite's"
